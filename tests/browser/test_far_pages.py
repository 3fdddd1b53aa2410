"""Pages with a provider that is configured, in a real browser: pictures, the operator's page."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import PASSWORD, register, visitor
from tests.services.fixtures import Serve
from tests.services.huggingface_server import HuggingFaceServer

pytestmark = [pytest.mark.browser, pytest.mark.server]
SAMPLES = Path(__file__).resolve().parents[2] / "static/samples"


def test_the_page_shows_who_found_what_and_when_this_machine_stood_in(
    browser: Browser, serve: Serve, far_huggingface: HuggingFaceServer
) -> None:
    server = serve(
        HF_BASE_URL=far_huggingface.url,
        HF_DETECT_MODEL="detect-yolo",
        HF_CAPTION_MODEL="caption-blip",
        CHAT_DEADLINE_S="5",
    )
    with visitor(browser, server.url) as ada:
        register(ada)
        page = ada.open("/objetos/")
        expect(page.locator("#drop")).to_contain_text("huggingface")
        page.set_input_files("#files", SAMPLES / "grace-hopper-us-navy.jpg")
        first = page.locator(".result").first
        expect(first.locator(".description")).to_contain_text("a dog on a lawn")
        expect(first.locator("tbody tr").first).to_contain_text("perro")
        expect(first.locator(".facts")).to_contain_text("huggingface (detect-yolo)")
        ada.check(page)
        far_huggingface.behave(status=500)
        page.set_input_files("#files", SAMPLES / "grace-hopper-us-navy.jpg")
        expect(first.locator("tbody tr").first).to_contain_text("rostro")
        expect(first.locator(".note.warning")).to_contain_text("no respondió")
        ada.check(page)


def test_the_operator_sees_who_rests_and_has_it_asked_again(
    browser: Browser, serve: Serve, far_huggingface: HuggingFaceServer
) -> None:
    server = serve(HF_BASE_URL=far_huggingface.url, HF_DETECT_MODEL="detect-yolo")
    code = "from accounts.setup import setup_path; print(setup_path())"
    path = server.manage("shell", "-v0", "-c", code).strip().splitlines()[-1]
    far_huggingface.behave(status=500)
    with visitor(browser, server.url) as root:
        page = root.open(path)
        page.fill("#id_username", "root")
        page.fill("#id_password", PASSWORD)
        page.click("form.card button")
        page.wait_for_selector(".rail a[href='/admin/']", state="attached")
        root.go(page, "/admin/proveedores/")
        expect(page.locator("#content table")).to_contain_text("funciona")
        root.go(page, "/objetos/")
        for _ in range(2):  # three attempts each
            page.set_input_files("#files", SAMPLES / "grace-hopper-us-navy.jpg")
        expect(page.locator(".result .note.warning")).to_have_count(2, timeout=30_000)
        root.go(page, "/admin/proveedores/")
        expect(page.locator("#content table")).to_contain_text("descansa")
        root.check(page)
        page.click("text=Volver a preguntarle ya")
        expect(page.locator("#content table")).to_contain_text("funciona")
        far_huggingface.behave()
        root.go(page, "/objetos/")
        page.set_input_files("#files", SAMPLES / "grace-hopper-us-navy.jpg")
        expect(page.locator(".result tbody tr").first).to_contain_text("perro")
