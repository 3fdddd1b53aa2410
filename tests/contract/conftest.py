from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.services.fixtures import Serve
from tests.services.server import Server

PASSWORD = "un-tranvía-amarillo-27"  # the originals' `pass123` is refused, on purpose


@dataclass(frozen=True)
class Account:
    username: str
    email: str
    session_id: int
    access_token: str
    refresh_token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def product(request: pytest.FixtureRequest, serve_module: Serve) -> Server:
    return serve_module(program=request.param)


@pytest.fixture
def http(product: Server) -> Iterator[httpx2.Client]:
    """Follows no redirect: one would lose the body of a POST."""
    with httpx2.Client(base_url=product.url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def account(http: httpx2.Client) -> Callable[[str], Account]:
    def signed_in(name: str) -> Account:
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        http.post("/api/v1/auth/register", json=body)
        answer = http.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
        kept = {key: answer.json()[key] for key in ("session_id", "access_token", "refresh_token")}
        return Account(name, f"{name}@example.org", **kept)

    return signed_in


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """A photograph with one face in it."""
    root = Path(__file__).resolve().parents[2]
    return (root / "static/samples/eileen-collins-nasa.jpg").read_bytes()
