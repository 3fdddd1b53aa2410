"""A run of a session's bot as a recording, from the rows that were written as it ran.

`core.replay` goes through it again. What the bot saw and when is in its looks; orders, settlements
and changes of limits are in the session's events, whose numbers say what the gate knew at each
look. What other sessions of the user held back is written as what it was: a refusal from outside.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from trading.core.bot import Plan, canonical
from trading.core.desk import Outside
from trading.core.replay import (
    RELEASED,
    event_line,
    limits_line,
    limits_of,
    look_line,
    plan_line,
    refused_line,
)
from trading.core.risk import Limits
from trading.lab_services import strategy_for
from trading.limits import NAMES
from trading.models import BotLook, BotRun, Event, Order

Said = BotLook.Said
KINDS = ("order", "limits", "log")
DROPPED = (Order.State.REJECTED, Order.State.NOT_PLACED)


def recording_of_run(run: BotRun) -> Iterator[bytes]:
    """JSON lines. Raises what `strategy_for` raises."""
    plan, session = run.plan, run.session
    rule = strategy_for(session.user, plan["strategy"], plan["parameters"])
    mine = UUID(str(session.pk))
    told = Plan(mine, rule, plan["asset"], plan["seconds"], Decimal(plan["stake"]), plan["minutes"])
    limits, raises = _limits_in(run.limits)
    started_at = run.started_at.timestamp()
    yield plan_line(told, plan["parameters"], limits, started_at=started_at, is_daily=False) + b"\n"
    if raises:
        yield limits_line(limits, raises) + b"\n"
    for line in _lines(run):
        yield line + b"\n"


def _lines(run: BotRun) -> Iterator[bytes]:
    """Before each look what the gate knew of by then."""
    looks = run.looks.order_by("start", "clock", "pk")
    own = set(looks.filter(said=Said.ORDER).values_list("command__key", flat=True))
    happened = _Happened(run, own)
    yield from happened.before_all()
    for look in looks:
        if look.seq is not None:
            yield from happened.until(look.seq)
        outside = Outside(look.why, look.outside == "before") if look.outside else None
        yield look_line(look.candles, clock=look.clock, at=look.at, anew=look.anew, outside=outside)
        command = look.command or {}
        if look.said == Said.ORDER:
            yield canonical({"kind": "command", **command})
        elif look.said == Said.REFUSED:
            yield refused_line(command, look.why)


class _Happened:
    """The session's events as lines, in order; `own` are the keys of orders that looks tell of."""

    def __init__(self, run: BotRun, own: set[str]) -> None:
        self._run, self._own = run, own
        self._taken = set(own)
        self._rows: deque[Event] = deque()
        self._read(after=-1)

    def _read(self, *, after: int) -> None:
        rows = self._run.session.events.filter(seq__gt=after, kind__in=KINDS).order_by("seq")
        self._rows.extend(rows[:1000])

    def before_all(self) -> Iterator[bytes]:
        """Orders whose events are not kept any more: what they won and lost counts."""
        kept = self._rows[0].at if self._rows else self._run.started_at
        old = Order.objects.filter(session=self._run.session, created_at__lt=kept)
        for order in old.filter(state=Order.State.SETTLED).order_by("settled_at", "pk"):
            assert order.settled_at is not None
            if order.settled_at < kept:
                yield self._took(str(order.key), order.created_at, order.stake)
                at, profit = order.settled_at.timestamp(), str(order.profit)
                yield event_line("settled", str(order.key), at=at, profit=profit)

    def until(self, seq: int) -> Iterator[bytes]:
        while self._rows and self._rows[0].seq <= seq:
            event = self._rows.popleft()
            if not self._rows:
                self._read(after=event.seq)
            yield from self._told(event)

    def _told(self, event: Event) -> Iterator[bytes]:
        data = event.data
        if event.kind == "order":
            yield from self._order(data, event.at)
        elif event.kind == "limits" and event.seq > self._run.seq:
            yield limits_line(*_limits_in(data))
        elif event.kind == "log" and data.get("code") == "released":
            yield RELEASED

    def _order(self, data: Mapping[str, Any], at: datetime) -> Iterator[bytes]:
        key, state = str(data["key"]), data["state"]
        if key not in self._taken:
            asked_at = datetime.fromisoformat(str(data["created_at"]))
            yield self._took(key, asked_at, Decimal(str(data["stake"])))
        if state == Order.State.SETTLED:
            settled_at = datetime.fromisoformat(str(data["settled_at"])).timestamp()
            yield event_line("settled", key, at=settled_at, profit=str(data["profit"]))
        elif state in DROPPED:
            yield event_line("dropped", key, at=at.timestamp())

    def _took(self, key: str, at: datetime, stake: Decimal) -> bytes:
        self._taken.add(key)
        return event_line("order", key, at=at.timestamp(), stake=str(stake))


def _limits_in(told: Mapping[str, Any]) -> tuple[Limits, list[tuple[float, str, str]]]:
    """What `limits.limits_data` wrote: those in force, and those to come."""
    limits = limits_of({name: str(told[name]) for name in NAMES})
    raises = [
        (
            datetime.fromisoformat(one["effective_at"]).timestamp(),
            str(one["field"]),
            str(one["value"]),
        )
        for one in told["raises"]
    ]
    return limits, raises
