import json
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection

import pytest

from tests.services.server import Server

pytestmark = pytest.mark.server
TOO_MUCH = 60 * 2**20


@pytest.fixture
def http(shared_server: Server) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection("127.0.0.1", shared_server.port, timeout=20)) as connection:
        yield connection


def test_a_body_that_is_told_to_be_too_long_is_refused_unread(http: HTTPConnection) -> None:
    http.putrequest("POST", "/api/v1/predict")
    http.putheader("Content-Length", str(TOO_MUCH))
    http.putheader("Accept-Language", "en")
    http.endheaders()
    answer = http.getresponse()
    problem = json.loads(answer.read())
    assert (answer.status, problem["code"]) == (413, "body_too_large")
    assert "Send less" in problem["detail"]


def test_a_body_of_untold_length_is_cut_off_at_the_limit(http: HTTPConnection) -> None:
    http.putrequest("POST", "/api/v1/predict")
    http.putheader("Transfer-Encoding", "chunked")
    http.endheaders()
    with suppress(OSError):  # the server hangs up while we still send
        for _ in range(TOO_MUCH // 2**20):
            http.send(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
    assert http.getresponse().status == 413


def test_a_body_within_the_limit_is_read(http: HTTPConnection) -> None:
    http.request(
        "POST", "/api/v1/predict", body=b"x" * 2**20, headers={"Content-Type": "image/png"}
    )
    assert json.loads(http.getresponse().read())["code"] == "unsupported_media_type"
