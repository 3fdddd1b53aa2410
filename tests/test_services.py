"""The servers that other tests stand on do start, answer and stop."""

import socket
import urllib.request

import psycopg
import pymysql
import pytest
import redis

from tests.services.databases import DatabaseServer
from tests.services.fixtures import Serve
from tests.services.network import NetworkUsedError
from tests.services.server import Server


@pytest.mark.database
def test_postgresql_runs_without_root(postgresql: DatabaseServer) -> None:
    with psycopg.connect(postgresql.create("one")) as connection:
        assert connection.execute("SELECT 41 + 1").fetchone() == (42,)


@pytest.mark.database
def test_mariadb_runs_without_root(mariadb: DatabaseServer) -> None:
    url = mariadb.create("one")
    assert url.startswith("mysql://visionai:visionai@127.0.0.1:")
    connection = pymysql.connect(
        host="127.0.0.1", port=mariadb.port, user="visionai", password="visionai", database="one"
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 41 + 1")
        assert cursor.fetchone() == (42,)


def test_redis_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()


@pytest.mark.server
def test_a_server_of_its_own_answers_and_stops_cleanly(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{server.url}/no-such-page")
    assert missing.value.code == 404
    missing.value.close()
    assert server.stop() == 0
    assert "Traceback" not in server.output()


@pytest.mark.server
def test_daphne_serves_the_same_product(serve: Serve) -> None:
    server = serve(program="daphne")
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{server.url}/no-such-page")
    assert missing.value.code == 404
    missing.value.close()


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_test_cannot_leave_this_machine(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as outbound, pytest.raises(NetworkUsedError):
        outbound.connect((address, 80))
    with pytest.raises(NetworkUsedError):
        socket.getaddrinfo("example.org", 443)
