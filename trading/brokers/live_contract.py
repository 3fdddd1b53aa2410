"""What an operator may check at a live PRACTICE account: reading, and one order when asked to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from trading.brokers.base import (
    Broker,
    CandleUpdate,
    Disconnected,
    OrderRequest,
    PositionChanged,
)
from trading.core.market import AccountType, Asset, Direction


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    is_good: bool
    details: str = ""


async def check(
    broker: Broker, *, asset: str = "", seconds: float = 20.0, place: bool = False
) -> AsyncIterator[Finding]:
    """Places nothing unless `place`, and never anything but the least on PRACTICE."""
    account = broker.account
    practice = account.account_type is AccountType.PRACTICE
    yield Finding("the account is PRACTICE", practice)
    if not practice:
        return
    balance = await broker.balance()
    yield Finding("balance", balance >= 0, f"{balance} {account.currency}")
    assets = await broker.assets()
    opened = [one for one in assets if one.is_open]
    yield Finding("assets", bool(opened), f"{len(assets)}, of them open {len(opened)}")
    sound = all(0 <= one.payout < 1 and one.least_stake <= one.most_stake for one in assets)
    yield Finding("payouts and stakes make sense", sound)
    chosen = next((one for one in opened if asset in {"", one.name}), None)
    if chosen is None:
        yield Finding("an open asset to look at", is_good=False, details=asset)
        return
    async for finding in _candles(broker, chosen, seconds):
        yield finding
    running = await broker.open_positions()
    yield Finding("open positions", is_good=True, details=str(len(running)))
    past = await broker.closed_positions(since=broker.now() - timedelta(days=7))
    settled = all(one.profit is not None for one in past)
    yield Finding("closed positions of a week", settled, str(len(past)))
    if place:
        yield await _one_order(broker, chosen)


async def _candles(broker: Broker, asset: Asset, seconds: float) -> AsyncIterator[Finding]:
    candles = await broker.candles(asset.name, seconds=60, count=100)
    ascending = all(a.start < b.start for a, b in pairwise(candles))
    yield Finding(f"history of {asset.name}", ascending and bool(candles), f"{len(candles)}")
    await broker.watch(asset.name, seconds=5)
    heard, reason = 0, ""
    try:
        async with asyncio.timeout(seconds):
            async for event in broker.events():
                heard += isinstance(event, CandleUpdate)
                if isinstance(event, Disconnected):
                    reason = event.reason
    except TimeoutError:
        pass
    yield Finding("live candles", heard > 0 and not reason, f"{heard} in {seconds:g} s {reason}")


async def _one_order(broker: Broker, asset: Asset) -> Finding:
    minutes = min(asset.expirations)
    order = OrderRequest(
        "contract", asset.name, Direction.CALL, Decimal(asset.least_stake), minutes
    )
    taken = await broker.place(order)
    patience = (taken.expires_at - broker.now()).total_seconds() + 60
    try:
        async with asyncio.timeout(patience):
            async for event in broker.events():
                if isinstance(event, PositionChanged):
                    position = event.position
                    if position.broker_id == taken.broker_id and position.outcome:
                        said = f"{position.outcome} {position.profit}"
                        return Finding("one order of the least stake", is_good=True, details=said)
    except TimeoutError:
        pass
    return Finding("one order of the least stake", is_good=False, details="no end was told")
