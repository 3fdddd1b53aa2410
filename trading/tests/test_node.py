"""A real node over the embedded broker: connected, traded, settled, left."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading import commands, services
from trading.models import Event, Order, TradingSession
from trading.node import Node

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
