"""The end of a session reaches REST and open sockets in every process within a second."""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from websockets.exceptions import InvalidStatus

from sessions_app.tests.servers import KEYS, Login, a_socket, call, log_in
from tests.services.databases import DatabaseServer
from tests.services.fixtures import Serve
from tests.services.network import wait_until
from tests.services.server import Server

pytestmark = pytest.mark.server
REACH = 1.0  # seconds
ROUNDS = 3

Pair = tuple[Server, Server]


def a_pair(serve: Serve, **settings: str) -> Pair:
    """Two processes on one database."""
    here = serve(program="echo", **KEYS, **settings)
    database = settings.get("DATABASE_URL", f"sqlite:///{here.data_dir / 'visionai.sqlite3'}")
    there = serve(program="echo", **KEYS, **settings | {"DATABASE_URL": database})
    return here, there


@pytest.fixture(params=["one process", "daphne", "two", "two on PostgreSQL", "two with Redis"])
def servers(request: pytest.FixtureRequest, serve: Serve) -> Pair:
    match request.param:
        case "one process":
            one = serve(program="echo", **KEYS)
            return one, one
        case "daphne":
            one = serve(program="echo by daphne", **KEYS)
            return one, one
        case "two":
            return a_pair(serve)
        case "two on PostgreSQL":
            database: DatabaseServer = request.getfixturevalue("postgresql")
            return a_pair(serve, DATABASE_URL=database.create("reach"))
        case _:
            return a_pair(serve, REDIS_URL=request.getfixturevalue("redis_url"))


def reaches(end: Callable[[], object], code: Callable[[], int]) -> tuple[int, float]:
    """The close code, and the seconds from the answer of `end` to it."""
    answered: list[float] = []

    def ending() -> None:
        end()
        answered.append(time.monotonic())

    thread = threading.Thread(target=ending)
    thread.start()
    closed_with = code()
    closed = time.monotonic()
    thread.join()
    return closed_with, closed - answered[0]


def test_an_end_elsewhere_stops_rest_and_sockets(servers: Pair) -> None:
    here, there = servers
    mine, *others = log_in(here, ROUNDS + 1)
    for other in others:
        with a_socket(here, token=other.token) as socket, a_socket(here) as anonymous:
            assert socket.heard() == {"hello": "ana"}
            anonymous.heard()
            assert anonymous.say(f"as {other.token}")["user"] == "ana"
            code, seconds = reaches(partial(end, there, other, mine), socket.close_code)
            assert (code, seconds <= REACH) == (4401, True), seconds
            assert call(here, "GET", "/api/v1/sessions", token=other.token)[0] == 401
            assert anonymous.say(f"as {other.token}") == {"error": "session_ended"}
            assert anonymous.say("hi")["user"] is None
        with a_socket(here, token=other.token) as late:
            assert late.close_code() == 4401
    with a_socket(here, token=mine.token) as socket:
        assert socket.heard() == {"hello": "ana"}


def end(server: Server, login: Login, by: Login) -> None:
    status, _ = call(server, "DELETE", f"/api/v1/sessions/{login.sid}", token=by.token)
    assert status == 204


def test_an_end_by_a_process_that_serves_nothing_reaches_sockets(serve: Serve) -> None:
    server = serve(program="echo", **KEYS)
    (login,) = log_in(server)
    with a_socket(server, token=login.token) as socket:
        socket.heard()
        code = f"""
from django.utils import timezone
from sessions_app.models import Sesion
from sessions_app.services import end_session
sesion = Sesion.objects.get(pk={login.sid})
end_session(sesion, reason=Sesion.EndReason.REVOKED_BY_STAFF, at=timezone.now())
"""
        assert reaches(lambda: server.manage("shell", "-c", code), socket.close_code)[0] == 4401
    rows = server.query("SELECT end_reason, fecha_fin IS NULL FROM sesion WHERE id = ?", login.sid)
    assert rows == [("revoked_by_staff", 0)]


def test_staff_see_sockets_of_all_processes_and_a_killed_one_leaves_none(serve: Serve) -> None:
    server = serve(program="echo", **KEYS)
    (login,) = log_in(server)
    select = "SELECT sesion_id, path, ip, connection FROM open_socket ORDER BY id"
    with a_socket(server, token=login.token) as socket, a_socket(server):
        socket.heard()
        wait_until(lambda: len(server.query(select)) == 2, seconds=10, what="both are listed")
        # Which of the two was registered first is chance.
        rows = {sid: (path, ip, connection) for sid, path, ip, connection in server.query(select)}
        assert rows.keys() == {login.sid, None}
        path, ip, connection = rows[login.sid]
        assert (path, ip) == ("/echo", "127.0.0.1")
        server.query(
            "INSERT INTO change (kind, subject, at) VALUES ('socket_closed', ?, ?)",
            connection,
            "2026-01-01 00:00:00",
        )
        assert socket.close_code() == 1008
        wait_until(lambda: len(server.query(select)) == 1, seconds=10, what="one is listed")
    assert server.stop() == 0
    assert server.query(select) == []


def test_origins_are_checked_by_a_real_server(serve: Serve) -> None:
    for program in ("echo", "echo by daphne"):
        server = serve(program=program, **KEYS)
        with pytest.raises(InvalidStatus) as refusal, a_socket(server, origin="http://evil.test"):
            pass
        assert refusal.value.response.status_code == 403
        with a_socket(server, origin=server.url) as socket:
            assert socket.heard() == {"hello": None}
        with a_socket(server, token="not.a.token") as socket:
            assert socket.close_code() == 4401
            assert socket.connection.subprotocol == "bearer"
