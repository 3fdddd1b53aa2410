"""Faults put into a network, and a campaign of them, with a mouse."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_hardware_pages import HAND, SMALL, made
from tests.browser.visits import register, visitor
from tests.services.fixtures import Serve
from tests.services.server import Server
from tests.services.worker import heavy_worker

pytestmark = [pytest.mark.browser, pytest.mark.server]


@pytest.fixture(scope="module")
def workshop(serve_module: Serve) -> Iterator[Server]:
    server = serve_module()
    with heavy_worker(server):
        yield server


def test_faults_and_a_campaign_are_started_and_shown(browser: Browser, workshop: Server) -> None:
    with visitor(browser, workshop.url, locale="es") as guest:
        register(guest)
        page = guest.open(SMALL)
        page.set_input_files("#faults-file", HAND)
        page.fill("#fault-rate", "0.05")
        page.click("text=Inyectar los fallos")
        made(page)
        expect(page.get_by_text("Con fallos").first).to_be_visible()
        guest.check(page)
        page = guest.open(SMALL)
        page.set_input_files("#campaign-file", HAND)
        page.fill("#campaign-runs", "1")
        page.click("text=Empezar la campaña")
        made(page)
        expect(page.get_by_text("Los peores ensayos")).to_be_visible()
        plot = page.locator("figure img").first
        plot.scroll_into_view_if_needed()
        assert plot.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
        guest.check(page)
        page.set_viewport_size({"width": 360, "height": 800})
        guest.check(page)
