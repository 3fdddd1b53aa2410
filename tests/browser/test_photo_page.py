import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import register, visitor
from tests.services.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.server]
PORTRAIT = ROOT / "static" / "samples" / "eileen-collins-nasa.jpg"
GIVE = """([address, kind]) => fetch(address).then((answer) => answer.blob()).then((blob) => {
  const data = new DataTransfer();
  data.items.add(new File([blob], `${kind}.jpg`, {type: "image/jpeg"}));
  const how = {bubbles: true, cancelable: true};
  if (kind === "paste") {
    document.dispatchEvent(new ClipboardEvent("paste", {...how, clipboardData: data}));
  } else {
    const drop = new DragEvent("drop", {...how, dataTransfer: data});
    document.querySelector(".drop").dispatchEvent(drop);
  }
})"""


def test_several_files_are_read_and_a_bad_one_says_why(
    browser: Browser, shared_server: Server, tmp_path: Path
) -> None:
    broken = tmp_path / "=broken.jpg"
    broken.write_bytes(PORTRAIT.read_bytes()[:2000])
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        page = ada.open("/foto/")
        page.set_input_files("#files", [PORTRAIT, broken])
        expect(page.locator(".result h4")).to_have_count(1)
        expect(page.locator(".result .note.error")).to_have_count(1)
        # The browser itself names the refused upload on its console.
        assert all("400" in text or "422" in text for text in ada.complaints)
        ada.complaints.clear()
        with page.expect_download() as kept:
            page.click("#download-json")
        results = {one["file"]: one for one in json.loads(kept.value.path().read_text())}
        assert results[PORTRAIT.name]["faces"][0]["box"]["width"] > 50
        assert results["=broken.jpg"]["error"]
        with page.expect_download() as kept:
            page.click("#download-csv")
        assert "\n'=broken.jpg,," in kept.value.path().read_text()
        ada.check(page)


def test_a_stranger_tries_a_portrait(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as stranger:
        page = stranger.open("/foto/")
        page.click("[data-sample*=hopper]")
        expect(page.locator(".result h4")).to_have_count(1)
        expect(page.locator(".result .bars .top-one")).to_have_count(1)
        stranger.check(page)


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(browser: Browser, shared_server: Server, way: str) -> None:
    with visitor(browser, shared_server.url) as stranger:
        page = stranger.open("/foto/")
        page.evaluate(GIVE, [f"/static/samples/{PORTRAIT.name}", way])
        expect(page.locator(".result h3", has_text=f"{way}.jpg")).to_have_count(1)
        expect(page.locator(".result .bars .top-one")).to_have_count(1)
        stranger.check(page)
