"""What brokers say unasked, written for many sessions at once.

Options end on the minute, hundreds of them together: what has come by the time that a write
begins is one transaction, so that the last of them is told soon after the first.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from trading.brokers.base import Position
from trading.core.states import order_move
from trading.events import balance_data, next_event, order_data, write_events
from trading.models import Event, Order, TradingSession
from trading.order_flow import Owner, settled_hooks
from trading.ownership import Fenced
from trading.turns import turn

log = logging.getLogger(__name__)
State = Order.State
MOST: Final = 16  # in one transaction: an order in the gate waits no longer than for that
OF_ORDER: Final = (
    *("state", "reason", "broker_id", "payout", "open_price", "opened_at", "expires_at"),
    *("outcome", "profit", "close_price", "settled_at", "round_trip_ms"),
)
OF_SESSION: Final = ("balance", "realised", "realised_peak", "event_seq")


@dataclass(frozen=True, slots=True)
class Told:
    """Of one session: how a position stands, or what the balance is."""

    owner: Owner
    what: Position | Decimal
    at: datetime
    order_pk: int | None = None  # binds the position to an order that did not know its number yet
    taken_ms: int | None = None  # by the answer, where it is one


Answer = Order | Fenced | None


def apply_position(
    owner: Owner,
    position: Position,
    *,
    order_pk: int | None = None,
    taken_ms: int | None = None,
    at: datetime,
) -> Order | None:
    """Write what the broker says of a position; None where it is none of the session's orders.

    It may come twice, late or in the wrong order: an end stays an end. Raises `Fenced`.
    """
    (answer,) = write([Told(owner, position, at, order_pk, taken_ms)])
    if isinstance(answer, Fenced):
        raise answer
    return answer


def write(told: Sequence[Told]) -> list[Answer]:
    """All of it or nothing; for each the order that it is about, or `Fenced`."""
    with turn(), transaction.atomic():
        page = _Page(told)
        answers = [page.take(one) for one in told]
        page.save()
        return answers


class _Page:
    """The rows that are written together, all of them locked."""

    def __init__(self, told: Sequence[Told]) -> None:
        ids = {one.owner.session_id for one in told}
        rows = TradingSession.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        self._sessions = {row.pk: row for row in rows}
        self._orders: defaultdict[UUID, dict[int, Order]] = defaultdict(dict)
        orders = (
            Order.objects.select_for_update()
            .filter(session__in=list(self._sessions))
            .order_by("pk")
        )
        self._add(orders.filter(state__in=Order.AT_RISK))
        if new := [one for one in told if self._is_new(one)]:
            numbers = [one.what.broker_id for one in new if isinstance(one.what, Position)]
            pks = [one.order_pk for one in new if one.order_pk is not None]
            keys = [key for one in new if (key := _key_of(one.what))]
            self._add(orders.filter(Q(broker_id__in=numbers) | Q(pk__in=pks) | Q(key__in=keys)))
        self._events: list[Event] = []
        self._changed: dict[UUID, TradingSession] = {}
        self._moved: dict[int, Order] = {}
        self._settled: list[tuple[TradingSession, Order]] = []

    def _is_new(self, told: Told) -> bool:
        """Whether no order at risk has the position's number; one that has ended may."""
        if not isinstance(told.what, Position):
            return False
        order = self._order(told)
        return order is None or order.broker_id != told.what.broker_id

    def _add(self, orders: Iterable[Order]) -> None:
        for order in orders:
            order.session = self._sessions[order.session_id]
            self._orders[order.session_id].setdefault(order.pk, order)

    def take(self, one: Told) -> Answer:
        session = self._sessions.get(one.owner.session_id)
        if session is None or session.fence != one.owner.fence or not session.node:
            return Fenced()
        if isinstance(one.what, Position):
            return self._position(session, one, one.what)
        balance = round(one.what, 2)
        if session.balance != balance:
            session.balance = balance
            self._tell(session, "balance", balance_data(session), at=one.at)
        return None

    def _position(self, session: TradingSession, one: Told, position: Position) -> Order | None:
        order = self._order(one)
        if order is not None and one.taken_ms is not None:  # its news may have come before it
            order.round_trip_ms = one.taken_ms
            self._moved[order.pk] = order
        if order is None or order.state in Order.ENDED:
            return order
        if order.state == State.PENDING:
            return None
        if position.outcome is None and order.state == State.OPEN:
            return order
        order.broker_id, order.payout = position.broker_id, position.payout
        order.open_price, order.opened_at = position.open_price, position.opened_at
        order.expires_at = position.expires_at
        if position.outcome is not None:
            self._settle(session, order, position, at=one.at)
        state = State.OPEN if position.outcome is None else State.SETTLED
        order.state, order.reason = order_move(order.state, state), ""
        self._moved[order.pk] = order
        self._tell(session, "order", order_data(order), at=one.at)
        return order

    def _order(self, one: Told) -> Order | None:
        """The order that a position is, by its number, by our own key, or as the caller says."""
        assert isinstance(one.what, Position)
        orders = self._orders[one.owner.session_id]
        for order in orders.values():
            if order.broker_id == one.what.broker_id:
                return order
        if one.order_pk is not None:
            named = orders.get(one.order_pk)
            return named if named is not None and not named.broker_id else None
        key = _key_of(one.what)
        found = (order for order in orders.values() if order.key == key and not order.broker_id)
        return next(found, None)

    def _settle(
        self, session: TradingSession, order: Order, position: Position, *, at: datetime
    ) -> None:
        assert position.outcome is not None
        profit = round(Decimal(0) if position.profit is None else position.profit, 2)
        order.outcome, order.profit = position.outcome.value, profit
        order.close_price, order.settled_at = position.close_price, at
        session.realised += profit
        session.realised_peak = max(session.realised_peak, session.realised)
        self._settled.append((session, order))

    def _tell(
        self, session: TradingSession, kind: str, data: dict[str, object], *, at: datetime
    ) -> None:
        self._changed[session.pk] = session
        self._events.append(next_event(session, kind, data, at=at))

    def save(self) -> None:
        for order in self._moved.values():
            order.save(update_fields=OF_ORDER)
        for session in self._changed.values():
            session.save(update_fields=OF_SESSION)
        write_events(self._events)
        if self._settled:
            for hook in settled_hooks:
                hook(self._settled)


def _key_of(what: Position | Decimal) -> UUID | None:
    try:
        return UUID(what.reference) if isinstance(what, Position) and what.reference else None
    except ValueError:  # the broker's own word
        return None


class Writer:
    """Of one node, in its event loop: while one write runs, what comes waits for the next."""

    def __init__(self, db: Callable[..., Awaitable[list[Answer]]]) -> None:
        self._db = db
        self._waiting: list[tuple[Told, asyncio.Future[Order | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, told: Told) -> Order | None:
        """The order that it is about. Raises `Fenced`, or what the database raises."""
        future: asyncio.Future[Order | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((told, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())
        return await future

    async def _write_all(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            answers = await self._answers([told for told, _future in some])
            for (_told, future), answer in zip(some, answers, strict=True):
                if future.done():
                    continue  # who waited is gone
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    async def _answers(self, told: list[Told]) -> list[Order | Exception | None]:
        try:
            return [*await self._db(write, told)]
        except Exception as error:
            if len(told) == 1:
                return [error]
            log.exception("What brokers said is written one by one")
            return [answer for one in told for answer in await self._answers([one])]
