import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from trading.brokers.base import (
    AccountUnavailable,
    BalanceChanged,
    BrokerEvent,
    CandleUpdate,
    Disconnected,
    OrderRejected,
    OrderRequest,
    OrderUnknown,
    Password,
    PositionChanged,
    Secret,
)
from trading.brokers.clock import ScaledClock
from trading.brokers.paper import PaperBroker, PaperConnector
from trading.brokers.paper_ledger import MemoryLedger
from trading.core.market import AccountType, Direction, Outcome
from trading.core.paper_market import Listing, PaperMarket, PaperOrder, Terms, usual_listings
from trading.core.prices import Recording

MINUTE = 1_790_000_040  # a full minute; Monday, 14:14 UTC, when nothing is taken off the payout
PAYOUT = Decimal("0.87")
NOBODY = Password("", Secret(""))


def rising() -> Recording:
    """1.0001 at the start of an hour and 0.0001 more every second."""
    return Recording(np.round(1 + np.arange(1, 3601) * 1e-4, 4))


def a_market(**terms: object) -> PaperMarket:
    quick = {"latency": (0.0, 0.0), "dead_time": 5} | terms
    listings = {
        "UP": Listing("UP", 1, rising()),
        "FLAT": Listing("FLAT", 2, Recording(np.array([2.0]))),
        "WEEK": Listing("WEEK", 3, rising(), on_weekdays_only=True),
        "OFF": Listing("OFF", 4, rising(), is_suspended=True),
    }
    return PaperMarket(listings, 1, Terms(**quick))  # type: ignore[arg-type]


async def connected(
    clock: ScaledClock, ledger: MemoryLedger | None = None, market: PaperMarket | None = None
) -> PaperBroker:
    maker = PaperConnector(market or a_market(), ledger or MemoryLedger(), clock=clock)
    return await maker.connect(NOBODY, account_type=AccountType.PRACTICE)


@pytest.fixture
def clock() -> ScaledClock:
    return ScaledClock(MINUTE, speed=0)


@pytest.fixture
async def broker(clock: ScaledClock) -> AsyncIterator[PaperBroker]:
    made = await connected(clock)
    yield made
    await made.close(logout=False)


def an_order(**changes: object) -> OrderRequest:
    usual = OrderRequest("a", "UP", Direction.CALL, Decimal("10.00"), 1)
    return replace(usual, **changes)  # type: ignore[arg-type]


async def until(broker: PaperBroker, kind: type[BrokerEvent]) -> list[BrokerEvent]:
    """What the connection tells up to the first event of the kind."""
    told = []
    async with asyncio.timeout(5):
        async for event in broker.events():
            told.append(event)
            if isinstance(event, kind):
                break
    return told


@pytest.mark.parametrize(
    ("asset", "direction", "outcome", "profit"),
    [
        ("UP", Direction.CALL, Outcome.WON, "8.70"),
        ("UP", Direction.PUT, Outcome.LOST, "-10.00"),
        ("FLAT", Direction.CALL, Outcome.TIED, "0.00"),
    ],
)
async def test_an_order_is_settled_by_the_price_at_its_end(
    broker: PaperBroker,
    clock: ScaledClock,
    asset: str,
    direction: Direction,
    outcome: Outcome,
    profit: str,
) -> None:
    taken = await broker.place(an_order(asset=asset, direction=direction))
    assert (taken.payout, taken.outcome, taken.reference) == (PAYOUT, None, "a")
    assert taken.expires_at == datetime.fromtimestamp(MINUTE + 60, UTC)
    assert await broker.balance() == Decimal("9990.00")
    assert await broker.open_positions() == [taken]
    clock.jump(59)
    assert await broker.open_positions() == [taken]
    clock.jump(1)
    assert await broker.open_positions() == []
    (closed,) = await broker.closed_positions(since=taken.opened_at)
    assert (closed.outcome, closed.profit) == (outcome, Decimal(profit))
    assert closed.broker_id == taken.broker_id
    assert await broker.balance() == Decimal("10000.00") + Decimal(profit)


async def test_the_reader_hears_of_opening_settlement_and_balance_in_that_order(
    broker: PaperBroker, clock: ScaledClock
) -> None:
    taken = await broker.place(an_order())
    opened, balance = await until(broker, BalanceChanged)
    assert (opened, balance) == (PositionChanged(taken), BalanceChanged(Decimal("9990.00")))
    clock.jump(60)
    closed, balance = await until(broker, BalanceChanged)
    assert isinstance(closed, PositionChanged)
    assert closed.position.profit == Decimal("8.70")
    assert balance == BalanceChanged(Decimal("10008.70"))


async def test_a_restart_finds_positions_balance_and_outcome_again(clock: ScaledClock) -> None:
    ledger = MemoryLedger()
    before = await connected(clock, ledger)
    taken = await before.place(an_order())
    await before.close(logout=False)
    after = await connected(clock, ledger, a_market())
    assert after.account.balance == Decimal("9990.00")
    assert await after.open_positions() == [taken]
    clock.jump(60)
    told = await until(after, PositionChanged)
    assert isinstance(told[-1], PositionChanged)
    assert told[-1].position.outcome is Outcome.WON
    await after.close(logout=False)


async def test_an_end_while_nobody_was_there_is_found_in_the_history(clock: ScaledClock) -> None:
    ledger = MemoryLedger()
    before = await connected(clock, ledger)
    taken = await before.place(an_order())
    await before.close(logout=False)
    clock.jump(3600)
    after = await connected(clock, ledger)
    assert after.account.balance == Decimal("10008.70")
    (closed,) = await after.closed_positions(since=taken.opened_at)
    assert closed.closed_at == datetime.fromtimestamp(MINUTE + 60, UTC)
    assert await after.closed_positions(since=closed.closed_at + timedelta(seconds=1)) == []
    await after.close(logout=False)


async def test_a_reference_is_placed_once_however_often_it_is_sent(broker: PaperBroker) -> None:
    first = await broker.place(an_order())
    assert await broker.place(an_order()) == first
    assert await broker.balance() == Decimal("9990.00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asset": "NONE"}, "unknown_asset"),
        ({"asset": "OFF"}, "suspended"),
        ({"stake": Decimal("0.99")}, "stake"),
        ({"stake": Decimal("20000.01")}, "stake"),
        ({"stake": Decimal("1.001")}, "stake"),
        ({"stake": Decimal("NaN")}, "stake"),
        ({"stake": Decimal("Infinity")}, "stake"),
        ({"stake": Decimal("-5")}, "stake"),
        ({"stake": Decimal("10000.01")}, "no_money"),
        ({"minutes": 7}, "expiry"),
        ({"minutes": 0}, "expiry"),
    ],
)
async def test_an_order_that_cannot_be_is_rejected_and_costs_nothing(
    broker: PaperBroker, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(OrderRejected) as refused:
        await broker.place(an_order(**changes))
    assert refused.value.reason == reason
    assert await broker.balance() == Decimal("10000.00")
    assert await broker.open_positions() == []


async def test_two_orders_at_once_cannot_spend_the_same_money(clock: ScaledClock) -> None:
    broker = await connected(clock)
    both = [an_order(reference=one, stake=Decimal(6000)) for one in "ab"]
    answers = await asyncio.gather(*map(broker.place, both), return_exceptions=True)
    assert [type(one) for one in answers].count(OrderRejected) == 1
    assert await broker.balance() == Decimal("4000.00")
    await broker.close(logout=False)


async def test_a_week_day_asset_sells_nothing_that_ends_on_saturday(clock: ScaledClock) -> None:
    friday_2358 = 1_790_380_680
    friday = ScaledClock(friday_2358, speed=0)
    broker = await connected(friday)
    with pytest.raises(OrderRejected) as refused:
        await broker.place(an_order(asset="WEEK", minutes=5))
    assert refused.value.reason == "closed"
    await broker.place(an_order(asset="WEEK", minutes=1))
    shown = {one.name: one for one in await broker.assets()}
    assert shown["WEEK"].closes_at == datetime(2026, 9, 26, tzinfo=UTC)
    friday.jump(600)
    shown = {one.name: one for one in await broker.assets()}
    assert [shown["WEEK"].is_open, shown["OFF"].is_open, shown["UP"].is_open] == [
        False,
        False,
        True,
    ]
    await broker.close(logout=False)


async def test_orders_are_rejected_by_chance_but_the_same_ones_each_time(
    clock: ScaledClock,
) -> None:
    async def rejected() -> set[int]:
        broker = await connected(clock, market=a_market(reject_rate=0.3))
        found = set()
        for number in range(200):
            order = an_order(reference=str(number), stake=Decimal(1))
            (answer,) = await asyncio.gather(broker.place(order), return_exceptions=True)
            if isinstance(answer, OrderRejected) and answer.reason == "risk":
                found.add(number)
        await broker.close(logout=False)
        return found

    first = await rejected()
    assert first == await rejected()
    assert 40 <= len(first) <= 80  # 60 ± 3 sigma


async def test_an_answer_takes_its_latency() -> None:
    clock = ScaledClock(MINUTE, speed=10)
    broker = await connected(clock, market=a_market(latency=(2.0, 2.0)))
    began = clock.time()
    taken = await broker.place(an_order())
    assert clock.time() - began >= 2.0
    assert taken.opened_at.timestamp() - began >= 1.0
    await broker.close(logout=False)


async def test_a_ledger_that_fails_leaves_the_order_unknown(clock: ScaledClock) -> None:
    class Broken(MemoryLedger):
        async def add(self, order: PaperOrder) -> PaperOrder:
            await super().add(order)
            raise OSError("the answer was lost")

    broker = await connected(clock, Broken())
    with pytest.raises(OrderUnknown):
        await broker.place(an_order())
    assert len(await broker.open_positions()) == 1  # and is found all the same
    await broker.close(logout=False)


async def test_a_refill_raises_the_balance_to_where_it_began_and_never_lowers_it(
    broker: PaperBroker, clock: ScaledClock
) -> None:
    await broker.place(an_order(direction=Direction.PUT, stake=Decimal(4000)))
    clock.jump(60)
    assert await broker.refill() == Decimal("10000.00")
    await broker.place(an_order(reference="b", stake=Decimal(1000)))
    clock.jump(60)
    assert await broker.refill() == Decimal("10870.00")


async def test_candles_are_closed_and_end_before_the_clock(broker: PaperBroker) -> None:
    found = await broker.candles("UP", seconds=60, count=3)
    assert [int(one.start.timestamp()) for one in found] == [
        MINUTE - 180,
        MINUTE - 120,
        MINUTE - 60,
    ]
    assert all(one.is_closed for one in found)
    # Within each hour the price of second s is 1 + (s + 1) / 10000; 14:11 is second 660.
    assert (found[0].open, found[0].close) == (1.0661, 1.0720)
    early = await broker.candles(
        "UP", seconds=60, count=2, until=datetime.fromtimestamp(MINUTE - 61, UTC)
    )
    assert int(early[-1].start.timestamp()) == MINUTE - 180


async def test_watched_candles_come_live_and_none_that_closed_is_left_out(
    broker: PaperBroker, clock: ScaledClock
) -> None:
    await broker.watch("UP", seconds=5)
    clock.jump(12)
    told = []
    async with asyncio.timeout(5):
        async for event in broker.events():
            assert isinstance(event, CandleUpdate)
            told.append(event.candle)
            if not event.candle.is_closed:
                break
    assert [(int(one.start.timestamp()) - MINUTE, one.is_closed) for one in told] == [
        (0, True),
        (5, True),
        (10, False),
    ]


async def test_a_closed_connection_says_so_and_takes_no_order(clock: ScaledClock) -> None:
    broker = await connected(clock)
    await broker.close(logout=True)
    assert await until(broker, Disconnected) == [Disconnected("closed")]
    with pytest.raises(OrderRejected) as refused:
        await broker.place(an_order())
    assert refused.value.reason == "not_connected"


async def test_paper_is_never_real_money(clock: ScaledClock) -> None:
    maker = PaperConnector(a_market(), MemoryLedger(), clock=clock)
    with pytest.raises(AccountUnavailable):
        await maker.connect(NOBODY, account_type=AccountType.REAL)


def test_the_usual_assets_pay_less_in_the_quiet_hours() -> None:
    market = PaperMarket(usual_listings(1), 1)
    at_two, at_fourteen = (market.assets(MINUTE + hours * 3600)[0].payout for hours in (12, 0))
    assert (at_two, at_fourteen) == (Decimal("0.78"), Decimal("0.87"))


async def test_an_order_past_its_deadline_is_not_placed(broker: PaperBroker) -> None:
    with pytest.raises(OrderRejected) as refused:
        await broker.place(an_order(not_after=time.monotonic() - 0.001))
    assert refused.value.reason == "late"
    assert await broker.open_positions() == []
