"""What waits for a slow reader."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading.brokers.base import BalanceChanged, BrokerEvent, CandleUpdate, Disconnected
from trading.brokers.events import MOST, EventQueue
from trading.core.market import Candle

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)


def a_candle(close: float, *, minute: int = 0, is_closed: bool = False) -> CandleUpdate:
    start = NOON + timedelta(minutes=minute)
    return CandleUpdate(Candle("A", start, 60, 1.0, 9.0, 0.5, close, is_closed=is_closed))


async def all_of(queue: EventQueue) -> list[BrokerEvent]:
    return [event async for event in queue.read()]


async def test_of_forming_candles_and_balances_the_newest_waits_and_closed_ones_all_do() -> None:
    queue = EventQueue()
    closed = [a_candle(2.0, minute=one, is_closed=True) for one in range(3)]
    told: list[BrokerEvent] = [a_candle(1.0), closed[0], BalanceChanged(Decimal(1)), a_candle(3.0)]
    told += [closed[1], BalanceChanged(Decimal(2)), a_candle(4.0), closed[2], Disconnected("lost")]
    for event in told:
        queue.put(event)
    assert await all_of(queue) == [
        a_candle(4.0),
        closed[0],
        BalanceChanged(Decimal(2)),
        closed[1],
        closed[2],
        Disconnected("lost"),
    ]


async def test_nothing_comes_after_the_end() -> None:
    queue = EventQueue()
    queue.put(Disconnected("lost"))
    queue.put(BalanceChanged(Decimal(1)))
    queue.put(Disconnected("closed"))
    assert await all_of(queue) == [Disconnected("lost")]


async def test_a_reader_that_never_reads_is_told_that_the_connection_was_lost() -> None:
    queue = EventQueue()
    for number in range(MOST + 5):
        queue.put(a_candle(1.0, minute=number, is_closed=True))
    told = await all_of(queue)
    assert len(told) == MOST + 1
    assert told[-1] == Disconnected("lost")
