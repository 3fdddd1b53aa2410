"""A user's own log: what happened in all their sessions, filtered, newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from trading.models import Event, TradingSession

KINDS: Final = ("state", "bot", "order", "balance", "log", "halt", "limits")
COLUMNS: Final = ("at", "session_id", "broker", "account_type", "seq", "level", "kind", "data")
BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events; what is empty leaves all in. Days are whole days of UTC, both counted in."""

    session: UUID | None = None
    level: str = ""
    kind: str = ""
    first_day: date | None = None
    last_day: date | None = None


def events_of(user: User, asked: Asked) -> QuerySet[Event]:
    """The user's own alone, the newest first."""
    mine = TradingSession.objects.owned_by(user)
    if asked.session is not None:
        mine = mine.filter(pk=asked.session)
    rows = Event.objects.filter(session__in=mine).select_related("session").order_by("-pk")
    if asked.level:
        rows = rows.filter(level=asked.level)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.first_day is not None:
        rows = rows.filter(at__gte=_midnight(asked.first_day))
    if asked.last_day is not None and asked.last_day < date.max:
        rows = rows.filter(at__lt=_midnight(asked.last_day + timedelta(days=1)))
    return rows


def one_by_one(rows: QuerySet[Event]) -> Iterator[Event]:
    """All of them, however many, a batch in memory."""
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__lt=batch[-1].pk)[:BATCH]) if len(batch) == BATCH else []


def sessions_with_log(user: User) -> QuerySet[TradingSession]:
    return TradingSession.objects.owned_by(user).order_by("-created_at")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def entry_body(event: Event) -> Mapping[str, Any]:
    """An event with its session, for programs."""
    session = event.session
    return {
        "id": event.pk,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "session_id": str(session.pk),
        "broker": session.broker,
        "account_type": session.account_type,
        "seq": event.seq,
        "level": event.level,
        "kind": event.kind,
        "data": event.data,
    }
