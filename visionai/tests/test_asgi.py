from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from sessions_app.sockets import _token_of
from visionai import asgi


def a_server(scope: dict[str, Any]) -> Any:
    communicator: Any = ApplicationCommunicator
    return communicator(asgi.application, scope)


class Recorded:
    """A runtime that notes what it was asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.started = False
        self.asked: list[str] = []
        self.fault = fault

    def ensure_started(self) -> None:
        self.asked.append("start")
        if self.fault:
            raise self.fault
        self.started = True

    def stop(self) -> None:
        self.asked.append("stop")


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()
    monkeypatch.setattr(asgi, "runtime", recorded)
    return recorded


async def test_the_server_starts_and_stops_the_work_of_the_process(runtime: Recorded) -> None:
    server = a_server({"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert (await server.receive_output())["type"] == "lifespan.startup.complete"
    assert runtime.asked == ["start"]
    await server.send_input({"type": "lifespan.shutdown"})
    assert (await server.receive_output())["type"] == "lifespan.shutdown.complete"
    assert runtime.asked == ["start", "stop"]


async def test_a_start_that_fails_is_told_to_the_server(runtime: Recorded) -> None:
    runtime.fault = LookupError("no weights")
    server = a_server({"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    told = await server.receive_output()
    assert told == {"type": "lifespan.startup.failed", "message": "no weights"}
    with pytest.raises(LookupError):
        await server.wait()


async def test_the_first_socket_starts_the_work_where_the_server_does_not(
    runtime: Recorded,
) -> None:
    for _ in range(2):
        scope = {"type": "websocket", "path": "/nowhere", "headers": [], "query_string": b""}
        client = a_server(scope)
        await client.send_input({"type": "websocket.connect"})
        assert (await client.receive_output())["type"] == "websocket.close"
        await client.wait()
    assert runtime.asked == ["start"]


@pytest.mark.parametrize(
    ("query", "left", "token"),
    [
        (b"token=abc", b"", "abc"),
        (b"a=1&token=abc&b=%20", b"a=1&b=+", "abc"),
        (b"token=", b"", ""),
        (b"session_id=7", b"session_id=7", None),
        (b"", b"", None),
    ],
)
def test_a_token_leaves_the_query_that_is_logged(
    query: bytes, left: bytes, token: str | None
) -> None:
    scope: dict[str, Any] = {"query_string": query}
    asgi.hide_token(scope)
    assert scope["query_string"] == left
    assert _token_of(scope) == token
