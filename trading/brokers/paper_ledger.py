"""What the embedded broker remembers: the orders it took and the refills it gave.

Balances and outcomes are worked out of these, never stored, so that no moment exists at which
a killed process leaves half of a settlement.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading.core.paper_market import PaperOrder


class NoMoney(Exception):
    """The account holds less than the stake."""


class PaperLedger(Protocol):
    """Of one paper account. Moments are the broker's, which the caller passes in."""

    async def add(self, order: PaperOrder) -> PaperOrder:
        """Take the order, once for each reference; it comes back with its number.

        Raises `NoMoney`.
        """
        ...

    async def open_orders(self, *, at: datetime) -> list[PaperOrder]: ...

    async def closed_orders(self, *, since: datetime, at: datetime) -> list[PaperOrder]: ...

    async def balance(self, *, at: datetime) -> Decimal: ...

    async def refill(self, *, to: Decimal, at: datetime) -> Decimal:
        """Raise the balance to `to` where it is lower; the new balance."""
        ...


@dataclass
class MemoryLedger:
    """For tests, and for accounts that need not outlive their process."""

    start_balance: Decimal = Decimal("10000.00")
    orders: dict[str, PaperOrder] = field(default_factory=dict)  # by reference
    refilled: Decimal = Decimal("0.00")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add(self, order: PaperOrder) -> PaperOrder:
        async with self._lock:
            if order.reference in self.orders:
                return self.orders[order.reference]
            if await self.balance(at=order.opened_at) < order.stake:
                raise NoMoney
            taken = replace(order, broker_id=str(len(self.orders) + 1))
            self.orders[order.reference] = taken
            return taken

    async def open_orders(self, *, at: datetime) -> list[PaperOrder]:
        return [one for one in self.orders.values() if one.expires_at > at]

    async def closed_orders(self, *, since: datetime, at: datetime) -> list[PaperOrder]:
        return [one for one in self.orders.values() if since <= one.expires_at <= at]

    async def balance(self, *, at: datetime) -> Decimal:
        gained = sum(
            (one.profit if one.expires_at <= at else -one.stake for one in self.orders.values()),
            start=Decimal("0.00"),
        )
        return self.start_balance + self.refilled + gained

    async def refill(self, *, to: Decimal, at: datetime) -> Decimal:
        async with self._lock:
            self.refilled += max(Decimal(0), to - await self.balance(at=at))
            return await self.balance(at=at)
