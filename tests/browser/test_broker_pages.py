"""A broker's account on the pages: a code by SMS, a trade up to the invoice, and real money."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_trading_pages import SESSION, note_frames, session_of, trade_by_hand
from tests.browser.visits import PASSWORD, Visitor, register, sign_in, visitor
from tests.services.fixtures import Serve
from tests.services.server import Server
from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.people import PASSWORD as AT_BROKER
from trading.brokers.emulator.people import SMS_CODE
from trading.brokers.emulator.running import Running, running_emulator

pytestmark = [pytest.mark.browser, pytest.mark.server]
SPEED = 12.0  # a minute at the broker takes five seconds
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp()
ENDED = re.compile("Ganada|Perdida|Empatada")


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    with running_emulator(clock=ScaledClock(NOON, speed=SPEED)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def exchange(serve_module: Serve, broker: Running) -> Server:
    hosts = {
        f"{name}_{key}".upper(): value
        for name in ("exnova", "iqoption")
        for key, value in broker.hosts.items()
        if key != "platform_id"
    }
    server = serve_module(**hosts, REAL_TRADING="true")
    made = f"create_superuser('root', password={PASSWORD!r})"
    server.manage("shell", "-v0", "-c", f"from accounts.models import User; User.objects.{made}")
    return server


def connect(
    guest: Visitor,
    email: str,
    *,
    broker: str = "exnova",
    kind: str = "PRACTICE",
    frames: list[dict[str, Any]] | None = None,
) -> Page:
    """`frames` gathers what the page's sockets hear from then on."""
    page = guest.open("/trading/conectar/")
    note_frames(page, frames if frames is not None else [])
    page.select_option("#id_broker", broker)
    page.select_option("#id_account_type", kind)
    page.fill("#id_email", email)
    page.fill("#id_password", AT_BROKER)
    page.get_by_role("button", name="Conectar", exact=True).click()
    return page


def refused_in(page: Page) -> None:
    """A form came back with what is wrong."""
    expect(page.locator("form .note.error, form .errorlist").first).to_be_visible()


def on_the_board(page: Page) -> None:
    page.wait_for_url(SESSION)
    expect(page.locator("#line")).to_have_text("En vivo")
    expect(page.locator("#piece-head .reading")).to_have_text("Conectada")


def test_a_code_by_sms_is_asked_for_and_a_wrong_one_is_said_to_be(
    browser: Browser, exchange: Server, broker: Running
) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        register(guest)
        page = connect(guest, "twofa@test", broker="iqoption")
        page.wait_for_url(re.compile("/trading/codigo/"))
        expect(page.locator(".badge")).to_have_text("PRACTICE")
        page.click("text=Pedir uno por SMS")
        expect(page.get_by_text("Un código va de camino.")).to_be_visible()
        page.fill("#id_code", "000000")
        page.click("text=Seguir")
        refused_in(page)
        expect(page.locator("#id_code")).to_have_value("")
        guest.check(page)
        page.set_viewport_size({"width": 360, "height": 800})
        guest.check(page)
        page.fill("#id_code", SMS_CODE)
        page.click("text=Seguir")
        on_the_board(page)
        expect(page.locator("#piece-head")).to_contain_text("10\u202f000,00 USD")
        assert AT_BROKER not in page.content()
        guest.check(page)
    assert broker.state()["leaks"] == []


def test_a_trade_goes_from_the_board_to_the_invoice(
    browser: Browser, exchange: Server, broker: Running
) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        register(guest)
        page = connect(guest, "ok@test")
        on_the_board(page)
        trade_by_hand(page, "7", "call", minutes="1")
        row = page.locator("#piece-orders tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("7,00")
        # Nobody touches the page: the end of the trade comes to it.
        expect(row).to_contain_text(ENDED, timeout=30_000)
        expect(page.locator("#settled")).to_have_text("1")
        assert stakes(broker, "ok@test") == [7]
        guest.check(page)
        guest.go(page, "/cuenta/facturas/")
        line = page.locator("tr", has_text="Operaciones liquidadas")
        expect(line.locator("[data-name=Cantidad]")).to_have_text(
            re.compile(r"\s*1 operaciones\s*")
        )
        guest.check(page)


def the_right_is_granted(browser: Browser, exchange: Server, name: str) -> None:
    """An administrator gives it in the admin."""
    with visitor(browser, exchange.url, locale="es") as root:
        sign_in(root, "root")
        page = root.open("/admin/trading/realgrant/add/")
        page.select_option("#id_user", label=name)
        page.click("input[name=_save]")
        page.wait_for_url(re.compile("/realgrant/$"))
        expect(page.locator("#result_list")).to_contain_text(name)


def test_real_money_takes_three_to_say_yes_and_every_screen_says_real(
    browser: Browser, exchange: Server, broker: Running
) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        name = register(guest)
        frames: list[dict[str, Any]] = []
        page = connect(guest, "rich@test", kind="REAL")
        refused_in(page)
        page = guest.open("/trading/real/")
        expect(page.get_by_text("Lo ha activado en esta máquina.")).to_be_visible()
        expect(page.locator("#id_typed")).to_have_count(0)
        the_right_is_granted(browser, exchange, name)
        guest.go(page, "/trading/real/")
        for daily_loss, typed, password in (
            ("50", "real 50.00", PASSWORD),
            ("50", "REAL 500.00", PASSWORD),
            ("50", "REAL 50.00", "not-the-password"),
        ):
            confirm(page, daily_loss, typed, password)
            refused_in(page)
            expect(page.locator("#id_password")).to_have_value("")
        confirm(page, "50", "REAL 50.00", PASSWORD)
        expect(page.get_by_text("Confirmado. Conecta en menos de quince minutos.")).to_be_visible()
        guest.check(page)
        page = connect(guest, "rich@test", kind="REAL", frames=frames)
        on_the_board(page)
        session = session_of(page)
        for path in ("", "bot/", "ordenes/", "registro/", "limites/"):
            guest.go(page, f"/trading/sesiones/{session}/{path}")
            expect(page.locator("h1 + .badge")).to_have_text("REAL")
            expect(page.get_by_text("PRACTICE", exact=True)).to_have_count(0)
            guest.check(page)
        guest.go(page, "/trading/")
        expect(page.locator(".grid .badge")).to_have_text("REAL")
        guest.go(page, f"/trading/sesiones/{session}/")
        trade_by_hand(page, "5", "put", minutes="1")
        expect(page.locator("#piece-orders tbody tr")).to_contain_text(ENDED, timeout=30_000)
        # More than the limits of real money allow: our gate holds it, and the broker has one order.
        page.fill("#id_stake", "50")
        page.click("button[value=call]")
        expect(page.get_by_text("Un límite retiene la orden")).to_be_visible()
        assert stakes(broker, "rich@test") == [5]
        events = [one for one in frames if one["type"] == "event"]
        assert {one["kind"] for one in events} >= {"order", "balance"}
        assert {one["account_type"] for one in events} == {"REAL"}
        guest.go(page, "/trading/real/")
        page.click("text=Renunciar a ello")
        expect(page.get_by_text("El dinero real está desactivado para ti.")).to_be_visible()
        guest.go(page, f"/trading/sesiones/{session}/")
        expect(page.locator("#piece-head .reading")).to_have_text("Desconectada", timeout=30_000)


def confirm(page: Page, daily_loss: str, typed: str, password: str) -> None:
    page.fill("#id_daily_loss", daily_loss)
    page.fill("#id_typed", typed)
    page.fill("#id_password", password)
    page.click("form.card button")


def stakes(broker: Running, email: str) -> list[Decimal]:
    """In the broker's own book."""
    return [Decimal(one["stake"]) for one in broker.orders() if one["email"] == email]
