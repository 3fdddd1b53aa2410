"""The page of objects, in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.visits import visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]
SAMPLES = Path(__file__).resolve().parents[2] / "static/samples"


def test_findings_are_drawn_listed_and_saved(
    browser: Browser, shared_server: Server, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("no picture")
    with visitor(browser, shared_server.url) as ana:
        page = ana.open("/objetos/")
        page.set_input_files("#files", [SAMPLES / "grace-hopper-us-navy.jpg", note])
        rows = page.locator(".result")
        expect(rows.nth(1).locator(".description")).to_contain_text("1 rostro")
        expect(rows.nth(1).locator("tbody tr").first).to_contain_text("rostro")
        expect(rows.nth(0).locator(".status.error")).to_contain_text("JPEG")
        with page.expect_download() as saved:
            page.click("#download-csv")
        lines = Path(saved.value.path()).read_text().splitlines()
        assert lines[0].startswith("file,label,score")
        assert lines[1].startswith("grace-hopper-us-navy.jpg,face,")
        assert lines[-1].startswith("note.txt,")
        (refused,) = ana.complaints  # the browser notes the refusal of the text file
        assert "415" in refused
        ana.complaints.clear()
        ana.check(page)
        page.click("#clear")
        expect(page.locator("#results-part")).to_be_hidden()


def test_many_pictures_wait_where_the_server_asks_and_a_cleared_one_comes_to_nothing(
    browser: Browser, shared_server: Server
) -> None:
    asked: list[int] = []

    def answer(route: Route) -> None:
        asked.append(1)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "No."})
        else:
            route.continue_()

    with visitor(browser, shared_server.url) as ana:
        ana.context.route("**/api/v1/assistant/images", answer)
        page = ana.open("/objetos/")
        page.set_input_files("#files", [SAMPLES / "grace-hopper-us-navy.jpg"])
        expect(page.locator(".result .status")).to_contain_text("pausa")
        expect(page.locator(".result .description")).to_contain_text("1 rostro")
        assert len(asked) == 2
        asked.clear()
        page.set_input_files("#files", [SAMPLES / "grace-hopper-us-navy.jpg"] * 3)
        expect(page.locator(".result .status").first).to_be_visible()
        page.click("#clear")
        page.set_input_files("#files", [SAMPLES / "eileen-collins-nasa.jpg"])
        expect(page.locator(".result .description")).to_contain_text("1 rostro")
        expect(page.locator(".result")).to_have_count(1)
        with page.expect_download() as saved:
            page.click("#download-json")
        found = json.loads(Path(saved.value.path()).read_text())
        assert [one["file"] for one in found] == ["eileen-collins-nasa.jpg"]
