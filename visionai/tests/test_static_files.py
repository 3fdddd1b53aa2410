from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.services.server import ROOT, Server

pytestmark = pytest.mark.server
STYLE = Path("static/css/base.css")


def ask(server: Server, method: str, **headers: str) -> tuple[int, bytes, str | None]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, f"/{STYLE}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Content-Type")
    finally:
        connection.close()


def test_a_file_is_served_whole_in_part_or_not_again(shared_server: Server) -> None:
    content = (ROOT / STYLE).read_bytes()
    status, body, kind = ask(shared_server, "GET")
    assert (status, body) == (200, content)
    assert (kind or "").startswith("text/css")
    assert ask(shared_server, "HEAD")[:2] == (200, b"")
    assert ask(shared_server, "GET", Range="bytes=2-5")[:2] == (206, content[2:6])
    assert (
        ask(shared_server, "GET", **{"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})[0]
        == 304
    )


def test_serving_a_file_says_nothing_on_the_console(shared_server: Server) -> None:
    ask(shared_server, "GET")
    assert "StreamingHttpResponse" not in shared_server.output()
