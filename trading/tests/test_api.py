"""Every entrance of trading as its owner, a stranger and nobody; what needs no broker."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading.limits import make_limits
from trading.models import KillSwitch, Order, TradingSession
from trading.tests.factories import a_candle, a_trading_session, an_event, an_order

pytestmark = pytest.mark.django_db
CANONICAL = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/bot"),
    ("DELETE", "/bot"),
    ("GET", "/orders"),
    ("POST", "/orders"),
    ("GET", "/orders.csv"),
    ("GET", "/events"),
    ("GET", "/assets"),
    ("GET", "/candles"),
    ("GET", "/candles.csv"),
    ("GET", "/figures"),
    ("GET", "/runs"),
    ("GET", "/runs/7/recording.jsonl"),
    ("GET", "/runs/7/replay"),
    ("POST", "/runs/7/replay"),
    ("GET", "/limits"),
    ("PATCH", "/limits"),
    ("POST", "/halt"),
    ("POST", "/release"),
    ("POST", "/refill"),
]
ALL_HALTED = "/api/v1/trading/halt"
OF_NO_SESSION = [
    ("GET", "/api/v1/trading/sessions"),
    ("POST", "/api/v1/trading/sessions"),
    ("POST", "/api/v1/trading/verify"),
    ("GET", "/api/v1/trading/limits/PRACTICE"),
    ("GET", "/api/v1/trading/real"),
    ("GET", ALL_HALTED),
    ("POST", ALL_HALTED),
    ("POST", "/api/v1/trading/release"),
    ("GET", "/api/v1/trading/strategies"),
    ("GET", "/api/v1/trading/log"),
    ("GET", "/api/v1/trading/log.csv"),
    ("GET", "/api/v1/trading/candles"),
    ("POST", "/api/v1/trading/candles"),
    ("POST", "/api/connect"),
    ("POST", "/api/connect/verify"),
]
ORIGINAL = [
    ("POST", "/api/disconnect"),
    ("POST", "/api/start"),
    ("POST", "/api/stop"),
    ("POST", "/api/trade"),
    ("GET", "/api/balance"),
    ("GET", "/api/status"),
    ("GET", "/api/history"),
    ("GET", "/api/assets"),
]


@pytest.fixture
def mine(ana: User) -> TradingSession:
    session = a_trading_session(ana, lease_until=timezone.now() + timedelta(minutes=1))
    make_limits(session)
    return session


def ask(api: Client, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    kind = "application/json"
    if method == "GET":
        return api.get(path, body)
    return api.generic(method, path, json.dumps(body or {}), content_type=kind)


def url(session: object, tail: str = "") -> str:
    return f"/api/v1/trading/sessions/{session}{tail}"


@pytest.mark.parametrize(("method", "tail"), CANONICAL)
def test_another_session_than_ones_own_is_not_found(api: Client, method: str, tail: str) -> None:
    foreign = a_trading_session()
    for asked in (foreign.pk, "no-uuid", "0" * 32):
        refused = ask(api, method, url(asked, tail))
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), asked
        assert refused["Content-Type"] == "application/problem+json"
    foreign.refresh_from_db()
    assert foreign.event_seq == 0


@pytest.mark.parametrize(("method", "path"), ORIGINAL)
def test_nor_on_the_originals_paths(api: Client, method: str, path: str) -> None:
    foreign = a_trading_session()
    for asked in (str(foreign.pk), "no-uuid", "", 7):
        refused = ask(api, method, path, {"session_id": asked})
        body = refused.json()
        assert refused.status_code == 404
        assert (body["success"], body["code"]) == (False, "not_found")
        assert body["error"] == {"code": "not_found", "message": body["detail"]}
    foreign.refresh_from_db()
    assert foreign.event_seq == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[
            (method, url("3f0c2a5e-8c1d-4a57-9a0e-6b6f2b7f6d11", tail))
            for method, tail in CANONICAL
        ],
        *OF_NO_SESSION,
        *ORIGINAL,
    ],
)
@pytest.mark.parametrize("token", [None, "x.y.z"])
def test_nobody_comes_in_without_a_login(method: str, path: str, token: str | None) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    refused = ask(Client(headers=headers), method, path)
    assert refused.status_code == 401
    assert refused.json()["detail"]
    assert refused.json().get("success", False) is False


def test_a_session_says_how_it_stands_with_money_as_text(api: Client, mine: TradingSession) -> None:
    body = ask(api, "GET", url(mine.pk)).json()
    assert (body["balance"], body["currency"], body["profit"]) == ("10000.00", "USD", "0.00")
    assert (body["account_type"], body["state"], body["bot"]["running"]) == (
        "PRACTICE",
        "connected",
        False,
    )
    a_trading_session()
    listed = ask(api, "GET", "/api/v1/trading/sessions").json()["sessions"]
    assert [one["session_id"] for one in listed] == [str(mine.pk)]


def test_the_original_gets_money_as_a_number_with_two_decimals(
    api: Client, mine: TradingSession
) -> None:
    answer = ask(api, "GET", "/api/balance", {"session_id": str(mine.pk)})
    assert answer.content == (
        b'{"success":true,"balance":10000.00,"currency":"USD","account_type":"PRACTICE"}'
    )
    told = ask(api, "GET", "/api/status", {"session_id": str(mine.pk)})
    assert b'"profit":0.00' in told.content
    assert b'"stake":1.00' in told.content
    assert told.json()["connected"] is True


def test_events_are_read_from_any_number_on(api: Client, mine: TradingSession) -> None:
    for number in range(5):
        an_event(mine, number=number)
    path = url(mine.pk, "/events")
    body = ask(api, "GET", path, {"after": 2, "limit": 2}).json()
    assert [one["seq"] for one in body["events"]] == [3, 4]
    assert (body["seq"], body["more"], body["account_type"]) == (5, True, "PRACTICE")
    assert ask(api, "GET", path, {"after": 5}).json()["events"] == []
    for wrong in ("-1", "x", "1" * 30, "²"):
        refused = ask(api, "GET", path, {"after": wrong})
        assert (refused.status_code, refused.json()["code"]) == (400, "not_accepted")


def test_orders_come_newest_first_and_page_back(api: Client, mine: TradingSession) -> None:
    ids = [an_order(mine).pk for _ in range(3)]
    path = url(mine.pk, "/orders")
    body = ask(api, "GET", path, {"limit": 2}).json()
    assert ([one["id"] for one in body["orders"]], body["more"]) == (ids[:0:-1], True)
    rest = ask(api, "GET", path, {"limit": 2, "before": ids[1]}).json()
    assert ([one["id"] for one in rest["orders"]], rest["more"]) == (ids[:1], False)


def test_orders_leave_as_a_table_in_which_nothing_runs(api: Client, mine: TradingSession) -> None:
    lost = {"state": "settled", "outcome": "lost", "profit": Decimal(-10)}
    an_order(mine, asset='=HYPERLINK("x")', settled_at=timezone.now(), **lost)
    answer = ask(api, "GET", url(mine.pk, "/orders.csv"))
    head, line = answer.content.decode().splitlines()
    assert head.startswith("id,created_at,source,asset,direction,stake")
    assert '"\'=HYPERLINK(""x"")"' in line
    assert ",-10.00," in line
    assert "attachment" in answer["Content-Disposition"]
    assert "PRACTICE" in answer["Content-Disposition"]


def test_candles_that_were_kept_are_there_without_a_connection(api: Client, ana: User) -> None:
    gone = a_trading_session(ana, state=TradingSession.State.DISCONNECTED)
    for start in (60, 120, 180):
        a_candle(start)
    a_candle(240, asset="EURJPY")
    asked = {"asset": "EURUSD-OTC", "seconds": 60, "count": 2}
    body = ask(api, "GET", url(gone.pk, "/candles"), asked).json()
    assert [one["start"] for one in body["candles"]] == [120, 180]
    table = ask(api, "GET", url(gone.pk, "/candles.csv"), asked).content.decode().splitlines()
    assert table == ["start,open,high,low,close", "120,1.1,1.3,1.0,1.2", "180,1.1,1.3,1.0,1.2"]
    assert ask(api, "GET", url(gone.pk, "/candles")).status_code == 400


def test_a_limit_is_lowered_at_once_and_raised_after_a_day(
    api: Client, mine: TradingSession
) -> None:
    path = url(mine.pk, "/limits")
    body = ask(api, "PATCH", path, {"stake": "50.00", "trades_per_hour": 100}).json()
    assert (body["stake"], body["trades_per_hour"]) == ("50.00", 60)
    (coming,) = body["raises"]
    assert (coming["field"], coming["value"]) == ("trades_per_hour", 100)
    assert ask(api, "GET", path).json() == body
    assert ask(api, "PATCH", path, {"stake": "-1"}).status_code == 400
    assert ask(api, "PATCH", path, {"stake": "NaN"}).status_code == 400
    assert ask(api, "GET", "/api/v1/trading/limits/PRACTICE").json()["stake"] == "100.00"
    assert ask(api, "GET", "/api/v1/trading/limits/OTHER").status_code == 404


def test_a_halt_holds_orders_back_until_it_is_released(api: Client, mine: TradingSession) -> None:
    told = ask(api, "POST", url(mine.pk, "/halt")).json()
    assert told == {"halted": True, "switches": [f"session:{mine.pk}"]}
    asked = {"session_id": str(mine.pk), "asset": "EURUSD-OTC", "direction": "CALL"}
    refused = ask(api, "POST", "/api/trade", asked | {"amount": 10, "expiration": 1})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "risk_limit")
    assert ask(api, "POST", url(mine.pk, "/release")).json() == {"halted": False, "switches": []}


def test_the_owner_cannot_undo_what_staff_halted(api: Client, mine: TradingSession) -> None:
    KillSwitch.objects.create(
        scope=f"session:{mine.pk}", is_on=True, changed_by=a_user("root"), changed_at=timezone.now()
    )
    refused = ask(api, "POST", url(mine.pk, "/release"))
    assert (refused.status_code, refused.json()["reason"]) == (409, "halted_by_staff")
    assert KillSwitch.objects.get().is_on
    ask(api, "POST", url(mine.pk, "/halt"))  # nor by making the switch their own first
    assert ask(api, "POST", url(mine.pk, "/release")).status_code == 409
    assert KillSwitch.objects.get().is_on


def test_all_own_sessions_are_halted_and_released_at_once(
    api: Client, ana: User, mine: TradingSession
) -> None:
    another = a_trading_session(ana, bot_wanted=True)
    foreign = a_trading_session(bot_wanted=True)
    on = {"halted": True, "switches": [f"user:{ana.pk}"]}
    assert ask(api, "GET", ALL_HALTED).json() == {"halted": False, "switches": []}
    assert ask(api, "POST", ALL_HALTED).json() == on
    assert ask(api, "GET", ALL_HALTED).json() == on
    another.refresh_from_db()
    foreign.refresh_from_db()
    assert (another.bot_wanted, foreign.bot_wanted) == (False, True)
    trade = {"asset": "EURUSD-OTC", "direction": "call", "stake": "1.00", "minutes": 1}
    refused = ask(api, "POST", url(mine.pk, "/orders"), trade)
    assert (refused.status_code, refused.json()["code"]) == (409, "risk_limit")
    assert ask(api, "POST", "/api/v1/trading/release").json() == {"halted": False, "switches": []}
    another.refresh_from_db()
    assert another.bot_wanted is False  # no bot starts by itself


def test_the_owner_cannot_undo_what_staff_halted_over_all(api: Client, ana: User) -> None:
    KillSwitch.objects.create(
        scope=f"user:{ana.pk}", is_on=True, changed_by=a_user("root"), changed_at=timezone.now()
    )
    ask(api, "POST", ALL_HALTED)
    refused = ask(api, "POST", "/api/v1/trading/release")
    assert (refused.status_code, refused.json()["reason"]) == (409, "halted_by_staff")
    assert ask(api, "GET", ALL_HALTED).json()["halted"] is True


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": 1000}, 409, "risk_limit"),
        ({"amount": 0}, 400, "not_accepted"),
        ({"amount": "1.005"}, 400, "invalid"),
        ({"amount": "NaN"}, 400, "invalid"),
        ({"direction": "up"}, 400, "not_accepted"),
        ({"expiration": 0}, 400, "invalid"),
        ({"asset": ""}, 400, "invalid"),
        ({"amount": None}, 400, "invalid"),
    ],
)
def test_a_trade_that_may_not_be_is_refused_and_leaves_nothing(
    api: Client, mine: TradingSession, change: dict[str, Any], status: int, code: str
) -> None:
    asked = {
        "session_id": str(mine.pk),
        "asset": "EURUSD-OTC",
        "direction": "call",
        "amount": 10,
        "expiration": 1,
    }
    refused = ask(api, "POST", "/api/trade", asked | change)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert "stake" not in refused.json()["detail"]  # the original's word is amount
    assert "out_of_range" not in refused.json()["detail"]
    assert not Order.objects.exists()


def test_a_trade_sent_twice_is_one_order(
    api: Client, mine: TradingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker has taken it by the time that the answer is awaited."""

    async def taken(order: Order, *, seconds: float = 15.0) -> Order:
        await Order.objects.filter(pk=order.pk).aupdate(state=Order.State.OPEN)
        return await Order.objects.aget(pk=order.pk)

    monkeypatch.setattr("trading.commands.placed", taken)
    asked = {"asset": "EURUSD-OTC", "direction": "put", "stake": "10.00", "minutes": 5}
    asked["key"] = "0f9f4a50-44d3-4d1c-8c55-0a8a8a0a4f55"
    first = ask(api, "POST", url(mine.pk, "/orders"), asked)
    assert (first.status_code, first.json()["state"]) == (201, "open")
    assert ask(api, "POST", url(mine.pk, "/orders"), asked).json() == first.json()
    assert Order.objects.count() == 1
    again = ask(api, "POST", url(mine.pk, "/orders"), asked | {"stake": "11.00"})
    assert (again.status_code, again.json()["reason"]) == (409, "key_used")


def test_what_the_broker_refuses_is_a_conflict(
    api: Client, mine: TradingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(order: Order, *, seconds: float = 15.0) -> Order:
        await Order.objects.filter(pk=order.pk).aupdate(state="rejected", reason="no_money")
        return await Order.objects.aget(pk=order.pk)

    monkeypatch.setattr("trading.commands.placed", refused)
    asked = {"session_id": str(mine.pk), "asset": "EURUSD-OTC", "direction": "call", "amount": 10}
    body = ask(api, "POST", "/api/trade", asked).json()
    assert (body["success"], body["error"]["code"], body["reason"]) == (
        False,
        "conflict",
        "no_money",
    )


def test_real_money_is_off(api: Client) -> None:
    asked = {"broker": "exnova", "account_type": "REAL", "email": "a@b.c", "password": "x"}
    refused = ask(api, "POST", "/api/connect", asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "real_not_enabled")
    assert ask(api, "GET", "/api/v1/trading/real").json() == {"needs": "setting"}
    assert not TradingSession.objects.exists()


def test_no_password_is_said_back(api: Client) -> None:
    asked = {"broker": "nobody", "email": "a@b.c", "password": "canary7f3a", "session_id": 5}
    refused = ask(api, "POST", "/api/connect", asked)
    assert refused.status_code == 400
    assert b"canary7f3a" not in refused.content


@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"null", b"{", b"\xff"])
@pytest.mark.parametrize(
    "path", ["/api/connect", "/api/trade", "/api/start", "/api/v1/trading/sessions"]
)
def test_a_body_that_is_no_object_is_refused(api: Client, path: str, body: bytes) -> None:
    refused = api.generic("POST", path, body, content_type="application/json")
    assert refused.status_code in (400, 404)
    assert refused.json()["detail"]


def test_disconnecting_and_stopping_twice_changes_nothing_more(
    api: Client, mine: TradingSession
) -> None:
    asked = {"session_id": str(mine.pk)}
    assert ask(api, "POST", "/api/stop", asked).json()["running"] is False
    assert ask(api, "POST", "/api/disconnect", asked).json() == {"success": True}
    assert ask(api, "POST", "/api/disconnect", asked).json() == {"success": True}
    mine.refresh_from_db()
    assert (mine.wanted, mine.bot_wanted) == ("disconnected", False)
