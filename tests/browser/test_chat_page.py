"""A conversation as a person holds it: with second thoughts, files, a list and a voice."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.chats import ONE, answered, ask
from tests.browser.visits import Visitor, until
from tests.services.openai_server import OpenAIServer
from tests.services.server import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.server]
PORTRAIT = ROOT / "static" / "samples" / "eileen-collins-nasa.jpg"


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


def test_an_answer_is_said_aloud_until_it_is_interrupted(ada: Visitor, far: OpenAIServer) -> None:
    sentences = [f"Esta es la frase número {n}, y dura un buen rato." for n in range(40)]
    far.behave(text=" ".join(sentences) + "\n\n```\nesto no\n```")
    page = ada.open("/asistente/")
    said: list[str] = []

    def note(call: Request) -> None:
        if call.url.endswith("/speak"):
            said.append(json.loads(call.post_data or "")["text"])

    page.on("request", note)
    ask(page, "Habla")
    answered(page)
    speak = page.locator(".turn.assistant .speak")
    speak.click()
    expect(speak).to_have_attribute("aria-pressed", "true")
    until(
        page, "performance.getEntriesByType('resource').some((one) => one.name.includes('/speak'))"
    )
    page.wait_for_timeout(1000)
    assert 1 <= len(said) <= 3  # the next piece is fetched while one is heard, and no more
    assert said[0] == sentences[0]
    page.keyboard.press("Escape")
    expect(speak).to_have_attribute("aria-pressed", "false")
    count = len(said)
    page.wait_for_timeout(500)
    assert len(said) == count
    assert "esto no" not in " ".join(said)
    expect(page.locator(".turn.assistant")).to_have_attribute("data-state", "done")
    ada.check(page)


def test_what_is_said_to_the_microphone_is_written_down(ada: Visitor, far: OpenAIServer) -> None:
    page = ada.open("/asistente/")
    # This browser has a recogniser in name alone: after its error the page records by itself.
    page.evaluate(
        """() => {
          const start = MediaRecorder.prototype.start;
          MediaRecorder.prototype.start = function (...all) {
            window.recording = true;
            return start.apply(this, all);
          };
        }"""
    )
    page.fill("#text", "Dije:")
    mic = page.locator("#mic")
    mic.click()
    until(page, "window.recording === true")
    expect(mic).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(700)
    mic.click()
    expect(page.locator("#text")).to_have_value(f"Dije: {far.heard}")
    expect(mic).to_have_attribute("aria-pressed", "false")
    sent = [body for path, _headers, body in far.requests if path.endswith("transcriptions")]
    assert b"WAVE" in sent[-1]
    ada.check(page)
