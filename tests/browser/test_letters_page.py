"""The letters page: a hand from a file or from the camera, and each kind of answer.

What the network says is given by the test; that it says it at the API is tested elsewhere.
"""

from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.visits import Visitor, visitor
from tests.services.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.server]
PICTURE = ROOT / "static" / "samples" / "eileen-collins-nasa.jpg"


def an_answer(letter: str, confidence: float, **more: Any) -> dict[str, Any]:
    guesses = [(letter, confidence), ("D", 0.1), ("Z", 0.05)]
    return {
        "letter": letter,
        "confidence": confidence,
        "movement": letter in "JZ",
        "alternatives": [
            {"letter": name, "confidence": share, "movement": name in "JZ"}
            for name, share in guesses
        ],
        "abstained": False,
        "threshold": 0.3,
        "message": f"Dice {letter}.",
        "model_version_tag": "letters-v2",
        "processing_time_ms": 3.2,
    } | more


def answers(guest: Visitor, body: dict[str, Any], status: int = 200) -> list[bytes]:
    """Have the API answer so; the bodies of the requests that it gets."""
    sent: list[bytes] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        route.fulfill(status=status, json=body)

    guest.context.route("**/api/v1/letters/predict", answer)
    return sent


def test_a_letter_is_read_from_a_file(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        sent = answers(guest, an_answer("L", 0.85))
        page = guest.open("/letras/")
        page.set_input_files("#files", [PICTURE])
        row = page.locator(".result")
        expect(row.locator(".letter")).to_have_text("L")
        expect(row.locator(".status")).to_have_text("Dice L.")
        expect(row.locator(".bars li")).to_have_count(3)
        expect(row.locator(".bars li").nth(0)).to_contain_text("85,0")
        expect(row.locator(".bars li").nth(2)).to_contain_text("Z (movimiento)")
        assert b"Content-Type: image/jpeg" in sent[0]  # what a file holds is not told to tests
        guest.check(page)
        page.click("#clear")
        expect(row).to_have_count(0)


def test_a_letter_is_read_from_the_camera(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        sent = answers(guest, an_answer("J", 0.7, message="Quizá la letra J."))
        page = guest.open("/letras/")
        expect(page.locator("#take")).to_be_disabled()
        page.click("#start")
        page.click("#take")
        expect(page.locator(".result .letter")).to_have_text("J")
        expect(page.locator(".result .name")).to_have_text("De la cámara")
        frame, stage = page.locator("#aim").bounding_box(), page.locator("#stage").bounding_box()
        assert frame
        assert stage
        assert frame["width"] == pytest.approx(0.8 * stage["height"], abs=8)
        assert b"\xff\xd8\xff" in sent[0]
        page.click("#start")
        expect(page.locator("#video")).to_be_hidden()
        guest.check(page)


def test_no_letter_is_an_answer_of_its_own(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url, viewport={"width": 360, "height": 800}) as guest:
        answers(guest, an_answer("L", 0.2) | {"letter": "no letter", "abstained": True})
        page = guest.open("/letras/")
        page.set_input_files("#files", [PICTURE])
        expect(page.locator(".result .letter")).to_have_text("Ninguna letra")
        expect(page.locator(".result .facts")).to_contain_text("por debajo del umbral del 30,0")
        guest.check(page)


def test_a_refusal_is_told_in_its_own_words(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        answers(guest, {"detail": "Ahora no se pueden leer letras."}, status=503)
        page = guest.open("/letras/")
        page.set_input_files("#files", [PICTURE])
        expect(page.locator(".result .note.error")).to_have_text("Ahora no se pueden leer letras.")
        assert all("503" in text for text in guest.complaints)


def test_without_a_camera_it_says_what_to_do(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        guest.context.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => "
            "{ throw new DOMException('', 'NotAllowedError'); }"
        )
        page = guest.open("/letras/")
        page.click("#start")
        expect(page.locator("#trouble")).to_contain_text("no tiene permiso")
        guest.check(page)
