"""The same account, in rows, as seen by one process after another."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from trading.brokers.base import OrderRejected, PositionChanged
from trading.brokers.clock import ScaledClock
from trading.brokers.paper import PaperBroker, PaperConnector
from trading.brokers.paper_rows import RowLedger, forget_account
from trading.core.market import AccountType, Direction, Outcome
from trading.paper_models import PaperAccount, PaperTrade
from trading.tests.test_paper import MINUTE, NOBODY, a_market, an_order, until

pytestmark = pytest.mark.django_db(transaction=True)
START = Decimal("10000.00")


async def connected(clock: ScaledClock, key: str = "ana") -> PaperBroker:
    ledger = RowLedger(key, start_balance=START)
    maker = PaperConnector(a_market(), ledger, clock=clock, account=key)
    return await maker.connect(NOBODY, account_type=AccountType.PRACTICE)


async def test_a_later_process_finds_what_an_earlier_one_left() -> None:
    clock = ScaledClock(MINUTE, speed=0)
    before = await connected(clock)
    assert before.account.balance_id == "ana"
    taken = await before.place(an_order())
    await before.close(logout=False)
    after = await connected(clock)
    assert after.account.balance == Decimal("9990.00")
    (found,) = await after.open_positions()
    assert replace(found, payout=taken.payout) == taken
    assert found.payout == taken.payout
    clock.jump(60)
    told = await until(after, PositionChanged)
    assert isinstance(told[-1], PositionChanged)
    assert told[-1].position.outcome is Outcome.WON
    assert await after.balance() == Decimal("10008.70")
    (closed,) = await after.closed_positions(since=taken.opened_at)
    assert closed.profit == Decimal("8.70")
    await after.close(logout=False)
    await sync_to_async(connections.close_all)()


async def test_nobody_sees_or_spends_what_is_on_another_account() -> None:
    clock = ScaledClock(MINUTE, speed=0)
    ana, bea = await connected(clock), await connected(clock, "bea")
    await ana.place(an_order(stake=Decimal(6000)))
    await bea.place(an_order(stake=Decimal(7000)))
    assert [await one.balance() for one in (ana, bea)] == [Decimal(4000), Decimal(3000)]
    assert [one.stake for one in await bea.open_positions()] == [Decimal(7000)]
    for one in (ana, bea):
        await one.close(logout=False)
    await sync_to_async(connections.close_all)()


async def test_money_is_spent_once_and_a_reference_placed_once() -> None:
    clock = ScaledClock(MINUTE, speed=0)
    broker = await connected(clock)
    orders = [an_order(reference=one, stake=Decimal(6000)) for one in "aab"]
    answers = await asyncio.gather(*map(broker.place, orders), return_exceptions=True)
    assert [type(one) for one in answers].count(OrderRejected) >= 1
    assert await sync_to_async(PaperTrade.objects.count)() == 1
    assert await broker.balance() == Decimal("4000.00")
    await broker.close(logout=False)
    await sync_to_async(connections.close_all)()


async def test_a_refill_lasts_and_an_account_is_forgotten_whole() -> None:
    clock = ScaledClock(MINUTE, speed=0)
    broker = await connected(clock)
    await broker.place(an_order(direction=Direction.PUT, stake=Decimal("9999.99")))
    clock.jump(60)
    assert await broker.balance() == Decimal("0.01")
    assert await broker.refill() == START
    assert await (await connected(clock)).balance() == START
    await broker.close(logout=False)
    await sync_to_async(forget_account)("ana")
    assert not await sync_to_async(PaperAccount.objects.exists)()
    await sync_to_async(connections.close_all)()
