"""Paper money, from the first press to the invoice; and two people who never meet."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.browser.visits import Visitor, register, sign_in, until, visitor
from tests.services.fixtures import Serve
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]
SESSION = re.compile(r"/trading/sesiones/([0-9a-f-]{36})/")


@pytest.fixture(scope="module")
def exchange(serve_module: Serve) -> Server:
    return serve_module()


def note_frames(page: Page, frames: list[dict[str, Any]]) -> None:
    """Gather what the page's sockets hear from now on."""

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(json.loads(frame)))

    page.on("websocket", opened)


def begin_with_paper(guest: Visitor, frames: list[dict[str, Any]] | None = None) -> Page:
    """One press, and the board is there and live."""
    page = guest.open("/trading/")
    note_frames(page, frames if frames is not None else [])
    expect(page.get_by_text("No hay ninguna sesión viva")).to_be_visible()
    page.click(".empty button.first")
    page.wait_for_url(SESSION)
    expect(page.locator("#line")).to_have_text("En vivo")
    expect(page.locator("#piece-head .reading")).to_have_text("Conectada")
    return page


def session_of(page: Page) -> str:
    found = SESSION.search(page.url)
    assert found
    return found[1]


def start_a_bot_that_trades_at_each_candle(page: Page) -> None:
    page.click("text=Elegir estrategia")
    page.check("input[value=momentum]")
    page.fill("[name='momentum.period']", "1")
    page.fill("[name='momentum.threshold']", "0")
    page.fill("#id_asset", "EURUSD-OTC")
    page.fill("#id_stake", "3")
    page.select_option("#id_candle_seconds", "5")
    page.click("text=Guardar y arrancar el bot")
    expect(page.locator("#bot-state")).to_have_text("En marcha")


def test_from_one_press_over_a_bot_to_the_invoice(browser: Browser, exchange: Server) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        register(guest)
        page = begin_with_paper(guest)
        expect(page.locator("h1 + .badge")).to_have_text("PRACTICE")
        until(page, "document.querySelectorAll('#chart canvas').length > 0")
        until(page, "document.querySelectorAll('#candles tbody tr').length >= 30")
        expect(page.get_by_text("TradingView Lightweight Charts™")).to_be_visible()
        start_a_bot_that_trades_at_each_candle(page)
        board = page.url
        # Nobody touches the page: what happens comes to it.
        rows = page.locator("#piece-orders tbody tr")
        expect(rows.first).to_be_visible(timeout=30_000)
        until(page, "document.querySelectorAll('#piece-orders tbody tr').length >= 2", seconds=30)
        expect(rows.first).to_contain_text("EURUSD-OTC")
        expect(rows.first).to_contain_text("Bot")
        guest.check(page)
        page.click("text=Parar el bot")
        expect(page.locator("#bot-state")).to_have_text("Parado")
        made = exchange.query("SELECT count(*) FROM trading_order")[0][0]
        page.wait_for_timeout(6_000)  # a candle more, and no order of the bot
        assert exchange.query("SELECT count(*) FROM trading_order")[0][0] == made
        page.set_viewport_size({"width": 360, "height": 800})
        guest.go(page, board.removeprefix(exchange.url))
        expect(page.locator("#line")).to_have_text("En vivo")
        guest.check(page)
        with page.expect_download() as started:
            page.click("#piece-orders a.button")
        table = Path(str(started.value.path())).read_text("utf-8").splitlines()
        assert len(table) == int(str(made)) + 1
        _past_runs_and_the_log(guest, page, board)
        guest.go(page, "/cuenta/facturas/")
        hours = page.locator("tr", has_text="Bot en marcha").locator("[data-name=Cantidad]").first
        # A minute, counted once however many candles it had; two where the bot saw two begin.
        expect(hours).to_have_text(re.compile(r"\s*0,0(167|333) horas\s*"))
        guest.check(page)
        guest.go(page, board.removeprefix(exchange.url))
        figures = page.locator("#piece-head dl div")
        # Nobody touches the page: the minute of the last order ends, and it hears so.
        expect(figures.filter(has_text="Órdenes abiertas").locator("dd")).to_have_text(
            "0", timeout=100_000
        )
        expect(page.locator("#settled")).to_have_text(str(made))
        expect(rows.first).to_contain_text(re.compile("Ganada|Perdida|Empatada"))
        _past_runs_and_the_log(guest, page, board)
        guest.go(page, "/cuenta/facturas/")
        trades = page.locator("tr", has_text="Operaciones liquidadas")
        expect(trades.locator("[data-name=Cantidad]")).to_have_text(f"{made} operaciones")


def _past_runs_and_the_log(guest: Visitor, page: Page, board: str) -> None:
    guest.go(page, board.removeprefix(guest.url) + "pasadas/")
    expect(page.locator("section[id^=run-]")).to_have_count(1)
    expect(page.locator("section[id^=run-] .figures")).to_contain_text("Miradas")
    guest.check(page)
    with page.expect_download() as started:
        page.click("section[id^=run-] a.button")
    lines = Path(str(started.value.path())).read_text("utf-8").splitlines()
    assert '"kind":"plan"' in lines[0]
    assert any('"kind":"command"' in line for line in lines)
    guest.go(page, "/trading/registro/?kind=order")
    expect(page.locator("table.stacks tbody tr").first).to_contain_text("Papel PRACTICE")
    guest.check(page)
    with page.expect_download() as started:
        page.click(".spread a.button")
    table = Path(str(started.value.path())).read_text("utf-8").splitlines()
    assert table[0].startswith("at,session_id")
    assert all(",order," in line for line in table[1:])


def test_a_line_that_was_cut_misses_nothing(browser: Browser, exchange: Server) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        register(guest)
        page = begin_with_paper(guest)
        session = session_of(page)
        page.evaluate(
            "document.querySelector('#board').addEventListener('told',"
            " (event) => window.told.push(event.detail.seq))"
        )
        before = int(page.get_attribute("#board", "data-seq") or 0)
        guest.context.set_offline(True)
        page.evaluate("window.sockets.forEach((socket) => socket.close())")
        expect(page.locator("#line")).to_have_text("Se ha cortado la línea; intentándolo de nuevo")
        _log(exchange, session, times=3)
        seen = page.evaluate("Number(document.querySelector('#board').dataset.seq)")
        assert seen == before
        guest.complaints.clear()  # that the line was cut
        guest.context.set_offline(False)
        until(page, f"Number(document.querySelector('#board').dataset.seq) >= {before + 3}")
        expect(page.locator("#line")).to_have_text("En vivo")
        told = page.evaluate("window.told")
        assert told == list(range(before + 1, before + 1 + len(told)))


def _log(exchange: Server, session: str, *, times: int) -> None:
    """Something happens while nobody hears it."""
    code = (
        "from django.db import transaction; from django.utils import timezone;"
        "from trading.events import emit_log; from trading.models import TradingSession\n"
        "with transaction.atomic():\n"
        f"    row = TradingSession.objects.get(pk='{session}')\n"
        f"    for number in range({times}):\n"
        "        emit_log(row, 'note', at=timezone.now(), number=number)"
    )
    exchange.manage("shell", "-v0", "-c", code)


def test_two_people_in_two_browsers_see_only_their_own(browser: Browser, exchange: Server) -> None:
    with (
        visitor(browser, exchange.url, locale="es") as ana,
        visitor(browser, exchange.url, locale="es") as eva,
    ):
        register(ana)
        register(eva)
        frames: list[dict[str, Any]] = []
        frames_of_eva: list[dict[str, Any]] = []
        mine, hers = begin_with_paper(ana, frames), begin_with_paper(eva, frames_of_eva)
        trade_by_hand(mine, "11", "call")
        trade_by_hand(hers, "22", "put")
        expect(mine.locator("#piece-orders tbody tr")).to_have_count(1)
        expect(mine.locator("#piece-orders tbody tr")).to_contain_text("11,00")
        expect(hers.locator("#piece-orders tbody tr")).to_have_count(1)
        expect(hers.locator("#piece-orders tbody tr")).to_contain_text("22,00")
        foreign = session_of(hers)
        page = ana.context.new_page()
        for tail in ("", "bot/", "ordenes/", "limites/", "registro/", "piezas/"):
            answer = page.goto(f"{exchange.url}/trading/sesiones/{foreign}/{tail}")
            assert answer
            assert answer.status == 404, tail
        page.goto(f"{exchange.url}/trading/")
        assert foreign not in page.content()
        for heard, session in ((frames, session_of(mine)), (frames_of_eva, foreign)):
            assert len([one for one in heard if one.get("kind") == "order"]) >= 2
            # Candles and heartbeats belong to nobody; all else names its session.
            owned = [one for one in heard if one["type"] in {"connected", "event"}]
            assert {one["session_id"] for one in owned} == {session}
            rest = [one for one in heard if one not in owned]
            assert not [one for one in rest if set(one) & {"session_id", "data", "balance"}]
        # Asked for by hand, the other's socket is closed before it says anything.
        mine.evaluate(
            "(id) => { window.heard = []; const socket = new WebSocket("
            "`ws://${location.host}/ws/trading?session_id=${id}`);"
            " socket.onmessage = (event) => window.heard.push(event.data); }",
            foreign,
        )
        until(mine, "window.closes.includes(4404)")
        assert mine.evaluate("window.heard") == []
        # And what one halts over all of theirs does not hold the other.
        ana.go(page, "/trading/")
        page.get_by_role("button", name="Detener todas las mías").click()
        expect(page.get_by_text("Todas tus sesiones están detenidas")).to_be_visible()
        expect(mine.get_by_text("Detenido: no pasa ninguna orden.")).to_be_visible()
        mine.click("button[value=call]")
        expect(mine.get_by_text("El trading está detenido").first).to_be_visible()
        trade_by_hand(hers, "23", "call")
        expect(hers.locator("#piece-orders tbody tr")).to_have_count(2)
        expect(mine.locator("#piece-orders tbody tr")).to_have_count(1)
        page.get_by_role("button", name="Dejar pasar órdenes otra vez").click()
        trade_by_hand(mine, "12", "put")
        ana.check(mine)
        eva.check(hers)


def trade_by_hand(page: Page, stake: str, direction: str, *, minutes: str = "5") -> None:
    until(page, "document.querySelector('#id_asset').value !== ''")
    page.fill("#id_stake", stake)
    page.fill("#id_minutes", minutes)
    page.click(f"button[value={direction}]")
    expect(page.get_by_text("La orden está colocada.")).to_be_visible()


def test_a_session_is_steered_without_a_mouse(browser: Browser, exchange: Server) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        name = register(guest)
        page = begin_with_paper(guest)
        page.get_by_role("button", name="Detener", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Detenido: no pasa ninguna orden.")).to_be_visible()
        expect(page.get_by_role("button", name="Arrancar el bot")).to_be_disabled()
        page.get_by_role("button", name="Dejar pasar órdenes otra vez").focus()
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Arrancar el bot")).to_be_enabled()
        page.goto(f"{page.url}limites/")
        page.fill("#id_stake", "50")
        page.fill("#id_trades_per_hour", "61")
        page.locator("#id_stake").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Lo que sube vale dentro de 24 horas")).to_be_visible()
        expect(page.locator("#id_stake")).to_have_value("50.00")
        expect(page.locator("#id_trades_per_hour")).to_have_value("60")
        guest.check(page)
        guest.context.clear_cookies()
        sign_in(guest, name)
        guest.go(page, "/trading/")
        expect(page.locator(".grid .card")).to_have_count(1)


NEWEST = "document.querySelector('#candles tbody tr')"
BAR = f"[{NEWEST}.dataset.start, ...[...{NEWEST}.cells].slice(1).map((one) => one.textContent)]"


def test_the_last_bar_moves_before_it_closes(browser: Browser, exchange: Server) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        register(guest)
        page = begin_with_paper(guest)
        page.evaluate(
            "window.frames = []; window.sockets[0].addEventListener('message', (event) => {"
            " const told = JSON.parse(event.data);"
            " if (told.type === 'forming') window.frames.push([performance.now(), told]); })"
        )
        until(page, f"{NEWEST}?.dataset.forming === ''")
        expect(page.locator("#candles tbody tr").first).to_contain_text("sin cerrar")
        begun_at = page.evaluate(f"{NEWEST}.dataset.start")
        bars = _bars_of_one_candle(page)
        assert len(bars) >= 3, "the bar stood still"
        assert all(bar[1] == bars[0][1] for bar in bars)  # it opened once
        for bar in bars:
            first, high, low, close = (float(text.replace(",", ".")) for text in bar[1:])
            assert low <= min(first, close) <= max(first, close) <= high
        frames = page.evaluate("window.frames")  # of a page that a trade replaces
        assert all("seq" not in told for _at, told in frames)
        assert page.get_attribute("#chart", "data-marks") == "0"
        trade_by_hand(page, "4", "call")
        expect(page.locator("#chart")).to_have_attribute("data-marks", "1")
        for (before, _one), (after, _other) in pairwise(frames):
            assert after - before > 350  # milliseconds: half a second at the server
        _survives_a_cut_line(guest, page, int(begun_at))
        guest.check(page)


def _bars_of_one_candle(page: Page) -> list[list[str]]:
    """What the table and the canvas showed of the newest candle while it was open."""
    page.select_option("#chart-seconds", "30")
    until(page, f"{NEWEST}?.dataset.forming === '' && {NEWEST}.dataset.start % 60 >= 0")
    start = page.evaluate(f"{NEWEST}.dataset.start")
    bars: list[list[str]] = []
    pictures = set()
    for _look in range(90):
        bar = page.evaluate(BAR)
        if bar[0] != start:
            start, bars = bar[0], []  # we came at its end: take the next one
        if bar not in bars:
            bars.append(bar)
            pictures.add(page.locator("#chart").screenshot())
        if len(bars) >= 4:
            break
        page.wait_for_timeout(500)
    assert len(pictures) >= 3, "the canvas stood still"
    return bars


def _survives_a_cut_line(guest: Visitor, page: Page, begun: int) -> None:
    page.select_option("#chart-seconds", "5")
    until(page, f"{NEWEST}?.dataset.start > {begun}", seconds=20)
    guest.context.set_offline(True)
    page.evaluate("window.sockets.forEach((socket) => socket.close())")
    expect(page.locator("#line")).to_have_text("Se ha cortado la línea; intentándolo de nuevo")
    page.wait_for_timeout(11_000)  # two candles close unheard
    guest.complaints.clear()  # that the line was cut
    guest.context.set_offline(False)
    expect(page.locator("#line")).to_have_text("En vivo")
    before = page.evaluate(f"Number({NEWEST}.dataset.start)")
    until(page, f"{NEWEST}.dataset.start > {before} && {NEWEST}.dataset.forming === ''")
    rows = page.evaluate(
        "[...document.querySelectorAll('#candles tbody tr')].map((row) => +row.dataset.start)"
    )
    assert rows == list(range(rows[0], rows[0] - 5 * len(rows), -5)), "a candle is missing"
