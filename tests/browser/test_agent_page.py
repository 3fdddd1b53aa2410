"""An agent is trained through its page, judged, and followed by a bot on PRACTICE."""

import json
import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_trading_pages import begin_with_paper, session_of
from tests.browser.visits import register, visitor
from tests.services.fixtures import Serve
from tests.services.server import Server
from tests.services.worker import heavy_worker

pytestmark = [pytest.mark.browser, pytest.mark.server]


@pytest.fixture(scope="module")
def exchange(serve_module: Serve) -> Server:
    return serve_module()


def shortened(exchange: Server) -> None:
    """One seed and two folds instead of five and four, before a worker takes the job."""
    ((asked, state),) = exchange.query("SELECT asked, state FROM trading_agent")
    assert state == "queued"
    told = json.loads(str(asked))
    assert (told["seeds"], told["folds"]) == (5, 4)
    less = json.dumps(told | {"seeds": 1, "folds": 2})
    exchange.query("UPDATE trading_agent SET asked = ?", less)


def test_an_agent_is_trained_judged_and_followed(browser: Browser, exchange: Server) -> None:
    with visitor(browser, exchange.url, locale="es") as guest:
        register(guest)
        board = begin_with_paper(guest)
        page = guest.open("/trading/agentes/")
        page.fill("#agent-name", "zorro")
        page.fill("#train-count", "3000")
        page.get_by_role("button", name="Entrenar").click()
        page.wait_for_url(re.compile("/trading/agentes/[0-9a-f-]{36}/"))
        expect(page.locator("#progress")).to_be_visible()
        guest.check(page)
        agent = page.url.removeprefix(exchange.url)
        shortened(exchange)
        with heavy_worker(exchange):
            # Nobody touches the page: it follows the training to its end.
            expect(page.locator(".reading").first).to_have_text(
                "Sin ventaja demostrada", timeout=180_000
            )
        expect(page.get_by_text("Se entrenó con muy pocas semillas")).to_be_visible()
        expect(page.locator("tbody tr").filter(has_text="Agente, semilla 1")).to_have_count(1)
        expect(page.locator("tbody tr").filter(has_text="Esperar")).to_have_count(1)
        guest.check(page)
        page.set_viewport_size({"width": 360, "height": 800})
        guest.check(page)
        page.get_by_role("button", name="Seguir a este agente").click()
        page.wait_for_url(re.compile(session_of(board)))
        expect(page.locator("#piece-bot")).to_contain_text("Agente entrenado")
        guest.go(page, "/cuenta/facturas/")
        line = page.locator("tr", has_text="Entrenamientos")
        expect(line.locator("[data-name=Cantidad]")).to_contain_text("1")
        guest.check(page)
        for tail in ("", "avance/", "archivos/agent.npz"):
            assert guest.context.request.get(exchange.url + agent + tail).ok
        stranger_sees_nothing(browser, exchange, agent)


def stranger_sees_nothing(browser: Browser, exchange: Server, agent: str) -> None:
    with visitor(browser, exchange.url, locale="es") as eva:
        register(eva)
        for tail in ("", "avance/", "archivos/agent.npz"):
            assert eva.context.request.get(exchange.url + agent + tail).status == 404
        page = eva.open("/trading/agentes/")
        assert "zorro" not in page.content()
