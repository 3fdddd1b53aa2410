"""What goes wrong in a conversation: the network, the provider, the login, hostile words."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chats import ONE, PATIENT, answered, ask, cut_the_line, last_answer, words_of
from tests.browser.hostile_texts import ALL
from tests.browser.visits import Visitor, register, sign_in, until, visitor
from tests.services.fixtures import Serve
from tests.services.openai_server import OpenAIServer
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]


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


def test_a_killed_server_goes_on_where_it_was(
    browser: Browser, serve: Serve, far: OpenAIServer
) -> None:
    far.behave(delay_s=0.15)
    server = serve(OPENAI_BASE_URL=far.base_url, OPENAI_CHAT_MODEL="small")
    with visitor(browser, server.url, locale="es") as guest:
        register(guest)
        page = guest.open("/asistente/")
        ask(page, "Cuéntame algo largo")
        until(page, "(document.querySelector('.answer')?.textContent.length ?? 0) > 40", seconds=30)
        server.kill()
        expect(page.locator("#line")).to_contain_text("Sin conexión")
        seen = words_of(last_answer(page))
        far.behave(delay_s=0.01)
        server.start()
        expect(page.locator("#line")).to_be_hidden(timeout=60_000)
        done = page.locator(".turn.assistant")
        expect(done).to_have_attribute("data-state", "done", timeout=60_000)
        said = words_of(last_answer(page))
        assert said == words_of(far.answers[-1].full)
        assert said[: len(seen) - 1] == seen[:-1]
        guest.complaints = [one for one in guest.complaints if "WebSocket" not in one]
        guest.check(page)


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
        'for (let n = 0; n < 100; n += 1) window.sockets.at(-1).send(\'{"type": "ping"}\');'
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
