"""How a session does, in figures, for its owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from trading import uptime
from trading.models import BotLook, Order, TradingSession

RECENT = 500  # orders and looks that the shares are taken of


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some figures, and what 95 of 100 do not exceed; None without any."""

    count: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    uptime_seconds: int
    connected_at: datetime | None
    reconnects: int
    orders: Mapping[str, int]  # by outcome where settled, else by state
    refusals: Mapping[str, int]  # by code
    round_trip_ms: Spread  # of the last orders, from the wire to the broker's answer
    candle_lag_ms: Spread  # of the bot's last looks, after the close of the candle
    events: int
    heartbeat_at: datetime | None
    node: str


def figures_of(session: TradingSession, *, at: datetime) -> SessionFigures:
    """In four queries."""
    return SessionFigures(
        uptime_seconds=uptime.seconds(session, at=at),
        connected_at=session.connected_at,
        reconnects=session.reconnects,
        orders=_orders(session),
        refusals=_refusals(session),
        round_trip_ms=_round_trips(session),
        candle_lag_ms=_candle_lags(session),
        events=session.event_seq,
        heartbeat_at=session.heartbeat_at,
        node=session.node,
    )


def _orders(session: TradingSession) -> dict[str, int]:
    counted = session.orders.order_by().values_list("state", "outcome").annotate(n=Count("pk"))
    found: dict[str, int] = {}
    for state, outcome, count in counted:
        name = outcome or state
        found[name] = found.get(name, 0) + count
    return found


def _refusals(session: TradingSession) -> dict[str, int]:
    summed = session.refusals.order_by("code").values_list("code").annotate(n=Sum("count"))
    return dict(summed)


def _round_trips(session: TradingSession) -> Spread:
    timed = Order.objects.filter(session=session, round_trip_ms__isnull=False)
    recent = timed.order_by("-pk").values_list("round_trip_ms", flat=True)[:RECENT]
    return _spread([one for one in recent if one is not None])


def _candle_lags(session: TradingSession) -> Spread:
    run = session.runs.first()
    if run is None:
        return _spread([])
    looks = BotLook.objects.filter(run=run).order_by("-start", "-clock", "-pk")
    seconds = run.plan["seconds"]
    rows = looks.values_list("start", "clock")[:RECENT]
    return _spread([round((clock - start - seconds) * 1000, 1) for start, clock in rows])


def _spread(values: Sequence[float]) -> Spread:
    """By the nearest rank."""
    ordered = sorted(values)
    if not ordered:
        return Spread(0, None, None)
    p50, p95 = (ordered[-(-len(ordered) * share // 100) - 1] for share in (50, 95))
    return Spread(len(ordered), p50, p95)
