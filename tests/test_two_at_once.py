"""Two heavy workers take the runs of two users at once, and one of each user."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.contract.conftest import PASSWORD
from tests.services.fixtures import Serve
from tests.services.server import Server
from tests.services.worker import heavy_worker

pytestmark = pytest.mark.server
HAND = Path(__file__).resolve().parents[1] / "predictions/tests/media/hand-l.jpg"


@pytest.fixture
def product(serve: Serve) -> Iterator[Server]:
    server = serve()
    with heavy_worker(server, "heavy-1"), heavy_worker(server, "heavy-2"):
        yield server


@pytest.fixture
def signed_in(product: Server) -> Iterator[Callable[[str], httpx2.Client]]:
    clients = []

    def client(name: str) -> httpx2.Client:
        made = httpx2.Client(base_url=product.url, timeout=30, trust_env=False)
        clients.append(made)
        body = {"username": name, "password": PASSWORD}
        made.post("/api/v1/auth/register", json=body)
        token = made.post("/api/v1/auth/login", json=body).json()["access_token"]
        made.headers["Authorization"] = f"Bearer {token}"
        return made

    yield client
    for made in clients:
        made.close()


def start_core(client: httpx2.Client) -> Any:
    data = {"kind": "design", "network": "letters-small-v1.keras"}
    files = {"file": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    return client.post("/api/v1/hardware/exports", data=data, files=files)


def test_two_users_runs_go_on_at_once_and_a_user_s_one_by_one(
    signed_in: Callable[[str], httpx2.Client],
) -> None:
    ana, eva = signed_in("ana"), signed_in("eva")
    urls = [start_core(one).json()["status_url"] for one in (ana, eva)]
    second = start_core(ana)
    assert (second.status_code, second.json()["code"]) == (409, "busy")
    both, until = False, time.monotonic() + 60
    while time.monotonic() < until:
        states = [one.get(url).json()["state"] for one, url in zip((ana, eva), urls, strict=True)]
        both = both or states == ["running", "running"]
        if states == ["done", "done"]:
            break
        time.sleep(0.1)
    assert both
    assert states == ["done", "done"]
    assert start_core(ana).status_code == 202
