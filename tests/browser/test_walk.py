"""From a new account to a session ended from elsewhere, as a person would."""

import time

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visits import (
    agree_to_the_camera,
    pictures_read,
    register,
    sign_in,
    until,
    visitor,
)
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_a_new_user_sees_an_emotion_and_loses_the_camera_with_the_session(
    browser: Browser, server: Server
) -> None:
    with visitor(browser, server.url) as ada, visitor(browser, server.url) as elsewhere:
        name = register(ada)
        camera = agree_to_the_camera(ada)
        camera.click("#start")
        pictures_read(camera, 5)
        expect(camera.locator("#state")).to_have_text("En vivo")
        expect(camera.locator("#emotion")).not_to_have_text("Sin rostro")
        assert camera.locator("#emotion").get_attribute("data-emotion")

        camera.wait_for_timeout(600)  # the log of a socket is written within 250 ms
        panel = ada.open("/panel/")
        assert int(panel.inner_text("#total")) >= 5
        ada.check(panel)

        sign_in(elsewhere, name)
        sessions = elsewhere.open("/sesiones/")
        began = time.monotonic()
        with sessions.expect_navigation():
            sessions.click(".linklike.danger")
        asked = time.monotonic()
        until(camera, "window.closes.length > 0", seconds=5)
        took = time.monotonic() - asked
        assert camera.evaluate("window.closes") == [4401]
        assert took <= 1.0, f"closed {took:.2f} s after the answer, {began - asked:.2f}"
        expect(camera.locator("#trouble")).to_contain_text("Tu sesión ha terminado")
        expect(camera.locator("#trouble a")).to_have_attribute(
            "href", "/cuenta/entrar/?next=/camara/"
        )
        ends = server.query("SELECT fecha_fin IS NOT NULL, end_reason FROM sesion ORDER BY id")
        assert ends == [(1, "revoked_by_user"), (0, "")]
        ada.check(camera)
        elsewhere.check(sessions)
