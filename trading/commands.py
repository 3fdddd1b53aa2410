"""What a request asks of a session's broker: a row that its node takes and answers.

No request ever holds a broker's connection, so a web process that ends takes none along.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import transaction

from sessions_app.changes import announce
from trading.events import TRADING_WORK
from trading.models import Command, Order, TradingSession
from trading.refusals import BrokerUnreachable, NotFound, TooManyRequests, refused

LOOK = 0.05  # seconds between looks at the row
LONGER_LOOK = 0.2
MOST_A_MINUTE = 60  # of one session
KEPT = timedelta(days=1)
Result = Mapping[str, object]
Found = TypeVar("Found")


@transaction.atomic
def ask(
    session: TradingSession,
    kind: str,
    data: Mapping[str, object] | None = None,
    *,
    secret: bytes | None = None,
    at: datetime,
) -> Command:
    """Have the session's node do something. Raises `TooManyRequests`."""
    recent = Command.objects.filter(session=session, created_at__gt=at - timedelta(minutes=1))
    if recent.count() >= MOST_A_MINUTE:
        raise TooManyRequests(retry_after=60)
    command = Command.objects.create(
        session=session, kind=kind, data=dict(data or {}), secret=secret, created_at=at
    )
    announce(TRADING_WORK, str(session.pk))
    return command


def result_of(command: Command) -> Result | None:
    """What came of it; None while it is not done. Raises the refusal that it ended with."""
    row = Command.objects.filter(pk=command.pk).first()
    if row is None:
        raise NotFound
    if row.state == Command.State.DONE:
        return dict(row.result)
    if row.state == Command.State.FAILED:
        raise refused(row.result)
    return None


async def answer(command: Command, *, seconds: float = 40.0) -> Result:
    """Wait for it without holding a thread. Raises its refusal, or `BrokerUnreachable`."""
    return await _wait(lambda: result_of(command), seconds=seconds)


def answer_now(command: Command, *, seconds: float = 40.0) -> Result:
    """The same for code that has a thread of its own."""
    until = time.monotonic() + seconds
    while (result := result_of(command)) is None:
        if time.monotonic() > until:
            raise BrokerUnreachable
        time.sleep(LOOK)
    return result


async def placed(order: Order, *, seconds: float = 15.0) -> Order:
    """The order once the broker has answered; as it is by then where it has not."""

    def look() -> Order | None:
        row = Order.objects.get(pk=order.pk)
        return None if row.state in (Order.State.PENDING, Order.State.SENT) else row

    try:
        return await _wait(look, seconds=seconds)
    except BrokerUnreachable:
        return await Order.objects.aget(pk=order.pk)


async def _wait(look: Callable[[], Found | None], *, seconds: float) -> Found:
    began = time.monotonic()
    while (found := await sync_to_async(look)()) is None:
        passed = time.monotonic() - began
        if passed > seconds:
            raise BrokerUnreachable
        await asyncio.sleep(LOOK if passed < 2 else LONGER_LOOK)
    return found
