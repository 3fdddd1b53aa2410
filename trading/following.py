"""What became of orders: looked up at the broker where nobody told.

After a connection begins, after an order without an answer, and after an expiry that brought no
news, the broker's lists are read and each order is given its fate.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from trading import order_flow
from trading.brokers.base import Broker, BrokerError, Position
from trading.brokers.reconcile import PATIENCE, Ambiguous, NotPlaced, Placed, Sent, fate
from trading.core.market import Direction
from trading.models import Order

if TYPE_CHECKING:
    from trading.keeper import Keeper

log = logging.getLogger(__name__)
State = Order.State
LOOKS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 60.0)  # seconds between looks, then the last
NO_NEWS = timedelta(seconds=5)  # after an expiry
GIVES_UP = timedelta(minutes=30)  # after an expiry, in a session that is to be left
BEFORE = timedelta(minutes=2)


class Following:
    """Of one keeper."""

    def __init__(self, keeper: "Keeper") -> None:
        self._keeper = keeper
        self._look_at: float | None = None  # monotonic
        self._looks = 0

    def look_soon(self) -> None:
        """Something may have changed that nobody will tell."""
        self._look_at, self._looks = time.monotonic(), 0

    def due_in(self) -> float:
        return float("inf") if self._look_at is None else self._look_at - time.monotonic()

    def has_given_up(self, orders: list[Order]) -> bool:
        """Whether all of them ended so long ago that the broker must have told, had it known."""
        latest = max(one.created_at + timedelta(minutes=2 * one.minutes) for one in orders)
        return datetime.now(UTC) - latest > GIVES_UP

    async def follow(self, broker: Broker) -> None:
        """Look, where a look is due, and set the next one."""
        if self._look_at is None or time.monotonic() < self._look_at:
            return
        orders = await self._orders()
        if not orders:
            self._look_at = None
            return
        try:
            async with asyncio.timeout(30):
                await self._look(broker, orders)
        except (BrokerError, TimeoutError):
            log.info("The positions of session %s were not read", self._keeper.owner.session_id)
        self._plan(await self._orders(), now=broker.now())

    async def _orders(self) -> list[Order]:
        keeper = self._keeper
        orders = await keeper.db(order_flow.at_risk, keeper.owner)
        return [one for one in orders if one.pk not in keeper.placing]

    def _plan(self, orders: list[Order], *, now: datetime) -> None:
        """When the next look is due: soon for what is unknown, at its expiry for what is open."""
        if not orders:
            self._look_at = None
            return
        pause = LOOKS[min(self._looks, len(LOOKS) - 1)]
        self._looks += 1
        if all(one.state == State.OPEN for one in orders):
            ends = [one.expires_at + NO_NEWS for one in orders if one.expires_at]
            if ends and min(ends) > now:
                pause, self._looks = (min(ends) - now).total_seconds(), 0
        self._look_at = time.monotonic() + pause

    async def _look(self, broker: Broker, orders: list[Order]) -> None:
        keeper = self._keeper
        since = min(one.sent_at or one.created_at for one in orders) - BEFORE
        # Open ones first: what closes between the two reads is in the second.
        open_now = await broker.open_positions()
        closed = await broker.closed_positions(since=since)
        known = {one.broker_id: one for one in [*open_now, *closed]}
        now = keeper.now()
        for order in orders:
            if order.broker_id and (found := known.get(order.broker_id)):
                await keeper.write(found, at=now)
        for order in orders:
            if not order.broker_id and order.state in (State.SENT, State.UNKNOWN):
                await self._find(order, open_now, closed, broker.now())

    async def _find(
        self, order: Order, open_now: list[Position], closed: list[Position], now: datetime
    ) -> None:
        """Adopt the one position that can be the order, or find that there is none."""
        keeper, at = self._keeper, self._keeper.now()
        assert order.sent_at is not None
        ends_by = order_flow.latest_end(order.sent_at, order.minutes)
        reads = order.clean_reads
        if now > ends_by + PATIENCE:
            reads = await keeper.db(order_flow.count_clean_read, keeper.owner, order.pk)
        found = fate(
            Sent(
                reference=str(order.key),
                asset=order.asset,
                direction=Direction(order.direction),
                stake=order.stake,
                sent_at=order.sent_at,
                ends_by=ends_by,
            ),
            open_positions=open_now,
            closed_positions=closed,
            bound=await keeper.db(order_flow.bound_numbers, keeper.owner),
            now=now,
            clean_reads=reads,
        )
        if isinstance(found, Placed):
            await keeper.write(found.position, order_pk=order.pk, at=at)
        elif isinstance(found, NotPlaced):
            reason = "not_found"
            await keeper.db(
                order_flow.mark_not_placed, keeper.owner, order.pk, reason=reason, at=at
            )
        elif isinstance(found, Ambiguous):
            await keeper.db(order_flow.block, keeper.owner, reason="ambiguous", at=at)
