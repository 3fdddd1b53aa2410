"""A camera needs HTTPS anywhere but on localhost: the page says so, and the cure works."""

import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import agree_to_the_camera, pictures_read, register, visitor
from tests.services.fixtures import Serve
from tests.services.server import Server, environment_for
from visionai.lib.addresses import network_addresses

pytestmark = [pytest.mark.browser, pytest.mark.server]


class HttpsServer(Server):
    def _answers(self) -> bool:
        own_certificate = ssl._create_unverified_context()  # its file is there only once it runs
        url = f"https://127.0.0.1:{self.port}/api/v1/health"
        try:
            urllib.request.urlopen(url, timeout=10, context=own_certificate).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


@pytest.fixture
def address() -> str:
    """This machine's name on the network, which is not localhost."""
    found = [name for name in network_addresses() if ":" not in name]
    assert found, "this machine has no address but the loopback one"
    return found[0]


@pytest.fixture
def open_to_others(address: str) -> dict[str, str]:
    return {"HOST": "0.0.0.0", "ALLOWED_HOSTS": address, "REGISTRATION": "open"}


@pytest.fixture
def https_server(
    tmp_path: Path, migrated: Path, open_to_others: dict[str, str]
) -> Iterator[Server]:
    environment = environment_for(tmp_path, HTTPS="1", **open_to_others)
    shutil.copy(migrated, tmp_path / "visionai.sqlite3")
    server = HttpsServer(tmp_path, environment)
    yield server.start()
    server.kill()


def test_without_https_the_page_names_the_command_that_helps(
    browser: Browser, serve: Serve, address: str, open_to_others: dict[str, str]
) -> None:
    server = serve(**open_to_others)
    with visitor(browser, f"http://{address}:{server.port}") as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        expect(page.locator("#trouble")).to_contain_text("make run HTTPS=1")
        page.click("#start")
        expect(page.locator("#trouble")).to_contain_text("make run HTTPS=1")
        page.click("[data-sample*=hopper]")  # a portrait needs no camera
        pictures_read(page, 2)


def test_with_https_the_camera_works_from_another_address(
    browser: Browser, https_server: Server, address: str
) -> None:
    url = f"https://{address}:{https_server.port}"
    with visitor(browser, url, ignore_https_errors=True) as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        page.click("#start")
        pictures_read(page, 2)
        ada.check(page)
