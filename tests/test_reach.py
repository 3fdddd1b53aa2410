"""Ending a session elsewhere reaches the product's own sockets and its API within a second."""

import json
import time
from statistics import median
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.services.fixtures import Serve
from tests.services.server import Server

pytestmark = pytest.mark.server
PASSWORD = "a-cold-morning-in-may"


def call(server: Server, method: str, path: str, body: object = None, token: str = "") -> int:
    return _call(server, method, path, body, token)[0]


def _call(
    server: Server, method: str, path: str, body: object, token: str
) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(server.url + path, data, headers, method=method), timeout=20) as one:
            text = one.read()
            return one.status, json.loads(text) if text else {}
    except HTTPError as refusal:
        with refusal:
            return refusal.code, {}


def log_in(server: Server) -> tuple[int, str]:
    body = {"username": "ana", "password": PASSWORD}
    status, answer = _call(server, "POST", "/api/v1/auth/login", body, "")
    assert status == 200
    return int(str(answer["session_id"])), str(answer["access_token"])


def hear_to_the_end(socket: ClientConnection) -> None:
    while True:  # a welcome may have come first
        socket.recv(timeout=3)


@pytest.mark.parametrize("program", ["uvicorn", "daphne"])
def test_an_end_elsewhere_closes_the_sockets_of_the_product(serve: Serve, program: str) -> None:
    server = serve(program=program)
    body = {"username": "ana", "password": PASSWORD}
    assert call(server, "POST", "/api/v1/auth/register", body) == 201
    _mine, here = log_in(server)
    took = []
    for path in ("/ws", "/", "/ws/camera"):
        sid, token = log_in(server)
        offered = [Subprotocol("bearer"), Subprotocol(token)]
        with connect(server.ws_url + path, subprotocols=offered) as socket:
            assert socket.subprotocol == "bearer"
            assert call(server, "DELETE", f"/api/v1/sessions/{sid}", token=here) == 204
            started = time.monotonic()
            with pytest.raises(ConnectionClosed):
                hear_to_the_end(socket)
            took.append(time.monotonic() - started)
            assert socket.close_code == 4401
        assert call(server, "GET", "/api/v1/sessions", token=token) == 401
    assert median(took) <= 1
    reasons = server.query("SELECT end_reason FROM sesion WHERE fecha_fin IS NOT NULL")
    assert reasons == [("revoked_by_user",)] * 3
