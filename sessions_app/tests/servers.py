"""Real server processes with the echoing socket, and programs that talk to them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.services.server import COMMANDS, Server

APPLICATION = "sessions_app.tests.application:application"
UVICORN = ["-m", "uvicorn", APPLICATION, "--port", "{port}", "--ws", "websockets-sansio"]
DAPHNE = ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", APPLICATION]
COMMANDS["echo"] = UVICORN
COMMANDS["echo by daphne"] = DAPHNE

# The same in each process, as an operator of several would set them.
KEYS = {"SECRET_KEY": "a" * 32, "JWT_SECRET_KEY": "b" * 32}

LOG_IN = """
import json
from django.utils import timezone
from accounts.models import User
from sessions_app.client import Client
from sessions_app.services import start_session
from sessions_app.tokens import issue_tokens
at = timezone.now()
user, _ = User.objects.get_or_create(username={username!r})
rows = [start_session(user, kind={kind!r}, client=Client(None, ""), at=at) for _ in range({number})]
print("LOGINS", json.dumps([[row.pk, issue_tokens(row, at=at).access] for row in rows]))
"""


@dataclass(frozen=True)
class Login:
    sid: int
    token: str


def log_in(
    server: Server, number: int = 1, *, username: str = "ana", kind: str = "api"
) -> list[Login]:
    """Sessions of one user, made by another process on the same database."""
    code = LOG_IN.format(username=username, number=number, kind=kind)
    output = server.manage("shell", "--no-imports", "-c", code)
    (line,) = [line for line in output.splitlines() if line.startswith("LOGINS ")]
    return [Login(sid, token) for sid, token in json.loads(line.removeprefix("LOGINS "))]


def call(server: Server, method: str, path: str, *, token: str = "") -> tuple[int, Any]:
    """(status, body) of one call of the API."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(server.url + path, method=method, headers=headers)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, _json(answer.read())
    except HTTPError as refusal:
        with refusal:
            return refusal.code, _json(refusal.read())


def _json(body: bytes) -> Any:
    return json.loads(body) if body.startswith((b"{", b"[")) else None


@contextmanager
def a_socket(
    server: Server, *, token: str = "", origin: str | None = None, cookie: str = ""
) -> Iterator["Socket"]:
    subprotocols: Sequence[Any] = ["bearer", token] if token else []
    headers = {"Cookie": cookie} if cookie else {}
    with connect(
        f"{server.ws_url}/echo",
        subprotocols=subprotocols or None,
        origin=origin,  # type: ignore[arg-type]
        additional_headers=headers,
        close_timeout=1,
    ) as connection:
        yield Socket(connection)


@dataclass
class Socket:
    connection: ClientConnection

    def heard(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads(self.connection.recv(timeout=5))
        return message

    def say(self, text: str) -> dict[str, Any]:
        self.connection.send(text)
        return self.heard()

    def close_code(self, *, within: float = 5) -> int:
        """With which code the server closes."""
        with pytest.raises(ConnectionClosed) as closed:
            self.connection.recv(timeout=within)
        assert closed.value.rcvd, "the connection was lost without a close"
        return closed.value.rcvd.code
