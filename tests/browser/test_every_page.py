"""Every page, in both languages, wide and narrow, light and dark."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import PASSWORD, Visitor, register, visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]

OPEN = [
    "/",
    "/asistente/",
    "/foto/",
    "/panel/",
    "/panel/emocion/happy/",
    "/modelo/",
    "/letras/",
    "/senas/",
    "/objetos/",
    "/modelo/letras/",
    "/ayuda/",
    "/ayuda/?q=bot",
    "/ayuda/?q=xyzzyq",
    "/ayuda/vhdl/",
    "/contacto/",
    "/cuenta/entrar/",
    "/cuenta/registro/",
    "/cuenta/recuperar/",
    "/cuenta/recuperar/x/y/",
]
SIGNED_IN = [
    "/",
    "/asistente/",
    "/camara/",
    "/foto/",
    "/panel/",
    "/panel/?mine=0&days=30",
    "/panel/emocion/happy/?days=14",
    "/modelo/?set=press",
    "/letras/",
    "/senas/",
    "/modelo/letras/",
    "/hardware/",
    "/hardware/redes/letters-small-v1.keras/",
    "/hardware/redes/emotions-v3.keras/",
    "/hardware/redes/emotions-v3.keras/capas/stem/",
    "/trading/",
    "/trading/conectar/",
    "/trading/registro/",
    "/trading/registro/?level=error&kind=order",
    "/trading/real/",
    "/trading/pruebas/",
    "/trading/agentes/",
    "/trading/limites/PRACTICE/",
    "/historial/",
    "/historial/?emotion=fear",
    "/sesiones/",
    "/cuenta/",
    "/cuenta/uso/",
    "/cuenta/facturas/",
    "/cuenta/contrasena/",
    "/cuenta/borrar/",
]
Scheme = Literal["light", "dark"]


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [("es", 1280, "light"), ("es", 360, "dark"), ("en", 1280, "dark"), ("en", 360, "light")],
)
def test_every_page_is_quiet_and_fits(
    browser: Browser, shared_server: Server, language: str, width: int, scheme: Scheme
) -> None:
    size = {"width": width, "height": 800}
    with visitor(browser, shared_server.url, viewport=size, color_scheme=scheme) as ada:
        cookie = {"name": "django_language", "value": language, "url": shared_server.url}
        ada.context.add_cookies([cookie])  # type: ignore[list-item]
        page = ada.open("/")
        for path in OPEN:
            _look(ada, page, path, language)
        register(ada)
        _read_one_portrait(ada)
        for path in SIGNED_IN:
            _look(ada, page, path, language)


def _look(ada: Visitor, page: Page, path: str, language: str) -> None:
    ada.go(page, path)
    assert page.get_attribute("html", "lang") == language
    assert page.locator("h1").count() == 1
    ada.check(page)


def _read_one_portrait(ada: Visitor) -> None:
    page = ada.open("/foto/")
    page.click("[data-sample*=collins]")
    expect(page.locator(".result h4")).to_have_count(1)
    page.close()


def test_signing_in_needs_no_mouse(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url) as ada:
        name = register(ada)
        ada.context.clear_cookies()
        page = ada.open("/cuenta/entrar/")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator("#id_login")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".rail .who", state="attached")


def test_language_and_theme_are_kept(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url, color_scheme="light", locale="en-US") as guest:
        page = guest.open("/")
        assert page.get_attribute("html", "lang") == "es"
        page.click("text=English")
        page.click("#theme")
        page.close()
        page = guest.open("/foto/")
        assert page.get_attribute("html", "lang") == "en"
        assert page.get_attribute("html", "data-theme") == "dark"


ADMIN = [
    "/admin/",
    "/admin/proveedores/",
    "/admin/accounts/user/",
    "/admin/accounts/usagerow/",
    "/admin/accounts/invoice/",
    "/admin/accounts/plan/",
    "/admin/trading/tradingsession/",
    "/admin/trading/killswitch/",
    "/admin/sessions_app/sesion/",
    "/admin/predictions/predictionlog/",
    "/admin/predictions/modelversion/",
]


def test_the_first_administrator_finds_a_quiet_admin(browser: Browser, server: Server) -> None:
    code = "from accounts.setup import setup_path; print(setup_path())"
    path = server.manage("shell", "-v0", "-c", code).strip().splitlines()[-1]
    with visitor(browser, server.url) as root:
        page = root.open(path)
        page.fill("#id_username", "root")
        page.fill("#id_password", PASSWORD)
        page.click("form.card button")
        page.wait_for_selector(".rail a[href='/admin/']", state="attached")
        for path in ADMIN:
            root.go(page, path)
            expect(page.locator("#site-name")).to_contain_text("Administración")
            root.check(page)


def test_times_are_told_in_the_visitors_own_zone(browser: Browser, shared_server: Server) -> None:
    with visitor(browser, shared_server.url, timezone_id="Asia/Kathmandu") as ada:
        register(ada)
        page = ada.open("/sesiones/")
        local = page.evaluate(
            "[...document.querySelectorAll('time')].map((time) => [time.textContent,"
            " new Date(time.dateTime).toLocaleTimeString('es', {timeStyle: 'short'})])"
        )
        assert local
        assert all(shown.endswith(f", {clock}") for shown, clock in local)
        assert "UTC" not in page.inner_text("table")
