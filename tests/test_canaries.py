"""A secret in any position ends up in no log, page or dump."""

import contextlib
import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.services.fixtures import Serve
from tests.services.server import Server

CANARY = "canary7f3a"
JSON = {"Content-Type": "application/json"}
PASSWORD = f"{CANARY}-good-password-9"


class Walk:
    """Requests with a secret in them, and every answer but those that hand one out."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[tuple[str, bytes]] = []
        self.sent = 0

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        shown: bool = True,
    ) -> bytes:
        request = urllib.request.Request(self.server.url + path, body, headers or {})
        self.sent += 1
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                text = refusal.read()
        if shown:
            self.answers.append((path.split("?")[0], text))
        return bytes(text)

    def socket(self, query: str = "", *texts: str, subprotocols: list[str] | None = None) -> None:
        with (
            contextlib.suppress(WebSocketException, TimeoutError, OSError),
            connect(
                f"{self.server.ws_url}/ws{query}",
                subprotocols=subprotocols or None,  # type: ignore[arg-type]
            ) as socket,
        ):
            for text in ("", *texts):
                if text:
                    socket.send(text)
                answer = socket.recv(timeout=10)
                said = answer.encode() if isinstance(answer, str) else answer
                self.answers.append(("/ws", said))


@pytest.mark.server
@pytest.mark.parametrize("program", ["uvicorn", "daphne"])
def test_a_secret_in_any_position_is_in_no_log_page_or_dump(serve: Serve, program: str) -> None:
    server = serve(
        program=program,
        LOG_LEVEL="DEBUG",
        JWT_SECRET_KEY=f"{CANARY}-jwt-key-of-32-characters-and-more",
        SECRET_KEY=f"{CANARY}-secret-key-of-32-characters-and-more",
        EMAIL_URL=f"smtp://ada:{CANARY}@127.0.0.1:9",
    )
    walk = Walk(server)
    who = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    good, wrong = json.dumps(who).encode(), json.dumps(who | {"password": f"{CANARY}-no"}).encode()
    walk.ask("/api/v1/auth/register", good, JSON)
    given = json.loads(walk.ask("/api/v1/auth/login", good, JSON, shown=False))
    token = given["access_token"]
    for path in ("/api/v1/auth/login", "/login", "/auth/login", "/api/v1/auth/register"):
        walk.ask(path, wrong, JSON)
        walk.ask(path, wrong[:-3], JSON)
    walk.ask("/api/v1/auth/refresh", json.dumps({"refresh_token": CANARY}).encode(), JSON)
    walk.ask("/api/v1/auth/password/reset", b'{"email": "ada@example.org"}', JSON)
    walk.ask("/cuenta/entrar/", urlencode({"username": "ada", "password": CANARY}).encode())
    walk.ask("/cuenta/entrar/", headers={"Cookie": f"sessionid={CANARY}; csrftoken={CANARY}"})
    walk.ask("/admin/login/", urlencode({"username": "ada", "password": CANARY}).encode())
    for path in ("/api/v1/auth/verify", "/status", "/panel/", "/no/such/page", "/api/v1/sessions"):
        walk.ask(f"{path}?token={CANARY}&password={CANARY}")
        walk.ask(path, headers={"Authorization": f"Bearer {CANARY}"})
        walk.ask(path, headers={"Authorization": f"Basic {CANARY}"})
        walk.ask(path, headers={"Authorization": f"Bearer {token}", "X-Api-Key": CANARY})
    walk.socket(f"?token={CANARY}")
    walk.socket(f"?token={token}", '{"command": "health"}')
    walk.socket("", subprotocols=["bearer", CANARY])
    walk.socket("", json.dumps({"command": "predict", "image": "x", "token": CANARY}))
    walk.socket("", json.dumps({"command": "predict", "image": "x", "token": token}))
    walk.socket("", json.dumps({"command": CANARY * 3}), f'{{"token": "{CANARY}"')
    assert walk.sent > 25
    assert server.stop() in {0, -2}
    secrets = {CANARY.encode(), token.encode(), given["refresh_token"].encode()}
    found = [f"page {path}" for path, text in walk.answers if any(one in text for one in secrets)]
    files = [path for path in server.data_dir.rglob("*") if path.is_file()]
    assert any("logs" in path.parts for path in files)
    found += [str(path) for path in files if any(one in path.read_bytes() for one in secrets)]
    assert found == []
    assert not any(one in server.manage("dumpdata").encode() for one in secrets)
