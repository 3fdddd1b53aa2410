"""A real node over the embedded broker: connected, traded, settled, left."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from sessions_app.models import Change
from sessions_app.tests.factories import a_user
from trading import commands, services
from trading.connections import mark_left
from trading.feeds import Feed, Feeds, Subscriber
from trading.models import Event, Order, TradingSession
from trading.node import Node
from trading.node_thread import STOP_WITHIN as STOPS_WITHIN
from trading.order_flow import Owner
from trading.ownership import ANY, release_all
from trading.tests.rows import a_trading_session

pytestmark = pytest.mark.django_db(transaction=True)


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def a_node(**options: float) -> AsyncIterator[Node]:
    node = Node(lease=options.get("lease", 30.0), threads=2)
    running = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        node.stop()
        await running


async def until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    limit = asyncio.get_running_loop().time() + seconds
    while not await sync_to_async(holds)():
        assert asyncio.get_running_loop().time() < limit, "it never came true"
        await asyncio.sleep(0.05)


def connect(user: User, **login: object) -> tuple[TradingSession, object]:
    given = {"broker": "paper", "account_type": "PRACTICE", "sesion": None, "at": now()}
    return services.begin_connect(user, **given | login)  # type: ignore[arg-type]


async def test_a_paper_session_is_connected_traded_and_left() -> None:
    ana = await sync_to_async(a_user)()
    async with a_node() as node:
        session, command = await sync_to_async(connect)(ana)
        node.told(str(session.pk))
        result = await commands.answer(command, seconds=10)  # type: ignore[arg-type]
        assert result == {"balance": "10000.00", "currency": "USD"}
        order = await sync_to_async(services.trade)(
            session,
            key=uuid.uuid4(),
            asset="EURUSD-OTC",
            direction="call",
            stake=Decimal("12.50"),
            minutes=1,
            at=now(),
        )
        node.told(str(session.pk))
        order = await commands.placed(order, seconds=10)
        assert (order.state, order.reason) == (Order.State.OPEN, "")
        assert order.broker_id
        assert order.payout is not None
        await sync_to_async(services.disconnect)(session, at=now())
        node.told(str(session.pk))

        def is_closing() -> bool:
            return TradingSession.objects.get(pk=session.pk).state == "closing"

        await until(is_closing)
    kinds = await sync_to_async(lambda: list(Event.objects.values_list("seq", "kind")))()
    assert [seq for seq, _kind in kinds] == list(range(1, len(kinds) + 1))


async def test_a_node_that_stops_leaves_all_sessions_to_another_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[str] = []
    begin = Feeds._begin

    async def counted(feeds: Feeds, feed: Feed, who: Subscriber) -> None:
        begun.append(feed.subject)
        await begin(feeds, feed, who)

    monkeypatch.setattr(Feeds, "_begin", counted)
    users = [await sync_to_async(a_user)() for _ in range(8)]
    async with a_node() as node:
        for user in users:
            session, command = await sync_to_async(connect)(user)
            node.told(str(session.pk))
            await commands.answer(command, seconds=20)  # type: ignore[arg-type]
            start = partial(services.start_bot, session, strategy="hold", asset="EURUSD-OTC")
            await sync_to_async(start)(candle_seconds=60, at=now())
            node.told(str(session.pk))
        await until(lambda: TradingSession.objects.filter(bot_running=True).count() == 8)
        before, began = len(begun), time.monotonic()
    assert time.monotonic() - began < STOPS_WITHIN
    assert len(begun) == before  # nobody takes a feed over from one who leaves
    rows = await sync_to_async(lambda: list(TradingSession.objects.all()))()
    assert {(row.node, row.lease_until) for row in rows} == {("", None)}
    assert {(row.state, row.reason) for row in rows} == {("reconnecting", "restarting")}
    async with a_node() as other:
        await until(lambda: TradingSession.objects.filter(state="connected").count() == 8)
        assert len(other.keepers) == 8
        fences = await sync_to_async(
            lambda: set(TradingSession.objects.values_list("fence", flat=True))
        )()
        assert fences == {2}


async def test_other_nodes_hear_of_sessions_that_are_free_and_theirs_stay_theirs() -> None:
    free, taken = [await sync_to_async(a_trading_session)(node="one", fence=3) for _ in "ab"]
    await sync_to_async(release_all)("one")
    news = await sync_to_async(lambda: list(Change.objects.filter(kind="trading_work")))()
    assert [row.subject for row in news] == [ANY]
    taken.node, taken.fence = "two", 4
    await taken.asave()
    await sync_to_async(mark_left)([Owner(free.pk, 3), Owner(taken.pk, 3)], at=now())
    for row, state in [(free, "reconnecting"), (taken, "connected")]:
        await row.arefresh_from_db()
        assert row.state == state
    node = Node(lease=30.0)
    node._wake(ANY)
    assert node._news.is_set()
