"""The spelling page: the real network reads a film of hands; its rule is tried on its own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Launch
from tests.browser.hands import HANDS, film_of
from tests.browser.visits import register, until, visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]


@pytest.fixture(scope="module")
def spellers(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser before which somebody spells L, V."""
    film = film_of("LV", tmp_path_factory.mktemp("film") / "hands.mjpeg")
    started = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
        "--autoplay-policy=no-user-gesture-required",
    )
    yield started
    started.close()


def text(page: Page) -> str:
    return page.locator("#text").text_content() or ""


def test_two_letters_are_spelled_before_the_camera(
    spellers: Browser, shared_server: Server
) -> None:
    with visitor(spellers, shared_server.url) as guest:
        page = guest.open("/senas/")
        page.click("#start")
        until(page, "document.querySelector('#text').textContent.length >= 2", seconds=40)
        assert text(page)[:2] in {"LV", "VL"}  # the film may have begun before the page looked
        expect(page.locator("#guesses li")).to_have_count(3)
        page.click("#start")
        expect(page.locator("#video")).to_be_hidden()
        before = text(page)
        page.wait_for_timeout(600)
        assert text(page) == before
        guest.check(page)


def test_it_is_said_aloud_and_can_be_interrupted(spellers: Browser, shared_server: Server) -> None:
    with visitor(spellers, shared_server.url) as ada:
        register(ada)
        ada.context.add_init_script(
            "window.played = []; const play = Audio.prototype.play;"
            "Audio.prototype.play = function () {"
            " window.played.push(this); return play.call(this); }"
        )
        page = ada.open("/senas/")
        page.keyboard.type("hola que tal estas hoy")
        expect(page.locator("#text")).to_have_text("HOLA QUE TAL ESTAS HOY")
        with page.expect_response("**/api/v1/assistant/speak") as told:
            page.keyboard.press("Enter")
        answer = told.value
        assert answer.headers["content-type"] == "audio/wav"
        assert json.loads(answer.request.post_data or "")["text"] == "hola que tal estas hoy"
        until(page, "window.played.length === 1 && window.played[0].currentTime > 0")
        page.click("#speak")
        expect(page.locator("#speak")).to_have_attribute("aria-pressed", "false")
        until(page, "window.played[0].paused && !window.played[0].ended")
        page.click("#speak")
        expect(page.locator("#speak")).to_have_attribute("aria-pressed", "true")
        until(page, "window.played.length === 2 && window.played[1].ended", seconds=20)
        expect(page.locator("#speak")).to_have_attribute("aria-pressed", "false")
        ada.check(page)


def test_keys_and_buttons_write_and_mend(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url, viewport={"width": 360, "height": 800}) as guest:
        guest.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = guest.open("/senas/")
        expect(page.locator("#speak")).to_be_disabled()
        page.keyboard.type("ab  c")
        expect(page.locator("#text")).to_have_text("AB C")  # one space
        page.keyboard.press("Backspace")
        page.click("#delete")
        assert text(page) == "AB"
        page.keyboard.press("Control+z")
        assert text(page) == "AB "
        page.click("#undo")
        assert text(page) == "AB C"
        page.click("#copy")
        expect(page.locator("#done")).to_have_text("Copiado.")
        assert page.evaluate("navigator.clipboard.readText()") == "AB C"
        page.click("#clear")
        expect(page.locator("#text-empty")).to_be_visible()
        page.keyboard.press("Control+z")
        assert text(page) == "AB C"
        page.click("#space")
        page.keyboard.press("Control+c")  # other commands stay the browser's
        assert text(page) == "AB C "
        guest.check(page)


def test_a_picture_may_come_from_a_file(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        page = guest.open("/senas/")
        page.set_input_files("#files", [HANDS / "hand-l.jpg", HANDS / "hand-w.jpg"])
        expect(page.locator("#text")).to_have_text("LW")
        page.set_input_files("#files", [HANDS / "hand-j.jpg"])
        expect(page.locator("#moves")).to_be_visible()
        assert text(page) == "LW"  # a movement is not taken from a still picture
        page.click("#guesses button[data-letter=J]")
        expect(page.locator("#text")).to_have_text("LWJ")
        guest.check(page)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotFoundError", "No se ha encontrado ninguna cámara"),
        ("NotAllowedError", "no tiene permiso"),
    ],
)
def test_without_a_camera_it_says_why(
    browser: Browser, shared_server: Server, error: str, sentence: str
) -> None:
    with visitor(browser, shared_server.url) as guest:
        guest.context.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => "
            f"{{ throw new DOMException('', '{error}'); }}"
        )
        page = guest.open("/senas/")
        page.click("#start")
        expect(page.locator("#trouble")).to_contain_text(sentence)
        expect(page.locator("#choose")).to_be_enabled()
        guest.check(page)


def test_it_goes_on_when_the_server_is_back(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        page = guest.open("/senas/")
        page.click("#start")
        expect(page.locator("#guesses-part")).to_be_visible()
        guest.context.set_offline(True)
        expect(page.locator("#trouble")).to_contain_text("El servidor no responde")
        guest.context.set_offline(False)
        expect(page.locator("#trouble")).to_be_empty()
        assert all("ERR_INTERNET_DISCONNECTED" in one for one in guest.complaints)


def test_a_refusal_is_told_and_its_wait_is_kept(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        asked: list[int] = []

        def refuse(route: Route) -> None:
            asked.append(1)
            headers = {"Retry-After": "60"}
            route.fulfill(status=429, headers=headers, json={"detail": "Demasiado a menudo."})

        guest.context.route("**/api/v1/letters/predict", refuse)
        page = guest.open("/senas/")
        page.click("#start")
        expect(page.locator("#trouble")).to_have_text("Demasiado a menudo.")
        page.wait_for_timeout(1500)
        assert len(asked) == 1


# The rule


@pytest.fixture(scope="module")
def rule(browser: Browser, shared_server: Server) -> Iterator[Page]:
    with visitor(browser, shared_server.url) as guest:
        yield guest.open("/senas/")


STEPS = """async (steps) => {
  const rule = await import("/static/js/spelling-rule.js");
  let [state, at, taken] = [rule.NOTHING, 0, []];
  for (const [letter, confidence, movement, times, every, other] of steps) {
    for (let time = 0; time < times; time += 1, at += every) {
      const alternatives = [{letter, confidence, movement}, ...(other ? [other] : [])];
      state = rule.see(state, {alternatives, abstained: confidence < 0.25}, at);
      if (state.take) taken.push([state.take, at]);
    }
  }
  return [taken, rule.progress(state)];
}"""


DEFAULTS: tuple[Any, ...] = (False, 100, None)  # movement, ms between two readings, a second guess


def steps(page: Page, *shown: tuple[Any, ...]) -> tuple[list[tuple[str, int]], float]:
    """Show (letter, confidence, times, …); what was taken and when, and how far the next is."""
    made = []
    for one in shown:
        letter, confidence, times = one[:3]
        movement, every, other = one[3:] + DEFAULTS[len(one) - 3 :]
        made.append([letter, confidence, movement, times, every, other])
    taken, over = page.evaluate(STEPS, made)
    return [tuple(one) for one in taken], over


def test_a_letter_is_taken_when_it_was_held(rule: Page) -> None:
    taken, over = steps(rule, ("A", 0.9, 9))
    assert taken == []
    assert over == pytest.approx(800 / 900)
    assert steps(rule, ("A", 0.9, 10)) == ([("A", 900)], 0)


def test_a_letter_held_longer_is_doubled_and_never_tripled(rule: Page) -> None:
    assert steps(rule, ("L", 0.9, 28))[0] == [("L", 900), ("L", 2700)]
    assert steps(rule, ("L", 0.9, 200))[0] == [("L", 900), ("L", 2700)]


def test_a_letter_must_be_left_to_be_taken_again(rule: Page) -> None:
    shown = ("L", 0.9, 10)
    assert steps(rule, shown, ("·", 0.1, 4), shown)[0] == [("L", 900)]
    assert steps(rule, shown, ("·", 0.1, 5), shown)[0] == [("L", 900), ("L", 2400)]


def test_a_flicker_neither_ends_nor_counts(rule: Page) -> None:
    taken, _ = steps(rule, ("A", 0.9, 6), ("S", 0.9, 3), ("A", 0.9, 5))
    assert taken == [("A", 1200)]  # 500 ms, three that are not its own, and 400 more
    assert steps(rule, ("A", 0.9, 6), ("S", 0.9, 20))[0] == [("S", 1900)]


def test_a_weak_letter_begins_nothing_and_a_weaker_one_keeps_what_began(rule: Page) -> None:
    assert steps(rule, ("A", 0.4, 50)) == ([], 0)
    second = {"letter": "A", "confidence": 0.3, "movement": False}
    assert steps(rule, ("A", 0.6, 2), ("S", 0.4, 8, False, 100, second))[0] == [("A", 900)]


def test_letters_that_are_movements_are_never_taken(rule: Page) -> None:
    assert steps(rule, ("J", 0.99, 50, True))[0] == []


def test_what_nobody_saw_does_not_count_as_held(rule: Page) -> None:
    assert steps(rule, ("A", 0.9, 2, False, 60_000))[0] == []


@pytest.mark.parametrize(
    "text_in", ["Uno. Dos. Tres.", "a" * 900, "Hola\n\n¿qué tal? " * 40, "", "¡!"]
)
def test_a_text_is_parted_without_loss(rule: Page, text_in: str) -> None:
    pieces = rule.evaluate(
        "async (text) => (await import('/static/js/speech.js')).sentences(text)", text_in
    )
    assert all(0 < len(piece) <= 280 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text_in.split())
    if text_in.startswith("Uno"):
        assert pieces[0] == "Uno."  # the first is heard soon
