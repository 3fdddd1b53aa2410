"""A session's figures for its owner, and what the operator is told without any name."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token
from trading import connections, figures, ownership, uptime
from trading.brokers.base import Account, Position
from trading.cleaning import clean_up
from trading.core.market import AccountType, Direction
from trading.gate import pass_gate
from trading.heard import apply_position
from trading.models import (
    BotLook,
    BotRun,
    NodeReport,
    Order,
    RefusalCount,
    TradingSession,
)
from trading.order_flow import Owner, mark_rejected, mark_sent
from trading.refusals import Conflict, RiskLimit
from trading.session_figures import Spread, figures_of
from trading.tests.rows import NOON, a_settled_order, a_trading_session, an_order
from visionai.lib.errors import DomainError

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ACCOUNT = Account("7", AccountType.PRACTICE, Decimal(10000), "USD", None)


def ask(session: TradingSession, *, stake: str = "10", **more: Any) -> Order:
    given: dict[str, Any] = {
        "key": uuid4(),
        "asset": "EURUSD-OTC",
        "direction": "call",
        "stake": Decimal(stake),
        "minutes": 1,
        "source": "manual",
        "at": NOON,
    }
    return pass_gate(session, **given | more)


def test_time_counts_while_a_connection_stands_and_no_longer() -> None:
    session = a_trading_session(state="connecting")
    owner = Owner(session.pk, 1)
    connections.mark_connected(owner, ACCOUNT, at=NOON)
    connections.mark_connected(owner, ACCOUNT, at=NOON + MINUTE)  # asked for again while it stands
    row = connections.mark_state(owner, "reconnecting", reason="lost", at=NOON + 10 * MINUTE)
    assert uptime.seconds(row, at=NOON + 60 * MINUTE) == 600
    row = connections.mark_connected(owner, ACCOUNT, at=NOON + 11 * MINUTE)
    assert (row.reconnects, uptime.seconds(row, at=NOON + 13 * MINUTE)) == (1, 720)
    row = connections.mark_disconnected(owner, at=NOON + 20 * MINUTE)
    assert (row.connected_at, uptime.seconds(row, at=NOON + 99 * MINUTE)) == (None, 600 + 540)


def test_of_a_node_that_died_its_last_sign_of_life_counts() -> None:
    session = a_trading_session(
        connected_at=NOON, heartbeat_at=NOON + 5 * MINUTE, lease_until=NOON + 5.5 * MINUTE
    )
    assert uptime.seconds(session, at=NOON + 5.4 * MINUTE) == 324  # its lease holds
    assert uptime.seconds(session, at=NOON + 600 * MINUTE) == 300
    [claim] = ownership.claim("other", lease=MINUTE, most=5, at=NOON + 600 * MINUTE)
    session.refresh_from_db()
    assert (session.connected_seconds, session.connected_at) == (300, None)
    owner = Owner(session.pk, claim.fence)
    connections.mark_state(owner, "reconnecting", reason="restarted", at=NOON + 601 * MINUTE)
    row = connections.mark_connected(owner, ACCOUNT, at=NOON + 602 * MINUTE)
    assert (row.reconnects, row.connected_seconds) == (1, 300)


def test_a_node_that_stops_ends_the_count_as_it_leaves() -> None:
    session = a_trading_session(connected_at=NOON, heartbeat_at=NOON + 9 * MINUTE)
    ownership.release_all("a node")
    connections.mark_left([Owner(session.pk, 1)], at=NOON + 10 * MINUTE)
    session.refresh_from_db()
    assert (session.state, session.connected_at) == ("reconnecting", None)
    assert session.connected_seconds == 540  # up to its last sign of life


def test_refusals_are_counted_by_code_for_a_person_and_a_bot() -> None:
    session = a_trading_session()
    for _twice in range(2):
        with pytest.raises(RiskLimit):
            ask(session, stake="101")
    with pytest.raises(Conflict):
        ask(session, source="bot", fence=1)
    with pytest.raises(Conflict):
        ask(session, source="bot", fence=7)  # overtaken: it writes nothing
    with pytest.raises(DomainError):
        ask(session, stake="0")
    found = RefusalCount.objects.order_by("code").values_list("source", "code", "count")
    assert list(found) == [
        ("bot", "bot_stopped", 1),
        ("manual", "not_accepted", 1),
        ("manual", "stake", 2),
    ]
    assert not Order.objects.exists()
    assert figures_of(session, at=NOON).refusals == {
        "bot_stopped": 1,
        "not_accepted": 1,
        "stake": 2,
    }


def test_answers_of_the_broker_are_timed_whenever_their_news_came() -> None:
    session = a_trading_session()
    owner = Owner(session.pk, 1)
    orders = [ask(session, stake=str(stake)) for stake in (1, 2, 3)]
    for order in orders:
        mark_sent(owner, order.pk, clock=NOON, at=NOON)
    position = Position(
        "1", "EURUSD-OTC", Direction.CALL, Decimal(1), NOON, NOON + MINUTE, 1.1, Decimal("0.8")
    )
    apply_position(owner, position, order_pk=orders[0].pk, taken_ms=100, at=NOON)
    news = Position(
        "2", "EURUSD-OTC", Direction.CALL, Decimal(2), NOON, NOON + MINUTE, 1.1, Decimal("0.8")
    )
    apply_position(owner, news, order_pk=orders[1].pk, at=NOON)  # before the answer
    apply_position(owner, news, order_pk=orders[1].pk, taken_ms=300, at=NOON)
    mark_rejected(owner, orders[2].pk, reason="closed", taken_ms=200, at=NOON)
    times = Order.objects.order_by("pk").values_list("round_trip_ms", flat=True)
    assert list(times) == [100, 300, 200]
    assert figures_of(session, at=NOON).round_trip_ms == Spread(3, 200, 300)


def test_shares_are_by_the_nearest_rank() -> None:
    session = a_trading_session()
    for number in range(1, 101):
        an_order(session, round_trip_ms=number)
    assert figures_of(session, at=NOON).round_trip_ms == Spread(100, 50, 95)
    assert figures_of(a_trading_session(), at=NOON).round_trip_ms == Spread(0, None, None)


def test_a_bot_s_lag_is_from_the_close_to_its_look() -> None:
    session = a_trading_session()
    run = BotRun.objects.create(
        session=session, started_at=NOON, plan={"seconds": 60}, limits={}, seq=0
    )
    for number in range(3):
        start = 60 * number
        clock = start + 60 + 0.1 * (number + 1)
        BotLook.objects.create(run=run, start=start, clock=clock, said="hold", candles=[])
    assert figures_of(session, at=NOON).candle_lag_ms == Spread(3, 200.0, 300.0)


def test_the_owner_reads_them_and_nobody_else(django_assert_num_queries: Any) -> None:
    session = a_trading_session(heartbeat_at=NOON, event_seq=9)
    a_settled_order(session, "8.00", NOON)
    a_settled_order(session, "-1.00", NOON)
    an_order(session)
    with django_assert_num_queries(4):
        figures_of(session, at=NOON)
    token = a_token(a_session(session.user, kind=Sesion.Kind.API, at=timezone.now()))
    owner = Client(headers={"authorization": f"Bearer {token}"})
    path = f"/api/v1/trading/sessions/{session.pk}/figures"
    body = owner.get(path).json()
    assert body["orders"] == {"won": 1, "lost": 1, "open": 1}
    assert (body["events"], body["node"], body["heartbeat_at"]) == (
        9,
        "a node",
        "2026-11-23T12:00:00Z",
    )
    stranger = a_token(a_session(a_user(), kind=Sesion.Kind.API, at=timezone.now()))
    refused = Client(headers={"authorization": f"Bearer {stranger}"}).get(path)
    assert refused.status_code == 404
    assert Client().get(path).status_code == 401
    page = Client()
    page.force_login(session.user)
    text = page.get(f"/trading/sesiones/{session.pk}/").content.decode()
    assert "Cómo funciona" in text
    assert "Ganada: 1" in text


def test_the_operator_sees_sums_and_no_name() -> None:
    session = a_trading_session(reconnects=3, bot_running=True)
    a_settled_order(session, "8.00", NOON)
    with pytest.raises(RiskLimit):
        ask(session, stake="101")
    ask(session)
    told = Client().get("/metrics").content.decode()
    assert 'visionai_trading_reconnects{broker="paper"} 3.0' in told
    assert 'visionai_gate_refusals{code="stake",source="manual"} 1.0' in told
    assert 'visionai_bots_running{broker="paper"} 1.0' in told
    settled = 'visionai_orders_settled{account_type="PRACTICE",broker="paper",outcome="won"} 1.0'
    assert settled in told
    assert 'visionai_gate_seconds_bucket{answer="passed",le="+Inf",source="manual"}' in told
    assert 'visionai_gate_seconds_count{answer="refused",source="manual"}' in told
    for private in (session.user.username, str(session.pk), "EURUSD"):
        assert private not in told


def test_what_nodes_on_their_own_counted_is_added() -> None:
    session = a_trading_session()
    ask(session)
    before = figures.gate_counts(at=NOON)["manual", "passed"]
    figures.report("another:1:x", at=NOON)  # as if it were another process
    after = figures.gate_counts(at=NOON + MINUTE)["manual", "passed"]
    assert after[0] == [2 * one for one in before[0]]
    assert after[1] == pytest.approx(2 * before[1])
    NodeReport.objects.create(name="old buckets", at=NOON, gate=[[["manual", "passed"], [1], 1]])
    assert figures.gate_counts(at=NOON)["manual", "passed"] == after
    clean_up(at=NOON + timedelta(days=2))
    assert not NodeReport.objects.exists()


def test_staff_see_them_on_the_admin_board() -> None:
    session = a_trading_session(reconnects=5, connected_seconds=7320)
    RefusalCount.objects.create(session=session, source="bot", code="stake", count=41, last_at=NOON)
    admin = Client()
    admin.force_login(User.objects.create_superuser("ada"))
    text = admin.get("/admin/trading/tradingsession/").content.decode()
    for shown in (">41<", ">5<", "2 h 02 min"):
        assert shown in text
