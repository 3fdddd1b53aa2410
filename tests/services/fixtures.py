"""The fixtures of every test folder; `conftest.py` loads them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.services import databases
from tests.services.huggingface_server import HuggingFaceServer
from tests.services.openai_server import OpenAIServer
from tests.services.server import Server, environment_for, manage


class Serve(Protocol):
    """Start the product: settings by their names in capitals, `program` uvicorn or daphne."""

    def __call__(self, *, program: str = ..., **settings: str) -> Server: ...


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.DatabaseServer]:
    with databases.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.DatabaseServer]:
    with databases.mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with databases.redis() as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    return databases.program("chromium", package="chromium")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every migration applied, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    environment = environment_for(folder)
    manage("migrate", "--verbosity=0", environment=environment)
    manage("createcachetable", environment=environment)
    return folder / "visionai.sqlite3"


@pytest.fixture
def serve(tmp_path: Path, migrated: Path) -> Iterator[Serve]:
    """Starts servers that end with the test."""
    yield from _serve(tmp_path, migrated)


@pytest.fixture(scope="module")
def serve_module(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Serve]:
    """Starts servers that end with the test file."""
    yield from _serve(tmp_path_factory.mktemp("module"), migrated)


@pytest.fixture
def server(serve: Serve) -> Server:
    """One server of its own, with the settings of a fresh machine."""
    return serve()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Server]:
    """One server for all tests that only add to it and look at their own rows."""
    for start in _serve(tmp_path_factory.mktemp("shared"), migrated):
        yield start()


def _serve(folder: Path, migrated: Path) -> Iterator[Serve]:
    started: list[Server] = []

    def start(*, program: str = "uvicorn", **settings: str) -> Server:
        data_dir = folder / f"server-{len(started)}"
        data_dir.mkdir()
        environment = environment_for(data_dir, **settings)
        if "DATABASE_URL" in settings:
            manage("migrate", "--verbosity=0", environment=environment)
            manage("createcachetable", environment=environment)
        else:
            shutil.copy(migrated, data_dir / "visionai.sqlite3")
        server = Server(data_dir, environment, program)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def far_openai() -> Iterator[OpenAIServer]:
    """A server that speaks the OpenAI API, for the product's providers."""
    with OpenAIServer() as far:
        yield far


@pytest.fixture
def far_huggingface() -> Iterator[HuggingFaceServer]:
    """A server that speaks Hugging Face's inference API."""
    with HuggingFaceServer() as far:
        yield far
