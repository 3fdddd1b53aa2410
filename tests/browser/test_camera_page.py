"""The camera page when something is missing, pauses or breaks."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Launch
from tests.browser.visits import agree_to_the_camera, pictures_read, register, visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_it_pauses_and_goes_on(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        page.click("#start")
        pictures_read(page, 2)
        page.click("#pause")
        expect(page.locator("#state")).to_have_text("En pausa")
        page.wait_for_timeout(300)  # the picture under way
        before = int(page.inner_text("#read"))
        page.wait_for_timeout(500)
        assert int(page.inner_text("#read")) == before
        page.click("#pause")
        pictures_read(page, before + 1)
        ada.check(page)


def test_a_portrait_can_stand_in_for_a_camera(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        page.click("[data-sample*=hopper]")
        pictures_read(page, 3)
        expect(page.locator("#faces")).to_have_text("1")
        ada.check(page)


def test_it_connects_again_without_a_reload(browser: Browser, server: Server) -> None:
    with visitor(browser, server.url) as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        page.click("#start")
        pictures_read(page, 2)
        server.kill()
        expect(page.locator("#state")).to_contain_text("Reintentando")
        before = int(page.inner_text("#read"))
        server.start()
        pictures_read(page, before + 1)
        expect(page.locator("#state")).to_have_text("En vivo")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotFoundError", "No se ha encontrado ninguna cámara"),
        ("NotAllowedError", "no tiene permiso"),
        ("NotReadableError", "quizá la usa otro programa"),
    ],
)
def test_it_says_plainly_why_there_is_no_picture(
    browser: Browser, shared_server: Server, error: str, sentence: str
) -> None:
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        ada.context.add_init_script(
            f"navigator.mediaDevices.getUserMedia = async () => "
            f"{{ throw new DOMException('', '{error}'); }}"
        )
        page = agree_to_the_camera(ada)
        page.click("#start")
        expect(page.locator("#trouble")).to_contain_text(sentence)
        ada.check(page)


def test_without_permission_it_says_where_to_give_it(launch: Launch, shared_server: Server) -> None:
    browser = launch("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    with visitor(browser, shared_server.url) as ada:
        register(ada)
        page = agree_to_the_camera(ada)
        page.click("#start")
        expect(page.locator("#trouble")).to_contain_text("no tiene permiso")
    browser.close()
