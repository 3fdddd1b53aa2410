"""A real node on paper, its minutes quicker: what its bot did is gone through again."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from trading import replays, services
from trading.brokers.clock import ScaledClock
from trading.core.replay import replay
from trading.core.strategies import strategy
from trading.models import BotLook, BotRun, LimitSet, Order, Replay, TradingSession
from trading.recordings import recording_of_run
from trading.tests.running import a_node, connected, do, now, until
from visionai.lib.jobs import JobState

pytestmark = pytest.mark.django_db(transaction=True)
SPEED = 20.0  # a minute takes three seconds
FRIDAY = datetime(2026, 11, 20, 23, 53, 30, tzinfo=UTC).timestamp()  # EURUSD closes at midnight
ASSET = "EURUSD"


def looks(session: TradingSession, **which: Any) -> int:
    return BotLook.objects.filter(run__session=session, **which).count()


async def look_too_late(clock: ScaledClock, session: TradingSession) -> None:
    """Hold the node's loop up from before a close until long after it."""
    while not 45 <= clock.time() % 60 < 57:
        await do(looks, session)
    time.sleep((60 - clock.time() % 60 + 36) / SPEED)  # noqa: ASYNC251 (that is the point)


async def test_a_live_session_with_refusals_is_reproduced_byte_for_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ScaledClock(FRIDAY, SPEED)
    monkeypatch.setattr("trading.brokers.registry.WallClock", lambda: clock)
    async with a_node() as node:
        session = await connected(node, broker="paper", email="", password="")
        await do(LimitSet.objects.filter(session=session).update, open_positions=1)
        plan = {"strategy": "momentum", "parameters": {"period": 1, "threshold": 0.0}}
        await do(
            services.start_bot, session, **plan, asset=ASSET, stake=Decimal(2), minutes=2, at=now()
        )
        node.told(str(session.pk))
        await until(lambda: looks(session, said="order") >= 1, seconds=30)
        await until(lambda: looks(session, why="open_positions") >= 1, seconds=30)
        await look_too_late(clock, session)
        await until(lambda: looks(session, said="late") >= 1, seconds=30)
    async with a_node() as node:  # another one goes on with it, over midnight
        closed = Order.objects.filter(session=session, state="rejected", reason="closed")
        await until(closed.exists, seconds=40)
        await do(services.stop_bot, session, at=now())
        node.told(str(session.pk))
        await until(lambda: not TradingSession.objects.get(pk=session.pk).bot_running)
    await sync_to_async(check)(session)


def check(session: TradingSession) -> None:
    run = BotRun.objects.get(session=session)  # one, though two nodes ran it
    again = replay(recording_of_run(run), strategy)
    assert again.difference() is None
    assert again.looks == run.looks.count() >= 5
    orders = Order.objects.filter(session=session, source="bot").order_by("pk")
    commands = [line for line in again.found.splitlines() if b'"kind":"command"' in line]
    assert len(commands) == orders.count() >= 2
    for order, line in zip(orders, commands, strict=True):
        assert str(order.key).encode() in line
    job = replays.start_replay(run, at=now())
    replays.run(str(job.uid))
    job = Replay.objects.get()
    assert (job.state, job.result["same"], job.result["difference"]) == (
        JobState.DONE,
        True,
        None,
    )
    assert job.result["refused"] == looks(session, said="refused") >= 1
