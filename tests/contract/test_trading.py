"""The original trading system's entrances over a real server, its broker the emulator.

Of the examples that it printed each stands here with one change: whose login it is.
"""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.contract.conftest import Account
from tests.services.fixtures import Serve
from tests.services.network import wait_until
from tests.services.server import Server
from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.people import PASSWORD as AT_BROKER
from trading.brokers.emulator.people import SMS_CODE
from trading.brokers.emulator.running import Running, running_emulator

pytestmark = pytest.mark.server
SPEED = 12.0  # a minute at the broker takes five seconds
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp()
ASSET = "EURUSD-OTC"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    with running_emulator(clock=ScaledClock(NOON, speed=SPEED)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def product(serve_module: Serve, broker: Running) -> Server:
    hosts = {
        f"{name}_{key}".upper(): value
        for name in ("exnova", "iqoption")
        for key, value in broker.hosts.items()
        if key != "platform_id"
    }
    return serve_module(**hosts, TRADING_LEASE_SECONDS="5")


@pytest.fixture
def me(account: Callable[[str], Account]) -> Account:
    return account(f"ana{next(numbers)}")


@pytest.fixture
def stranger(account: Callable[[str], Account]) -> Account:
    return account(f"eva{next(numbers)}")


def call(http: httpx2.Client, who: Account, path: str, **body: object) -> httpx2.Response:
    return http.post(path, json=body, headers=who.bearer, timeout=60)


def look(http: httpx2.Client, who: Account, path: str, session_id: str) -> dict[str, Any]:
    answer = http.get(path, params={"session_id": session_id}, headers=who.bearer)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def paper(http: httpx2.Client, who: Account) -> str:
    made = call(http, who, "/api/connect", broker="paper", account_type="PRACTICE", session_id=None)
    assert made.status_code == 200, made.text
    return str(made.json()["session_id"])


def login(http: httpx2.Client, who: Account, email: str, **change: object) -> httpx2.Response:
    asked = {"broker": "exnova", "account_type": "PRACTICE", "session_id": None}
    return call(
        http, who, "/api/connect", **asked | {"email": email, "password": AT_BROKER} | change
    )


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of an error that is right in both of its shapes."""
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body["success"] is False
    assert (body["status"], body["code"]) == (answer.status_code, body["error"]["code"])
    assert body["error"]["message"] == body["detail"]
    assert AT_BROKER not in answer.text
    return answer.status_code, str(body["code"])


def listen(product: Server, who: Account, session_id: str, path: str = "/ws") -> ClientConnection:
    url = f"{product.ws_url}{path}?session_id={session_id}&token={who.access_token}"
    return connect(url, max_size=2**20)


def hear(socket: ClientConnection, kind: str, *, seconds: float = 20) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        message: dict[str, Any] = json.loads(socket.recv(timeout=end - time.monotonic()))
        if message.get("kind", message["type"]) == kind:
            return message


def test_the_life_of_a_session_as_it_was_printed(
    http: httpx2.Client, me: Account, product: Server, broker: Running
) -> None:
    made = login(http, me, "ok@test")
    assert made.status_code == 200, made.text
    body = made.json()
    session_id = body["session_id"]
    assert uuid.UUID(session_id).version == 4
    assert (body["success"], body["broker"], body["account_type"]) == (True, "exnova", "PRACTICE")
    assert (body["balance"], body["currency"]) == (10000, "USD")
    assert '"balance":10000.00' in made.text
    assets = look(http, me, "/api/assets", session_id)["assets"]
    assert next(one for one in assets if one["name"] == ASSET)["is_open"]
    with listen(product, me, session_id) as socket:
        hello = json.loads(socket.recv(timeout=5))
        assert (hello["type"], hello["account_type"]) == ("connected", "PRACTICE")
        trade = {"asset": ASSET, "direction": "call", "amount": 10, "expiration": 1}
        placed = call(http, me, "/api/trade", session_id=session_id, **trade)
        assert placed.status_code == 200, placed.text
        told = placed.json()["trade"]
        assert (told["asset"], told["amount"], told["state"]) == (ASSET, 10, "open")
        while (event := hear(socket, "order"))["data"]["state"] != "settled":
            assert event["session_id"] == session_id
        assert event["account_type"] == "PRACTICE"
    (order,) = broker.orders()
    (kept,) = look(http, me, "/api/history", session_id)["trades"]
    assert (kept["id"], kept["result"]) == (told["id"], event["data"]["outcome"])
    assert look(http, me, "/api/balance", session_id)["balance"] == 10000 + kept["profit"]
    started = call(http, me, "/api/start", session_id=session_id).json()
    assert (started["success"], started["running"]) == (True, True)
    assert started["strategy"] == "rsi"  # the original's bot traded, and said of what kind it was
    assert "RSI" in started["note"]
    wait_until(
        lambda: look(http, me, "/api/status", session_id)["running"],
        seconds=10,
        what="the bot runs",
    )
    stopped = call(http, me, "/api/stop", session_id=session_id).json()
    assert (stopped["success"], stopped["running"]) == (True, False)
    again = login(http, me, "ok@test", session_id=session_id)
    assert (again.status_code, again.json()["session_id"]) == (200, session_id)
    gone = call(http, me, "/api/disconnect", session_id=session_id)
    assert (gone.status_code, gone.json()) == (200, {"success": True})
    assert order["email"] == "ok@test"


def test_each_refusal_of_a_login_has_its_own_code(
    http: httpx2.Client, me: Account, broker: Running
) -> None:
    assert refused(login(http, me, "ok@test", password="wrong")) == (422, "invalid_credentials")
    broker.set(html_at_login=True)
    assert refused(login(http, me, "ok@test")) == (503, "broker_unreachable")
    broker.set(html_at_login=False)
    real = login(http, me, "rich@test", account_type="REAL")
    assert refused(real) == (403, "real_not_enabled")


def test_a_second_factor_is_asked_for_and_answered(
    http: httpx2.Client, me: Account, stranger: Account
) -> None:
    asked = login(http, me, "twofa@test", broker="iq")
    assert refused(asked) == (422, "two_factor_required")
    challenge = asked.json()["error"]["challenge_id"]
    foreign = call(http, stranger, "/api/connect/verify", challenge_id=challenge, code=SMS_CODE)
    assert refused(foreign) == (404, "not_found")
    sent = call(http, me, "/api/connect/verify", challenge_id=challenge, method="sms")
    assert (sent.status_code, sent.json()["success"]) == (200, True)
    wrong = call(http, me, "/api/connect/verify", challenge_id=challenge, code="000000")
    assert refused(wrong) == (422, "invalid_credentials")
    made = call(http, me, "/api/connect/verify", challenge_id=challenge, code=SMS_CODE)
    assert made.status_code == 200, made.text
    assert (made.json()["broker"], made.json()["balance"]) == ("iqoption", 10000)
    spent = call(http, me, "/api/connect/verify", challenge_id=challenge, code=SMS_CODE)
    assert refused(spent) == (404, "not_found")


def test_two_users_at_once_hear_and_see_only_their_own(
    http: httpx2.Client, me: Account, stranger: Account, product: Server
) -> None:
    mine, theirs = paper(http, me), paper(http, stranger)
    for who, foreign in ((me, theirs), (stranger, mine)):
        for path in ("/api/balance", "/api/status", "/api/history", "/api/assets"):
            answer = http.get(path, params={"session_id": foreign}, headers=who.bearer)
            assert refused(answer) == (404, "not_found"), path
        for path in ("/api/start", "/api/stop", "/api/disconnect", "/api/trade"):
            assert refused(call(http, who, path, session_id=foreign)) == (404, "not_found"), path
        for path in ("/ws", "/ws/trading"):
            with listen(product, who, foreign, path) as socket, pytest.raises(ConnectionClosed):
                socket.recv(timeout=5)
            assert socket.close_code == 4404
    with (
        listen(product, me, mine) as first,
        listen(product, stranger, theirs, "/ws/trading") as other,
    ):
        pairs = ((me, mine, first), (stranger, theirs, other))
        for stake in range(1, 4):
            for who, session_id, _socket in pairs:
                trade = {"asset": ASSET, "direction": "put", "amount": stake, "expiration": 5}
                placed = call(http, who, "/api/trade", session_id=session_id, **trade)
                assert placed.status_code == 200, placed.text
        for _who, session_id, socket in pairs:
            heard = [json.loads(socket.recv(timeout=5)) for _ in range(6)]
            assert {one["session_id"] for one in heard} == {session_id}
            numbers_heard = [one["seq"] for one in heard]
            assert numbers_heard == list(range(numbers_heard[0], numbers_heard[0] + 6))


def test_a_session_survives_the_server(http: httpx2.Client, me: Account, product: Server) -> None:
    session_id = paper(http, me)
    trade = {"asset": ASSET, "direction": "call", "amount": 7, "expiration": 5}
    placed = call(http, me, "/api/trade", session_id=session_id, **trade).json()["trade"]
    product.kill()
    product.start()

    def is_back() -> bool:
        return bool(look(http, me, "/api/status", session_id)["connected"])

    wait_until(is_back, seconds=40, what="the session is connected again")
    (kept,) = look(http, me, "/api/history", session_id)["trades"]
    assert (kept["id"], kept["state"], kept["amount"]) == (placed["id"], "open", 7)
    again = call(http, me, "/api/connect", broker="paper", session_id=session_id)
    assert again.json()["session_id"] == session_id


def test_a_session_id_is_no_key(http: httpx2.Client, me: Account, product: Server) -> None:
    session_id = paper(http, me)
    for path in ("/api/balance", "/api/status", "/api/history", "/api/assets"):
        answer = http.get(path, params={"session_id": session_id})
        assert refused(answer)[0] == 401
    for path in ("/api/connect", "/api/start", "/api/stop", "/api/disconnect", "/api/trade"):
        assert refused(http.post(path, json={"session_id": session_id}))[0] == 401
    for path in ("/ws", "/ws/trading"):
        with connect(f"{product.ws_url}{path}?session_id={session_id}") as socket:
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=5)
            assert socket.close_code == 4401


def test_without_a_session_the_socket_is_the_one_for_pictures(product: Server) -> None:
    with connect(f"{product.ws_url}/ws") as socket:
        hello = json.loads(socket.recv(timeout=5))
    assert (hello["type"], hello["status"]) == ("connection", "connected")


def test_a_lock_out_says_how_long(http: httpx2.Client, me: Account) -> None:
    """Last: it holds back all sign-ins at that broker."""
    answer = login(http, me, "locked@test")
    assert refused(answer) == (429, "broker_rate_limited")
    retry_after = answer.json()["error"]["retry_after"]
    assert 600 <= retry_after <= 661
    assert int(answer.headers["Retry-After"]) == retry_after
    assert refused(login(http, me, "ok@test")) == (429, "broker_rate_limited")
