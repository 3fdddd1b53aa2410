"""A bot at the emulator, whose minutes pass in three seconds: through the gate, once a candle."""

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as the_settings

from trading import services, switches
from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.running import Running, running_emulator
from trading.brokers.emulator.server import START
from trading.models import ClosedCandle, Event, LimitSet, Order, TradingSession
from trading.tests.running import a_node, connected, do, fresh, now, until

pytestmark = pytest.mark.django_db(transaction=True)
EAGER = {"strategy": "momentum", "parameters": {"period": 1, "threshold": 0.0}}


@pytest.fixture
def emulator(settings: Any) -> Iterator[Running]:
    with running_emulator(clock=ScaledClock(START, 20.0)) as running:
        settings.BROKERS = the_settings.BROKERS | {"exnova": running.hosts}
        settings.BROKER_LOGIN_PACE = 0.0
        settings.BROKER_EGRESS = uuid.uuid4().hex
        yield running


async def start(session: TradingSession, **changed: Any) -> None:
    given: dict[str, Any] = {"asset": "EURUSD-OTC", "stake": Decimal(2), "minutes": 1}
    await do(services.start_bot, session, **given | EAGER | changed, at=now())


def orders(session: TradingSession) -> int:
    return Order.objects.filter(session=session, source="bot").count()


async def test_a_bot_trades_once_a_candle_until_it_is_stopped(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        await start(session)
        node.told(str(session.pk))
        await until(lambda: orders(session) >= 2, seconds=30)
        await do(services.stop_bot, session, at=now())
        node.told(str(session.pk))
        stopped_with = await do(orders, session)
        await until(lambda: not TradingSession.objects.get(pk=session.pk).bot_running)
        await until(lambda: not Order.objects.at_risk().exists(), seconds=30)
        assert await do(orders, session) == stopped_with
    told = Event.objects.filter(session=session, kind="log", data__code="bot_order")
    commands = [event.data["facts"]["command"] async for event in told]
    keys = [str(key) async for key in Order.objects.order_by("pk").values_list("key", flat=True)]
    assert [command["key"] for command in commands] == keys
    closes = [command["closed_at"] for command in commands]
    assert len(set(closes)) == len(closes)
    assert all(close % 60 == 0 for close in closes)
    stored = await ClosedCandle.objects.filter(broker="exnova", seconds=60).acount()
    assert stored >= 300  # the past that it began with, once


async def test_two_sessions_on_one_asset_watch_it_once(emulator: Running) -> None:
    async with a_node() as node:
        first = await connected(node)
        second = await connected(node, email="load2@test")
        for session in (first, second):
            await start(session, strategy="hold", parameters={})
            node.told(str(session.pk))
        running = TradingSession.objects.filter(bot_running=True)
        await until(lambda: running.count() == 2)
        feeds = node.feeds.of(node.keepers[first.pk])
        assert [len(feed.subscribers) for feed in feeds] == [2]
        assert feeds[0].source is not None
        source = first if feeds[0].source is node.keepers[first.pk] else second
        other = second if source is first else first
        await do(services.disconnect, source, at=now())
        node.told(str(source.pk))
        await until(lambda: feeds[0].source is node.keepers.get(other.pk))
        assert [len(feed.subscribers) for feed in feeds] == [1]


async def test_a_bot_at_its_limit_stops_and_says_so(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        await do(LimitSet.objects.filter(session=session).update, daily_loss=1)
        await start(session)
        node.told(str(session.pk))
        await until(lambda: not TradingSession.objects.get(pk=session.pk).bot_wanted, seconds=30)
        assert await do(orders, session) == 0
    last = await Event.objects.filter(session=session, kind="bot").alast()
    assert last is not None
    assert (last.data["wanted"], last.data["reason"]) == (False, "daily_loss")


async def test_a_halted_bot_places_nothing(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        await do(switches.set_switch, switches.EVERYTHING, on=True, by=None, at=now())
        await start(session)
        node.told(str(session.pk))
        held_back = Event.objects.filter(session=session, data__code="bot_held_back")
        await until(held_back.exists, seconds=30)
        assert await do(orders, session) == 0
        assert (await fresh(session)).bot_wanted


async def test_an_unknown_asset_stops_the_bot(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        await start(session, asset="NOSUCH")
        node.told(str(session.pk))
        await until(lambda: not TradingSession.objects.get(pk=session.pk).bot_wanted, seconds=20)
