"""The Model page: pictures that fit, tables behind them, files to take along."""

import csv
import json
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]
Scheme = Literal["light", "dark"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_pictures_fit_and_have_their_tables(
    browser: Browser, shared_server: Server, width: int, scheme: Scheme
) -> None:
    size = {"width": width, "height": 800}
    with visitor(browser, shared_server.url, viewport=size, color_scheme=scheme) as guest:
        page = guest.open("/")
        if width < 900:
            page.click("#menu")
        page.click(".rail a[href='/modelo/']")
        for name in ("confusion", "reliability"):
            picture = page.locator(f"#{name} svg.chart")
            expect(picture).to_have_accessible_name(
                "Matriz de confusión" if name == "confusion" else "Diagrama de fiabilidad"
            )
            box, card = picture.bounding_box(), page.locator(f"#{name}").bounding_box()
            assert box
            assert card
            assert card["x"] <= box["x"]
            assert box["x"] + box["width"] <= card["x"] + card["width"]
            assert box["width"] > 240
            # No label reaches beyond its picture, where it would be cut off.
            assert page.evaluate(BEYOND, f"#{name} svg.chart") == []
            table = page.locator(f"#{name} table")
            expect(table).to_be_hidden()
            page.locator(f"#{name} summary").click()
            expect(table).to_be_visible()
            guest.check(page)
        expect(page.locator("#confusion tbody tr")).to_have_count(7)


BEYOND = """(which) => {
  const picture = document.querySelector(which).getBoundingClientRect();
  return [...document.querySelectorAll(`${which} text`)].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < picture.left - 1 || box.right > picture.right + 1
      || box.top < picture.top - 1 || box.bottom > picture.bottom + 1;
  }).map((text) => text.textContent);
}"""


def test_another_set_of_pictures_is_chosen(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as guest:
        page = guest.open("/modelo/")
        page.click(".sets a[href*='set=press']")
        expect(page.locator(".sets [aria-current]")).to_contain_text("prensa")
        guest.check(page)


def test_the_evaluation_and_a_table_are_taken_along(
    browser: Browser, shared_server: Server
) -> None:
    with visitor(browser, shared_server.url) as guest:
        page = guest.open("/modelo/")
        with page.expect_download() as kept:
            page.click("a[download$='.json']")
        card = json.loads(kept.value.path().read_text())
        assert card["report"]["sets"][0]["confusion"]
        assert kept.value.suggested_filename == f"{card['model_version_tag']}.json"
        with page.expect_download() as kept:
            page.click("#classes a[download]")
        rows = list(csv.DictReader(kept.value.path().read_text("utf-8-sig").splitlines()))
        assert [row["class"] for row in rows] == card["report"]["classes"]
        guest.check(page)
