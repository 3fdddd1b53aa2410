import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_the_description_of_the_api_is_drawn_from_this_server_alone(
    browser: Browser, shared_server: Server
) -> None:
    with visitor(browser, shared_server.url) as ada:
        page = ada.open("/docs")
        expect(page.get_by_text("/api/v1/sessions", exact=True).first).to_be_visible()
        page.get_by_text("/api/v1/sessions", exact=True).first.click()
        expect(page.get_by_text("My open sessions").first).to_be_visible()
        ada.check(page)
