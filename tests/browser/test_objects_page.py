"""The page of objects, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

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
