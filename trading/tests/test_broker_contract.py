"""What every broker does, on each broker that runs here."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trading.brokers.base import (
    BalanceChanged,
    Broker,
    CandleUpdate,
    Disconnected,
    OrderRejected,
    PositionChanged,
)
from trading.brokers.emulator.server import START
from trading.core.market import AccountType, Direction, Outcome
from trading.tests.stands import Listener, Stand, a_stand, an_order

FULL_MINUTE = datetime.fromtimestamp(1_790_000_040, UTC)

pytestmark = pytest.mark.server  # its sockets need no other database


@pytest.fixture(params=["paper", "emulator"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    async with a_stand(request.param) as made:
        yield made


@pytest.fixture
async def broker(stand: Stand) -> AsyncIterator[Broker]:
    made = await stand.connect()
    yield made
    await made.close(logout=False)


async def test_an_account_says_what_it_is(broker: Broker) -> None:
    account = broker.account
    assert (account.account_type, account.currency) == (AccountType.PRACTICE, "USD")
    assert account.balance == await broker.balance() == Decimal("10000.00")
    assert account.balance_id
    assert "emulator" not in repr(account)


async def test_the_clock_is_the_brokers(broker: Broker) -> None:
    assert START <= broker.now().timestamp() < START + 60


async def test_assets_have_payouts_limits_and_lengths(broker: Broker) -> None:
    shown = {one.name: one for one in await broker.assets()}
    asset = shown["EURUSD-OTC"]
    assert asset.is_open
    assert Decimal("0.5") < asset.payout < 1
    assert asset.least_stake == 1
    assert {1, 5, 15} <= set(asset.expirations)
    assert any(not one.is_open for one in shown.values())


async def test_candles_are_closed_and_follow_on_each_other(broker: Broker) -> None:
    found = await broker.candles("EURUSD-OTC", seconds=60, count=50)
    starts = [int(one.start.timestamp()) for one in found]
    assert starts == list(range(starts[0], starts[0] + 50 * 60, 60))
    assert starts[-1] + 60 <= START + 5
    assert all(one.low <= min(one.open, one.close) <= one.high and one.is_closed for one in found)
    again = await broker.candles("EURUSD-OTC", seconds=60, count=10, until=found[20].start)
    assert again == found[10:20]


async def test_watched_candles_come_live(stand: Stand, broker: Broker) -> None:
    listener = Listener(broker)
    await broker.watch("EURUSD-OTC", seconds=5)
    for _ in range(12):
        stand.jump(1)
        await asyncio.sleep(0.02)
    await listener.until(
        lambda: any(one.candle.is_closed for one in listener.of(CandleUpdate)), seconds=5
    )
    closed = next(one.candle for one in listener.of(CandleUpdate) if one.candle.is_closed)
    (same,) = [
        one
        for one in await broker.candles("EURUSD-OTC", seconds=5, count=10)
        if one.start == closed.start
    ]
    assert (same.open, same.high, same.low) == (closed.open, closed.high, closed.low)


async def test_an_order_is_opened_and_settled_and_everybody_agrees_on_the_money(
    stand: Stand, broker: Broker
) -> None:
    listener = Listener(broker)
    taken = await broker.place(an_order())
    assert taken.expires_at == FULL_MINUTE
    assert (taken.stake, taken.direction, taken.outcome) == (Decimal(10), Direction.CALL, None)
    assert [one.broker_id for one in await broker.open_positions()] == [taken.broker_id]
    assert await broker.balance() == Decimal("9990.00")
    stand.jump(41)
    await listener.until(lambda: any(one.position.outcome for one in listener.of(PositionChanged)))
    closed = listener.of(PositionChanged)[-1].position
    expected = {
        Outcome.WON: (10 * taken.payout).quantize(Decimal("0.01")),
        Outcome.LOST: Decimal(-10),
        Outcome.TIED: Decimal(0),
    }[closed.outcome]
    assert (closed.broker_id, closed.profit) == (taken.broker_id, expected)
    rose = closed.close_price > taken.open_price
    assert closed.outcome is (Outcome.WON if rose else Outcome.LOST)
    assert await broker.balance() == Decimal("10000.00") + expected
    assert await broker.open_positions() == []
    (history,) = await broker.closed_positions(since=taken.opened_at)
    assert (history.broker_id, history.profit) == (taken.broker_id, expected)
    await listener.until(
        lambda: listener.of(BalanceChanged)[-1].balance == Decimal("10000.00") + expected
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asset": "NONE"}, "unknown_asset"),
        ({"stake": Decimal("0.5")}, "stake"),
        ({"stake": Decimal(30_000)}, "stake"),
        ({"stake": Decimal("1.001")}, "stake"),
        ({"stake": Decimal("NaN")}, "stake"),
        ({"stake": Decimal(15_000)}, "no_money"),
        ({"minutes": 7}, "expiry"),
        ({"not_after": 0.0}, "late"),
    ],
)
async def test_an_order_that_cannot_be_is_rejected_and_costs_nothing(
    broker: Broker, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(OrderRejected) as refused:
        await broker.place(an_order(**changes))
    assert refused.value.reason == reason
    assert await broker.open_positions() == []
    assert await broker.balance() == Decimal("10000.00")


async def test_an_expiry_within_the_dead_time_is_passed_over(stand: Stand, broker: Broker) -> None:
    stand.jump(15)  # 25 s before the full minute, 30 s of dead time
    await asyncio.sleep(0.05)
    taken = await broker.place(an_order())
    assert taken.expires_at.timestamp() == 1_790_000_100


async def test_a_refill_brings_back_what_a_practice_account_began_with(
    stand: Stand, broker: Broker
) -> None:
    listener = Listener(broker)
    await broker.place(an_order(stake=Decimal(4000)))
    await broker.place(an_order(reference="b", stake=Decimal(4000), direction=Direction.PUT))
    stand.jump(41)
    await listener.until(
        lambda: len([one for one in listener.of(PositionChanged) if one.position.outcome]) == 2
    )
    assert await broker.balance() < Decimal("10000.00")  # one of them lost, payouts are below 1
    assert await broker.refill() == Decimal("10000.00")


async def test_a_later_connection_finds_what_is_open_and_what_ended_meanwhile(
    stand: Stand,
) -> None:
    first = await stand.connect()
    short = await first.place(an_order())
    long = await first.place(an_order(reference="b", minutes=5))
    await first.close(logout=False)
    stand.jump(41)
    second = await stand.connect()
    assert [one.broker_id for one in await second.open_positions()] == [long.broker_id]
    (ended,) = await second.closed_positions(since=short.opened_at)
    assert ended.broker_id == short.broker_id
    listener = Listener(second)
    await asyncio.sleep(0.05)
    stand.jump(300)
    await listener.until(lambda: bool(listener.of(PositionChanged)))
    assert listener.of(PositionChanged)[-1].position.broker_id == long.broker_id
    await second.close(logout=False)


async def test_the_last_word_of_a_closed_connection_is_that_it_closed(stand: Stand) -> None:
    broker = await stand.connect()
    listener = Listener(broker)
    await broker.close(logout=True)
    await listener.until(lambda: bool(listener.of(Disconnected)))
    assert listener.told[-1] == Disconnected("closed")
    with pytest.raises(OrderRejected) as refused:
        await broker.place(an_order())
    assert refused.value.reason == "not_connected"
