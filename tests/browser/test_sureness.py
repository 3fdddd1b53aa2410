"""What the pages show where the network is not sure, and how calm the live reading is."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import agree_to_the_camera, pictures_read, register, until, visitor
from tests.services.fixtures import Serve
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]


@pytest.fixture(scope="module")
def strict_server(serve_module: Serve) -> Server:
    return serve_module(ABSTAIN_BELOW="0.9999")


def test_a_withheld_answer_is_shown_as_such(browser: Browser, strict_server: Server) -> None:
    with visitor(browser, strict_server.url) as ada:
        register(ada)
        page = ada.open("/foto/")
        page.click("[data-sample*=hopper]")
        expect(page.locator(".result h4")).to_contain_text("No seguro")
        expect(page.locator(".result h4")).to_contain_text("por debajo del umbral")
        expect(page.locator(".result .bars .top-one")).to_have_count(1)
        ada.check(page)
        page = agree_to_the_camera(ada)
        page.click("[data-sample*=hopper]")
        expect(page.locator("#emotion")).to_have_text("No seguro")
        expect(page.locator("#confidence")).to_contain_text("por debajo del umbral")
        ada.check(page)


def test_the_reading_is_calm_says_its_lag_and_can_be_raw(
    browser: Browser, shared_server: Server
) -> None:
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        expect(page.locator("#lag")).to_contain_text("250 ms")
        page.click("#start")
        pictures_read(page, 2)
        expect(page.locator("#alone-reading")).to_contain_text("%")
        assert marks(page)
        page.uncheck("#smooth")
        expect(page.locator("#alone")).to_be_hidden()
        assert not marks(page)
        pictures_read(page, int(page.inner_text("#read")) + 2)
        expect(page.locator("#alone")).to_be_hidden()
        ada.check(page)
        ada.go(page, "/camara/")
        expect(page.locator("#smooth")).not_to_be_checked()
        page.check("#smooth")
        ada.go(page, "/camara/")
        expect(page.locator("#smooth")).to_be_checked()


def test_the_calm_reading_follows_a_change_later_than_the_raw_one(
    browser: Browser, shared_server: Server
) -> None:
    """The page's own message handling is given answers whose raw and smoothed readings differ."""
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        ada.context.add_init_script(SAD_AT_ONCE)
        page = agree_to_the_camera(ada)
        page.click("#start")
        until(page, "document.querySelector('#emotion').textContent === 'Alegría'")
        expect(page.locator("#alone-reading")).to_contain_text("Tristeza")
        page.uncheck("#smooth")
        expect(page.locator("#emotion")).to_have_text("Tristeza")
        expect(page.locator("#confidence")).to_have_text(re.compile("80,0.%"))


SAD_AT_ONCE = """
const read = JSON.parse;
JSON.parse = (text) => {
  const message = read(text);
  if (message.type !== "prediction") return message;
  const face = {
    box: {x: 10, y: 10, width: 80, height: 80},
    emotion_name: "sad", confidence: 0.8, abstained: false,
    probabilities: {sad: 0.8, happy: 0.2},
    smoothed: {emotion_name: "happy", confidence: 0.6, abstained: false, lag_ms: 250,
               probabilities: {sad: 0.4, happy: 0.6}},
  };
  return {...message, ...face, faces: [face]};
};
"""


def marks(page: Page) -> bool:
    """Whether a bar shows what the picture alone says."""
    return bool(
        page.evaluate(
            "[...document.querySelectorAll('.bar .mark')].some((one) => one.x.baseVal.value >= 0)"
        )
    )
