"""A conversation as a person holds it: with a cut network, a second tab, second thoughts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.hostile_texts import ALL
from tests.browser.visits import Visitor, register, sign_in, until, visitor
from tests.services.fixtures import Serve
from tests.services.openai_server import OpenAIServer
from tests.services.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.server]
ONE = re.compile(r"/asistente/([0-9a-f-]{36})/")
PATIENT = 20_000  # ms, for what a busy machine does at its first time
PORTRAIT = ROOT / "static" / "samples" / "eileen-collins-nasa.jpg"


@pytest.fixture(scope="module")
def far() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="module")
def product(serve_module: Serve, far: OpenAIServer) -> Server:
    return serve_module(OPENAI_BASE_URL=far.base_url, OPENAI_CHAT_MODEL="small")


@pytest.fixture
def ada(browser: Browser, product: Server, far: OpenAIServer) -> Iterator[Visitor]:
    far.behave()
    with visitor(browser, product.url, locale="es") as guest:
        register(guest)
        yield guest


def ask(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def last_answer(page: Page) -> str:
    """All that the newest answer says, as it stands."""
    return page.locator(".turn.assistant .answer").last.inner_text()


def words_of(text: str) -> list[str]:
    return text.split()


def answered(page: Page, count: int = 1) -> None:
    """So many answers are shown, and the last is whole."""
    answers = page.locator(".turn.assistant")
    expect(answers).to_have_count(count, timeout=PATIENT)
    expect(answers.last).to_have_attribute("data-state", "done", timeout=PATIENT)


def cut_the_line(guest: Visitor, page: Page) -> None:
    guest.context.set_offline(True)
    page.evaluate("window.sockets.forEach((socket) => socket.close())")


def test_a_conversation_is_held(ada: Visitor, far: OpenAIServer) -> None:
    code = "```python\nprint('hola')\n```"
    far.behave(text=f"Hola, **Ada**. Mira:\n\n{code}\n\n1. uno\n2. [dos](/ayuda/)", delay_s=0.01)
    page = ada.open("/asistente/")
    expect(page.locator("#send")).to_be_disabled()
    page.fill("#text", "¿Qué tal?")
    page.press("#text", "Shift+Enter")
    page.keyboard.type("Segunda línea")
    page.press("#text", "Enter")
    expect(page.locator(".turn.user .said")).to_have_text("¿Qué tal?\nSegunda línea")
    answered(page)
    expect(page).to_have_url(ONE)
    expect(page.locator(".answer strong")).to_have_text("Ada")
    expect(page.locator(".answer ol > li")).to_have_count(2)
    expect(page.locator(".answer pre")).to_have_text("print('hola')\n")
    expect(page.locator(".answer .lit-string")).to_have_text("'hola'")
    expect(page.locator(".engine")).to_have_text("openai · small")
    expect(page.locator("#title")).to_have_text(re.compile("¿Qué tal?"))
    expect(page.locator("#conversations [aria-current] .name")).to_contain_text("¿Qué tal?")
    expect(page.locator("#spoken")).to_contain_text("El asistente: Hola, Ada.")
    ask(page, "¿Y ahora?")
    answered(page, 2)
    sent = far.answers[-1].asked
    assert [turn["role"] for turn in sent if turn["role"] != "system"] == [
        "user",
        "assistant",
        "user",
    ]
    page.reload()
    answered(page, 2)
    expect(page.locator(".turn.user .said")).to_have_text(["¿Qué tal?\nSegunda línea", "¿Y ahora?"])
    ada.check(page)


def test_a_draft_outlives_a_reload_and_belongs_to_its_conversation(ada: Visitor) -> None:
    page = ada.open("/asistente/")
    page.fill("#text", "a medias")
    page.reload()
    expect(page.locator("#text")).to_have_value("a medias")
    page.press("#text", "Enter")
    answered(page)
    page.fill("#text", "otra idea")
    page.click("#new")
    expect(page.locator("#text")).to_have_value("")
    page.go_back()
    expect(page).to_have_url(ONE)
    expect(page.locator("#text")).to_have_value("otra idea")
    answered(page)
    ada.check(page)


def test_a_cut_network_loses_and_repeats_nothing(ada: Visitor, far: OpenAIServer) -> None:
    far.behave(delay_s=0.04)
    page = ada.open("/asistente/")
    ask(page, "Cuéntame algo largo")
    until(page, "(document.querySelector('.answer')?.textContent.length ?? 0) > 40")
    cut_the_line(ada, page)
    expect(page.locator("#line")).to_contain_text("Sin conexión")
    seen = words_of(last_answer(page))
    page.wait_for_timeout(500)  # the provider goes on
    assert words_of(last_answer(page)) == seen
    ada.complaints.clear()  # that the line was cut
    ada.context.set_offline(False)
    answered(page)
    expect(page.locator("#line")).to_be_hidden()
    assert words_of(last_answer(page)) == words_of(far.answers[-1].full)
    assert len(seen) < len(words_of(far.answers[-1].full))
    page.reload()
    answered(page)
    assert words_of(last_answer(page)) == words_of(far.answers[-1].full)
    ada.complaints = [one for one in ada.complaints if "ERR_INTERNET_DISCONNECTED" not in one]
    ada.check(page)


def test_what_is_asked_without_a_network_is_asked_once_when_it_is_back(
    ada: Visitor, far: OpenAIServer
) -> None:
    page = ada.open("/asistente/")
    ask(page, "Primera")
    answered(page)
    before = len(far.answers)
    cut_the_line(ada, page)
    ask(page, "Sin red")
    expect(page.locator(".turn.user").last).to_have_attribute("data-state", "waiting")
    page.fill("#text", "y otra")
    expect(page.locator("#send")).to_be_disabled()
    ada.context.set_offline(False)
    answered(page, 2)
    assert len(far.answers) == before + 1
    expect(page.locator(".turn.user .said")).to_have_text(["Primera", "Sin red"])
    expect(page.locator("#text")).to_have_value("y otra")


def test_a_reload_and_a_second_tab_show_the_same_answer(ada: Visitor, far: OpenAIServer) -> None:
    far.behave(delay_s=0.04)
    first = ada.open("/asistente/")
    ask(first, "Cuéntame algo largo")
    until(first, "(document.querySelector('.answer')?.textContent.length ?? 0) > 30")
    expect(first).to_have_url(ONE)
    second = ada.open(first.url.removeprefix(ada.url))
    first.reload()
    answered(first)
    answered(second)
    full = words_of(far.answers[-1].full)
    assert words_of(last_answer(first)) == full
    assert words_of(last_answer(second)) == full
    far.behave(text="Dicho en la otra pestaña.", delay_s=0.02)
    ask(second, "Desde la segunda")
    expect(first.locator(".turn.user .said").last).to_have_text("Desde la segunda")
    answered(first, 2)
    expect(first.locator(".answer").last).to_have_text("Dicho en la otra pestaña.")
    ada.check(first)
    ada.check(second)


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_a_stopped_answer_keeps_what_was_said(ada: Visitor, far: OpenAIServer, how: str) -> None:
    far.behave(delay_s=0.05)
    page = ada.open("/asistente/")
    ask(page, "Cuéntame algo largo")
    until(page, "(document.querySelector('.answer')?.textContent.length ?? 0) > 20")
    page.evaluate(
        """() => {
          const began = () => (window.pressed ??= performance.now());
          addEventListener("keydown", began, { capture: true, once: true });
          addEventListener("click", began, { capture: true, once: true });
          new MutationObserver(() => (window.stopped ??= performance.now())).observe(
            document.querySelector(".turn.assistant"), { attributeFilter: ["data-state"] });
        }"""
    )
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.click("#stop")
    expect(page.locator(".turn.assistant")).to_have_attribute("data-state", "stopped")
    took = page.evaluate("window.stopped - window.pressed")
    assert took < 1000, f"stopped after {took:.0f} ms"
    expect(page.locator(".outcome-words").last).to_have_text("Paraste aquí esta respuesta.")
    kept = words_of(last_answer(page))
    full = words_of(far.answers[-1].full)
    assert 0 < len(kept) < len(full)
    assert full[: len(kept) - 1] == kept[:-1]
    page.reload()
    expect(page.locator(".turn.assistant")).to_have_attribute("data-state", "stopped")
    assert words_of(last_answer(page)) == kept
    expect(page.locator("#stop")).to_be_hidden()
    ada.check(page)


def test_second_thoughts_are_branches(ada: Visitor, far: OpenAIServer) -> None:
    far.behave(text="Respuesta A")
    page = ada.open("/asistente/")
    ask(page, "Pregunta uno")
    answered(page)
    far.behave(text="Respuesta B")
    page.click(".turn.assistant .retry")
    expect(page.locator(".answer")).to_have_text("Respuesta B")
    expect(page.locator(".turn.assistant .place")).to_have_text("2/2")
    page.click(".turn.assistant .previous")
    expect(page.locator(".answer")).to_have_text("Respuesta A")
    expect(page.locator(".turn.assistant .previous")).to_be_disabled()
    far.behave(text="Respuesta C")
    page.click(".turn.user .edit")
    expect(page.locator(".edit-form textarea")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".edit-form")).to_have_count(0)
    page.click(".turn.user .edit")
    page.fill(".edit-form textarea", "Pregunta dos")
    page.press(".edit-form textarea", "Enter")
    expect(page.locator(".answer")).to_have_text("Respuesta C")
    expect(page.locator(".turn.user .said")).to_have_text("Pregunta dos")
    expect(page.locator(".turn.user .place")).to_have_text("2/2")
    page.click(".turn.user .previous")
    expect(page.locator(".turn.user .said")).to_have_text("Pregunta uno")
    expect(page.locator(".turn.assistant .place")).to_have_text(re.compile("[12]/2"))
    page.reload()
    expect(page.locator(".turn.user .place")).to_have_text("2/2")
    expect(page.locator(".answer")).to_have_text("Respuesta C")
    ada.check(page)


def test_conversations_are_found_renamed_exported_and_deleted(
    ada: Visitor, far: OpenAIServer, tmp_path: Path
) -> None:
    far.behave(text="El murciélago voló.")
    page = ada.open("/asistente/")
    ask(page, "Háblame de animales")
    answered(page)
    page.click("#new")
    far.behave(text="Gira deprisa.")
    ask(page, "Háblame de peonzas")
    answered(page)
    names = page.locator("#conversations .name")
    expect(names).to_have_text(["Háblame de peonzas", "Háblame de animales"])
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("murcielago")  # of an answer, and without its accent
    expect(names).to_have_text(["Háblame de animales"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_text("El murciélago voló.")
    page.fill("#search", "nada de esto")
    expect(page.locator("#list-note")).to_contain_text("No hay nada con «nada de esto».")
    page.fill("#search", "")
    expect(names).to_have_count(2)
    _export(page, tmp_path)
    page.click("#menu-here")
    page.click("#menu-rename")
    page.fill("#new-name", "Bichos")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("Bichos")
    expect(names.filter(has_text="Bichos")).to_have_count(1)
    elsewhere = ada.open(page.url.removeprefix(ada.url))
    answered(elsewhere)
    page.click("#menu-here")
    page.click("#menu-delete")
    expect(page.locator("#delete-name")).to_have_text("Bichos")
    page.keyboard.press("Escape")
    expect(names).to_have_count(2)
    page.click("#menu-here")
    page.click("#menu-delete")
    page.click("#delete button[value=yes]")
    expect(page.locator("#missing")).to_have_text("La conversación se ha borrado.")
    expect(names).to_have_text(["Háblame de peonzas"])
    expect(elsewhere.locator("#missing")).to_have_text("La conversación se ha borrado.")
    ada.check(page)


def _export(page: Page, folder: Path) -> None:
    for form in ("markdown", "json"):
        page.click("#menu-here")
        with page.expect_download() as saved:
            page.click(f"#menu-{form}")
        path = folder / saved.value.suggested_filename
        saved.value.save_as(path)
        text = path.read_text("utf-8")
        assert "Háblame de animales" in text
        assert "El murciélago voló." in text
        if form == "json":
            json.loads(text)


def test_files_go_along(ada: Visitor, far: OpenAIServer, tmp_path: Path) -> None:
    note = tmp_path / "nota.md"
    note.write_text("# Nota", "utf-8")
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0\0\0\x18ftypmp42")
    page = ada.open("/asistente/")
    page.set_input_files("#pick", [PORTRAIT, note, film])
    chips = page.locator("#files li")
    expect(chips).to_have_count(3)
    expect(chips.nth(0)).to_have_attribute("data-state", "ready")
    expect(chips.nth(1)).to_have_attribute("data-state", "ready")
    expect(chips.nth(2)).to_contain_text("Solo imágenes")
    chips.nth(2).get_by_role("button").click()
    page.reload()
    expect(chips).to_have_count(2)
    expect(chips.nth(0).locator("img")).to_be_visible()
    until(page, "document.querySelector('#files img').naturalWidth > 0")
    ask(page, "¿Quién es?")
    answered(page)
    shown = page.locator(".turn.user .files li")
    expect(shown).to_have_count(2)
    expect(shown.nth(1)).to_contain_text("nota.md")
    expect(chips).to_have_count(0)
    page.reload()
    expect(shown).to_have_count(2)
    until(page, "document.querySelector('.turn .files img').naturalWidth > 0")
    assert "image_url" in json.dumps(far.answers[-1].asked)
    for times in range(7):
        page.set_input_files("#pick", [tmp_path / "nota.md"])
        expect(chips).to_have_count(times + 1)
    expect(chips.nth(6)).to_contain_text("Como mucho 6 archivos")
    ada.check(page)


def test_a_failing_provider_is_stood_in_for_and_says_so(ada: Visitor, far: OpenAIServer) -> None:
    far.behave(status=500)
    page = ada.open("/asistente/")
    ask(page, "¿Cómo exporto una red a VHDL?")
    answered(page)
    expect(page.locator(".engine")).to_have_text("Buscador propio, sin modelo de lenguaje")
    expect(page.locator(".degraded")).to_be_visible()
    ada.check(page)


def test_an_answer_that_is_held_back_says_so(ada: Visitor, far: OpenAIServer) -> None:
    far.behave(filter_after=3)
    page = ada.open("/asistente/")
    ask(page, "Algo feo")
    turn = page.locator(".turn.assistant")
    expect(turn).to_have_attribute("data-state", "filtered", timeout=PATIENT)
    expect(turn.locator(".outcome-words")).to_contain_text("regla de seguridad")
    expect(page.locator("#spoken")).to_contain_text("La respuesta se retuvo")
    expect(page.locator("#stop")).to_be_hidden()
    ada.check(page)


def test_a_failed_answer_is_tried_again_with_one_press(
    ada: Visitor, product: Server, far: OpenAIServer
) -> None:
    code = (
        "from accounts.models import User; from assistant.tests.factories import *\n"
        "talk = a_conversation(User.objects.latest('pk'))\n"
        "answer = an_answer(a_message(talk, '¿Y?'), 'Empiezo a', 'failed')\n"
        "answer.error = 'provider_timeout'; answer.save()\n"
        "print(talk.pk)"
    )
    pk = product.manage("shell", "-v0", "-c", code).split()[-1]
    page = ada.open(f"/asistente/{pk}/")
    note = page.locator(".turn.assistant .outcome")
    expect(note).to_contain_text("El proveedor no respondió a tiempo")
    expect(page.locator(".answer")).to_have_text("Empiezo a")
    far.behave(text="Ahora sí.")
    note.get_by_role("button", name="Volver a intentarlo").click()
    expect(page.locator(".answer")).to_have_text("Ahora sí.", timeout=PATIENT)
    expect(page.locator(".turn.assistant .place")).to_have_text("2/2")
    ada.check(page)


def test_a_limit_counts_down_and_loses_no_word(ada: Visitor) -> None:
    page = ada.open("/asistente/")
    page.fill("#text", "Con prisa")
    page.evaluate(
        'for (let n = 0; n < 30; n += 1) window.sockets.at(-1).send(\'{"type": "ping"}\');'
        "document.querySelector('#composer').requestSubmit()"
    )
    note = page.locator(".turn.user .outcome")
    expect(note).to_contain_text(re.compile("Demasiad"))
    expect(page.locator(".turn.user .said")).to_have_text("Con prisa")
    again = note.get_by_role("button", name="Volver a intentarlo")
    again.click(timeout=PATIENT)  # as soon as the seconds are over
    answered(page)
    expect(page.locator(".turn.user")).to_have_count(1)
    ada.check(page)


def test_an_answer_that_grows_leaves_who_reads_above_where_they_are(
    ada: Visitor, far: OpenAIServer
) -> None:
    box = "document.getElementById('scroll')"
    left = f"{box}.scrollHeight - {box}.scrollTop - {box}.clientHeight"
    lines = "\n\n".join(f"Párrafo {number} de muchos." for number in range(70))
    far.behave(text=lines, delay_s=0.02)
    page = ada.open("/asistente/")
    ask(page, "Largo")
    until(page, f"{box}.scrollHeight > 2 * {box}.clientHeight", seconds=30)
    assert page.evaluate(left) <= 100  # it follows what comes
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -300)
    expect(page.locator("#down")).to_be_visible()
    page.wait_for_timeout(200)
    above, high = page.evaluate(f"[{box}.scrollTop, {box}.scrollHeight]")
    until(page, f"{box}.scrollHeight > {high + 100}", seconds=30)
    assert page.evaluate(f"{box}.scrollTop") == above
    page.click("#down")
    answered(page)
    until(page, f"{left} <= 1")
    expect(page.locator(".turn.assistant .retry")).to_be_in_viewport()
    ada.check(page)


def test_a_visitor_asks_without_an_account_and_nothing_is_kept(
    browser: Browser, product: Server
) -> None:
    with visitor(browser, product.url, locale="es") as guest:
        page = guest.open("/asistente/")
        expect(page.locator("#empty")).to_contain_text("no se guarda nada")
        page.get_by_role("button", name="¿Cómo exporto una red a VHDL?").click()
        answered(page)
        expect(page.locator(".engine")).to_have_text("Buscador propio, sin modelo de lenguaje")
        expect(page.locator(".sources a").first).to_have_attribute("href", re.compile("^http"))
        expect(page).to_have_url(f"{product.url}/asistente/")
        ask(page, "¿Y para entrenar?")
        answered(page, 2)
        cut_the_line(guest, page)
        guest.complaints.clear()  # that the line was cut
        guest.context.set_offline(False)
        expect(page.locator("#line")).to_be_hidden(timeout=PATIENT)
        ask(page, "¿Sigues ahí?")
        answered(page, 3)
        guest.complaints = [one for one in guest.complaints if "DISCONNECTED" not in one]
        guest.check(page)
        page.reload()
        expect(page.locator(".turn")).to_have_count(0)


def test_an_ended_login_is_told_and_what_was_written_stays(
    ada: Visitor, browser: Browser, product: Server
) -> None:
    page = ada.open("/asistente/")
    page.fill("#text", "No lo pierdas")
    with visitor(browser, product.url) as elsewhere:
        name = page.locator(".rail .who strong").inner_text()
        sign_in(elsewhere, name)
        sessions = elsewhere.open("/sesiones/")
        with sessions.expect_navigation():
            sessions.click(".linklike.danger")
    expect(page.locator("#ended")).to_contain_text("Tu sesión ha terminado")
    expect(page.locator("#ended a")).to_have_attribute(
        "href", re.compile("^/cuenta/entrar/.next=%2Fasistente%2F")
    )
    ada.context.clear_cookies()
    sign_in(ada, name)
    ada.go(page, "/asistente/")
    expect(page.locator("#text")).to_have_value("No lo pierdas")


def test_the_list_is_a_drawer_on_a_narrow_screen(ada: Visitor, far: OpenAIServer) -> None:
    far.behave(text="Corto.")
    page = ada.open("/asistente/")
    ask(page, "Uno")
    answered(page)
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("#chats")).to_be_hidden()
    page.click("#show-list")
    expect(page.locator("#conversations a")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#chats")).to_be_hidden()
    expect(page.locator("#show-list")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()
    page.click("#conversations a")
    expect(page.locator("#chats")).to_be_hidden()
    expect(page.locator("#text")).to_be_in_viewport()
    expect(page.locator("#send")).to_be_in_viewport()
    ada.check(page)


def test_no_hostile_text_runs_wherever_it_is_kept(ada: Visitor, product: Server) -> None:
    code = (
        "from accounts.models import User; from assistant.tests.conversations import *;"
        "from tests.browser.hostile_texts import ALL;"
        "hostile_conversations(User.objects.latest('pk'), ALL)"
    )
    product.manage("shell", "-v0", "-c", code)
    ada.context.add_init_script("window.ran = () => (window.hasRun = true)")
    page = ada.open("/asistente/")
    lines = page.locator("#conversations li")
    expect(lines).to_have_count(30)
    for more in range(60, len(ALL) + 30, 30):
        page.click("#more")
        expect(lines).to_have_count(min(more, len(ALL) + 4))
    for place in range(4):  # the newest, which have the messages
        lines.nth(place).locator("a").click()
        expect(page.locator(".turn")).to_have_count(100 if place else 2 * (len(ALL) % 50))
        expect(page.locator(".turn .sources li")).to_have_count(100 if place else 70)
    assert page.evaluate("window.hasRun ?? false") is False
    ada.check(page)


def test_no_hostile_answer_runs_while_it_comes(ada: Visitor, far: OpenAIServer) -> None:
    ada.context.add_init_script("window.ran = () => (window.hasRun = true)")
    page = ada.open("/asistente/")
    for start in range(0, len(ALL), 60):
        far.behave(text="\n\n".join(ALL[start : start + 60]))
        ask(page, ALL[start])
        answered(page, start // 60 + 1)
    assert page.evaluate("window.hasRun ?? false") is False
    ada.check(page)
