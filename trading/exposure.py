"""What has been risked, won and lost so far, as the gate needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from trading.core.risk import Exposure, Limits
from trading.models import Order, TradingSession

HOUR = timedelta(hours=1)
WHOSE = ("session_id", "session__account_type", "session__currency")
MONEY, NUMBERS = ("day_profit", "at_risk"), ("open_positions", "trades_last_hour")
ZERO = dict.fromkeys(MONEY, Decimal(0)) | dict.fromkeys([*NUMBERS, "lost", "trades"], 0)
NO_TRADE = (Order.State.REJECTED, Order.State.NOT_PLACED)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the orders of one session's user, read at once; the session's row is locked."""

    session: TradingSession
    at: datetime
    of_session: Mapping[str, Any]
    of_user: Mapping[str, Any]  # all sessions of the account type; money of the currency alone
    lost_today: tuple[int, int]  # of the session and of the user: no fewer than lost in a row
    trades_today: int  # of all account types; what the broker refused is none


def sums_of(session: TradingSession, *, at: datetime) -> Sums:
    """One query: the indices of each session's orders by state and by times answer it."""
    midnight = _midnight(at)
    open_now, settled_today = Q(state__in=Order.AT_RISK), Q(settled_at__gte=midnight)
    asked_today, last_hour = Q(created_at__gte=midnight), Q(created_at__gt=at - HOUR)
    orders = Order.objects.filter(session__user_id=session.user_id)
    relevant = orders.filter(open_now | settled_today | asked_today | last_hour)
    by_session = (
        relevant.order_by()
        .values(*WHOSE)
        .annotate(
            day_profit=Sum("profit", filter=settled_today),
            at_risk=Sum("stake", filter=open_now),
            open_positions=Count("pk", filter=open_now),
            trades_last_hour=Count("pk", filter=last_hour),
            lost=Count("pk", filter=settled_today & Q(outcome=Order.Outcome.LOST)),
            trades=Count("pk", filter=asked_today & ~Q(state__in=NO_TRADE)),
        )
    )
    rows = list(by_session)
    mine = [row for row in rows if row["session_id"] == session.pk]
    of_type = [row for row in rows if row["session__account_type"] == session.account_type]
    of_currency = [row for row in of_type if row["session__currency"] == session.currency]
    return Sums(
        session,
        at,
        of_session=_added(mine, MONEY) | _added(mine, NUMBERS),
        of_user=_added(of_currency, MONEY) | _added(of_type, NUMBERS),
        lost_today=(_added(mine, ["lost"])["lost"], _added(of_type, ["lost"])["lost"]),
        trades_today=_added(rows, ["trades"])["trades"],
    )


def _added(rows: list[dict[str, Any]], names: Iterable[str]) -> dict[str, Any]:
    return {name: sum((row[name] or 0 for row in rows), ZERO[name]) for name in names}


def of_session(sums: Sums, limits: Limits, *, by_bot: bool, switches: tuple[str, ...]) -> Exposure:
    """Of one session; its row is locked."""
    session, at = sums.session, sums.at
    lost = sums.lost_today[0]
    if lost >= limits.consecutive_losses:  # else it cannot have lost so many in a row
        orders = Order.objects.filter(session=session)
        lost = _losses(orders, limits, since=_since(session, at), at=at)
    return Exposure(
        **sums.of_session,
        drawdown=session.realised_peak - session.realised,
        losses_in_a_row=lost,
        bot_minutes=_bot_minutes(session, at=at) if by_bot else 0.0,
        switches=switches,
    )


def of_user(sums: Sums, limits: Limits, *, switches: tuple[str, ...]) -> Exposure:
    """Of all sessions of its user with the account type; money of its currency alone."""
    session = sums.session
    theirs = {"user_id": session.user_id, "account_type": session.account_type}
    lost = sums.lost_today[1]
    if lost >= limits.consecutive_losses:
        orders = Order.objects.filter(**{f"session__{name}": one for name, one in theirs.items()})
        lost = _losses(orders, limits, since=_midnight(sums.at), at=sums.at)
    live = TradingSession.objects.filter(**theirs, currency=session.currency).live()
    falls = [peak - now for peak, now in live.values_list("realised_peak", "realised")]
    return Exposure(
        **sums.of_user,
        drawdown=sum(falls, Decimal(0)),
        losses_in_a_row=lost,
        switches=switches,
    )


def _losses(orders: Any, limits: Limits, *, since: datetime, at: datetime) -> int:
    """How many of the last settled orders in a row were lost; ties say nothing."""
    settled = orders.filter(state=Order.State.SETTLED, settled_at__gt=since, settled_at__lte=at)
    told = settled.exclude(outcome=Order.Outcome.TIED).order_by("-settled_at", "-pk")
    outcomes = told.values_list("outcome", flat=True)[: min(limits.consecutive_losses, 1000)]
    lost = 0
    for outcome in outcomes:
        if outcome != Order.Outcome.LOST:
            break
        lost += 1
    return lost


def _since(session: TradingSession, at: datetime) -> datetime:
    midnight = _midnight(at)
    return max(midnight, session.losses_since) if session.losses_since else midnight


def _bot_minutes(session: TradingSession, *, at: datetime) -> float:
    if session.bot_started_at is None:
        return -1.0  # unclear: no bot order passes
    return (at - session.bot_started_at).total_seconds() / 60


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
