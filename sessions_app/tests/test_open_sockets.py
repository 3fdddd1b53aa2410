import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app import open_sockets as module
from sessions_app.models import OpenSocket
from sessions_app.open_sockets import Connection, OpenSockets
from sessions_app.tests.factories import NOON, a_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    one = asyncio.new_event_loop()
    yield one
    one.close()


def a_connection(
    loop: asyncio.AbstractEventLoop, told: list[tuple[str, int]] | None = None, **fields: object
) -> Connection:
    told = [] if told is None else told
    facts: dict[str, object] = {"user_id": None, "sesion_id": None, "ip": "192.0.2.1"}
    return Connection(
        loop=loop,
        end=lambda number: told.append(("end", number)),
        close=lambda number: told.append(("close", number)),
        path="/ws",
        opened=NOON,
        **(facts | fields),  # type: ignore[arg-type]
    )


def run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_until_complete(asyncio.sleep(0))


def test_the_table_shows_the_sockets_of_this_process(loop: asyncio.AbstractEventLoop) -> None:
    sesion = a_session()
    sockets = OpenSockets()
    first = a_connection(loop, user_id=sesion.user_id, sesion_id=sesion.pk)
    second = a_connection(loop)
    for connection in (first, second):
        assert sockets.add(connection)
    sockets.write()
    row = OpenSocket.objects.get(connection=first.name)
    assert (row.user, row.sesion, row.path, row.ip) == (sesion.user, sesion, "/ws", "192.0.2.1")
    assert OpenSocket.objects.count() == 2
    sockets.remove(second)
    sockets.write()
    assert OpenSocket.objects.get().connection == first.name
    sockets.withdraw()
    assert not OpenSocket.objects.exists()


def test_a_written_table_costs_nothing_more(
    loop: asyncio.AbstractEventLoop, django_assert_num_queries: "pytest.FixtureRequest"
) -> None:
    sockets = OpenSockets()
    sockets.add(a_connection(loop))
    sockets.write()
    with django_assert_num_queries(0):  # type: ignore[operator]
        sockets.write()


def test_rows_of_a_lost_process_are_removed(loop: asyncio.AbstractEventLoop) -> None:
    lost, living = OpenSockets(), OpenSockets()
    lost.add(a_connection(loop))
    lost.write()
    OpenSocket.objects.update(last_seen=timezone.now() - module.LOST - timedelta(seconds=1))
    living.add(a_connection(loop))
    living.write()
    assert OpenSocket.objects.get().process == living._process


def test_a_process_that_was_taken_for_lost_writes_its_rows_again(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", timedelta(0))
    sockets = OpenSockets()
    sockets.add(a_connection(loop))
    sockets.write()
    OpenSocket.objects.all().delete()
    sockets.write()
    assert OpenSocket.objects.count() == 1


def test_a_socket_is_closed_by_its_name(loop: asyncio.AbstractEventLoop) -> None:
    told: list[tuple[str, int]] = []
    sockets = OpenSockets()
    connection = a_connection(loop, told)
    sockets.add(connection)
    sockets.close("someone else's")
    sockets.close(connection.name)
    run(loop)
    assert told == [("close", 1008)]


def test_an_end_reaches_each_socket_that_is_bound_to_it(loop: asyncio.AbstractEventLoop) -> None:
    told: list[tuple[str, int]] = []
    sockets = OpenSockets()
    connection = a_connection(loop, told)
    sockets.add(connection)
    assert sockets.bind(connection, 7)
    assert sockets.bind(connection, 8)
    sockets.unbind(connection, 8)
    sockets.end_session("7")
    sockets.end_session("8")
    run(loop)
    assert told == [("end", 7)]
    sockets.remove(connection)
    sockets.remove(connection)
    assert len(sockets) == 0
    assert sockets._by_sesion == {}


def test_an_end_is_remembered_for_a_minute(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = OpenSockets()
    sockets.end_session("7")
    assert not sockets.bind(a_connection(loop), 7)
    monkeypatch.setattr(module, "REMEMBERED", -1.0)
    sockets.end_session("8")
    assert sockets._ended == {}


def test_a_socket_of_a_closed_event_loop_is_forgotten() -> None:
    loop = asyncio.new_event_loop()
    sockets = OpenSockets()
    connection = a_connection(loop)
    sockets.add(connection)
    loop.close()
    sockets.close(connection.name)
    assert len(sockets) == 0
