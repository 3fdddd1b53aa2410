from datetime import timedelta

import pytest

from accounts.models import UsageRow
from trading import metering, order_flow
from trading.metering import BotTime
from trading.order_flow import Owner
from trading.tests.rows import NOON, a_trading_session, an_order

pytestmark = pytest.mark.django_db


def rows() -> list[tuple[str, int, str]]:
    return list(UsageRow.objects.order_by("pk").values_list("act", "amount", "session"))


def test_every_process_counts_settled_orders() -> None:
    assert order_flow.settled_hooks.count(metering.orders_settled) == 1


def test_a_settled_order_counts_once_for_the_sessions_user() -> None:
    session = a_trading_session()
    order = an_order(session, settled_at=NOON)
    for _ in range(2):
        metering.orders_settled([(session, order)])
    assert rows() == [("trade", 1, str(session.pk))]
    row = UsageRow.objects.get()
    assert (row.user_id, row.at) == (session.user_id, NOON)


def test_a_bot_counts_by_the_minute_whichever_node_runs_it() -> None:
    session = a_trading_session()
    for fence in (1, 2):
        for second in (0, 5, 55):
            at = NOON + timedelta(seconds=second)
            metering.bots_looked([BotTime(Owner(session.pk, fence), 5, at)])
    later = NOON + timedelta(seconds=60)
    metering.bots_looked([BotTime(Owner(session.pk, 2), 5, later)])
    assert rows() == [("bot_time", 60, str(session.pk))] * 2


def test_a_bot_on_long_candles_counts_all_of_their_time() -> None:
    session = a_trading_session()
    for minutes in (0, 5, 10):
        at = NOON + timedelta(minutes=minutes)
        metering.bots_looked([BotTime(Owner(session.pk, 1), 300, at)])
    assert rows() == [("bot_time", 300, str(session.pk))] * 3


def test_a_session_that_is_gone_counts_for_nobody() -> None:
    session = a_trading_session()
    owner = Owner(session.pk, 1)
    session.user.delete()
    metering.bots_looked([BotTime(owner, 60, NOON)])
    assert rows() == []
