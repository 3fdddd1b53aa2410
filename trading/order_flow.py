"""What becomes of an order after the gate. Each step is one transaction of the owning node."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from trading.core.expiry import grid_of
from trading.core.states import order_move
from trading.events import emit_log, emit_order
from trading.gate import TAKEN_BACK
from trading.models import Order, TradingSession
from trading.ownership import Fenced, owned
from trading.switches import switches_on

State = Order.State
STALE = timedelta(seconds=20)  # an order that waited so long is not what was asked for any more
# After orders were settled, in the same transaction: metering.
settled_hooks: list[Callable[[Sequence[tuple[TradingSession, Order]]], None]] = []


@dataclass(frozen=True, slots=True)
class Owner:
    """A node's right to write: the session and the number under which it is owned."""

    session_id: UUID
    fence: int


def latest_end(sent: datetime, minutes: int) -> datetime:
    """The latest moment at which an order sent then may expire, on the platform's grid."""
    return sent + timedelta(minutes=minutes, seconds=2 * grid_of(minutes))


def pending(owner: Owner) -> list[Order]:
    """What waits to be sent, oldest first."""
    waiting = Order.objects.filter(session_id=owner.session_id, state=State.PENDING)
    return list(waiting.order_by("pk"))


def at_risk(owner: Owner) -> list[Order]:
    """What the broker has, or may have."""
    orders = Order.objects.filter(session_id=owner.session_id)
    return list(orders.filter(state__in=[State.SENT, State.OPEN, State.UNKNOWN]).order_by("pk"))


def mark_sent(owner: Owner, order_pk: int, *, clock: datetime, at: datetime) -> Order | None:
    """The order, which the caller now sends, once; None where it may not leave any more.

    `clock` is the broker's, in which an order's `sent_at`, `opened_at` and `expires_at` are kept.
    """
    with owned(owner.session_id, owner.fence) as session:
        if session.lease_until is None or session.lease_until <= at:
            raise Fenced
        order = Order.objects.select_for_update().get(pk=order_pk, session=session)
        if order.state != State.PENDING:
            return None
        if reason := _why_not(session, order, at=at):
            _move(session, order, State.NOT_PLACED, reason=reason, at=at)
            return None
        order.sent_at, order.fence = clock, owner.fence
        order.expires_at = latest_end(clock, order.minutes)  # until the broker says its own
        _move(session, order, State.SENT, at=at)
        return order


def mark_rejected(
    owner: Owner, order_pk: int, *, reason: str, taken_ms: int | None = None, at: datetime
) -> None:
    """The broker said no."""
    _end(owner, order_pk, State.REJECTED, reason=reason, taken_ms=taken_ms, at=at)


def mark_unknown(owner: Owner, order_pk: int, *, reason: str, at: datetime) -> None:
    """Nobody said anything: it is looked for from now on."""
    _end(owner, order_pk, State.UNKNOWN, reason=reason, at=at)


def mark_not_placed(owner: Owner, order_pk: int, *, reason: str, at: datetime) -> None:
    """It was looked for, and the broker never had it."""
    _end(owner, order_pk, State.NOT_PLACED, reason=reason, at=at)


def drop_pending(owner: Owner, *, reason: str, at: datetime) -> None:
    """What was not sent will not be."""
    with owned(owner.session_id, owner.fence) as session:
        for order in Order.objects.filter(session=session, state=State.PENDING).order_by("pk"):
            _move(session, order, State.NOT_PLACED, reason=reason, at=at)


def take_over(owner: Owner, *, at: datetime) -> None:
    """What an earlier owner sent without writing an answer down is unknown."""
    with owned(owner.session_id, owner.fence) as session:
        for order in Order.objects.filter(session=session, state=State.SENT).order_by("pk"):
            if order.fence != owner.fence:
                _move(session, order, State.UNKNOWN, reason="taken_over", at=at)


def count_clean_read(owner: Owner, order_pk: int) -> int:
    """The lists were read whole after expiry and patience; how often so far."""
    with owned(owner.session_id, owner.fence) as session:
        order = Order.objects.select_for_update().get(pk=order_pk, session=session)
        order.clean_reads += 1
        order.save(update_fields=["clean_reads"])
        return order.clean_reads


def block(owner: Owner, *, reason: str, at: datetime) -> None:
    """No order passes until a person has looked."""
    with owned(owner.session_id, owner.fence) as session:
        if session.blocked != reason:
            session.blocked = reason
            session.save(update_fields=["blocked"])
            emit_log(session, "blocked", at=at, reason=reason)


def bound_numbers(owner: Owner) -> set[str]:
    """The broker's numbers that belong to orders of this user at this broker already."""
    session = TradingSession.objects.get(pk=owner.session_id)
    theirs = Order.objects.filter(
        session__user_id=session.user_id, session__broker=session.broker
    ).exclude(broker_id="")
    return set(theirs.order_by("-pk").values_list("broker_id", flat=True)[:5000])


def _end(
    owner: Owner,
    order_pk: int,
    state: str,
    *,
    reason: str,
    taken_ms: int | None = None,
    at: datetime,
) -> None:
    with owned(owner.session_id, owner.fence) as session:
        order = Order.objects.select_for_update().get(pk=order_pk, session=session)
        order.round_trip_ms = taken_ms
        # A position's event may have been quicker than the answer, or its absence.
        if order.state in (State.OPEN, *Order.ENDED, state):
            return
        _move(session, order, state, reason=reason, at=at)


def _move(
    session: TradingSession, order: Order, state: str, *, at: datetime, reason: str = ""
) -> None:
    order.state, order.reason = order_move(order.state, state), reason[:60]
    order.save()
    emit_order(session, order, at=at)


def _why_not(session: TradingSession, order: Order, *, at: datetime) -> str:
    """Why an order that passed the gate may no longer leave; empty where it may."""
    if session.wanted != TradingSession.Wanted.CONNECTED:
        return "disconnecting"
    if session.blocked:
        return session.blocked
    if at - order.created_at > STALE:
        return "stale"
    if order.source == Order.Source.BOT and not session.bot_wanted:
        return "bot_stopped"
    if not session.user.is_active or (session.sesion and session.sesion.end_reason in TAKEN_BACK):
        return "login_ended"
    return "halted" if switches_on(session) else ""
