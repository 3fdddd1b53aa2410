"""What happens in a session, told to whoever looks on: written with its cause, numbered.

An event is written in the transaction of what it tells, so both are there or neither is.
`trading_event` with the session's id is announced with it; a reader asks for what is after the
number that it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection

from sessions_app.changes import announce_all
from trading.core.levels import level_of
from trading.models import ClosedCandle, Event, Order, TradingSession

TRADING_EVENT = "trading_event"
TRADING_WORK = "trading_work"  # to the node that owns the session
TRADING_CANDLE = "trading_candle"  # "broker:asset:seconds"


def emit(
    session: TradingSession,
    kind: str,
    data: Mapping[str, object],
    *,
    at: datetime,
    also: Iterable[tuple[str, str]] = (),
) -> Event | None:
    """Write the session's next event, and announce `also` with it. Only within a transaction.

    None where the session was erased meanwhile.
    """
    assert connection.in_atomic_block, "an event is written with its cause"
    mine = TradingSession.objects.filter(pk=session.pk)
    # The update takes the row's lock, held to the end of the transaction: no number is skipped.
    while not mine.filter(event_seq=session.event_seq).update(event_seq=session.event_seq + 1):
        seq = mine.values_list("event_seq", flat=True).first()
        if seq is None:
            return None
        session.event_seq = seq
    session.event_seq += 1
    event = Event.objects.create(
        session=session,
        seq=session.event_seq,
        kind=kind,
        level=level_of(kind, data),
        at=at,
        data=dict(data),
    )
    announce_all([(TRADING_EVENT, str(session.pk)), *also])
    return event


def next_event(
    session: TradingSession, kind: str, data: Mapping[str, object], *, at: datetime
) -> Event:
    """The same for a session whose row the caller has locked and saves; see `write_events`."""
    session.event_seq += 1
    return Event(
        session=session,
        seq=session.event_seq,
        kind=kind,
        level=level_of(kind, data),
        at=at,
        data=dict(data),
    )


def write_events(events: Sequence[Event]) -> None:
    assert connection.in_atomic_block, "an event is written with its cause"
    Event.objects.bulk_create(events)
    announce_all((TRADING_EVENT, str(pk)) for pk in {one.session_id for one in events})


def emit_order(
    session: TradingSession,
    order: Order,
    *,
    at: datetime,
    also: Iterable[tuple[str, str]] = (),
) -> None:
    emit(session, "order", order_data(order), at=at, also=also)


def emit_state(session: TradingSession, *, at: datetime) -> None:
    emit(session, "state", state_data(session), at=at)


def state_data(session: TradingSession) -> dict[str, object]:
    return {name: getattr(session, name) for name in ("state", "wanted", "reason", "blocked")}


def emit_bot(session: TradingSession, *, at: datetime, reason: str = "") -> None:
    emit(session, "bot", bot_data(session) | {"reason": reason}, at=at)


def emit_log(session: TradingSession, code: str, *, at: datetime, **facts: object) -> None:
    """For the session's log; `code` is stable and worded where it is shown."""
    emit(session, "log", {"code": code, "facts": facts}, at=at)


def emit_balance(session: TradingSession, *, at: datetime) -> None:
    emit(session, "balance", balance_data(session), at=at)


def balance_data(session: TradingSession) -> dict[str, object]:
    return {"balance": text(session.balance), "currency": session.currency}


def bot_data(session: TradingSession) -> dict[str, object]:
    return {
        "running": session.bot_running,
        "wanted": session.bot_wanted,
        "strategy": session.strategy,
        "parameters": session.parameters,
        "asset": session.bot_asset,
        "stake": text(session.bot_stake),
        "minutes": session.bot_minutes,
        "candle_seconds": session.candle_seconds,
    }


def order_data(order: Order) -> dict[str, object]:
    """The whole order, with money as text and times in ISO."""
    return {
        "id": order.pk,
        "key": str(order.key),
        "asset": order.asset,
        "direction": order.direction,
        "stake": text(order.stake),
        "minutes": order.minutes,
        "source": order.source,
        "state": order.state,
        "reason": order.reason,
        "payout": None if order.payout is None else str(order.payout.normalize()),
        "open_price": order.open_price,
        "close_price": order.close_price,
        "outcome": order.outcome,
        "profit": text(order.profit),
        "created_at": _iso(order.created_at),
        "sent_at": _iso(order.sent_at),
        "opened_at": _iso(order.opened_at),
        "expires_at": _iso(order.expires_at),
        "settled_at": _iso(order.settled_at),
    }


def candle_subject(candle: ClosedCandle) -> str:
    return f"{candle.broker}:{candle.asset}:{candle.seconds}"


def text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{Decimal(amount):.2f}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
