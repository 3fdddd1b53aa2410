"""What has been risked, won and lost so far, as the gate needs it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum

from accounts.models import User
from trading.core.risk import Exposure, Limits
from trading.models import Order, TradingSession

HOUR = timedelta(hours=1)


def of_session(
    session: TradingSession,
    limits: Limits,
    *,
    by_bot: bool,
    switches: tuple[str, ...],
    at: datetime,
) -> Exposure:
    """Of one session; its row is locked."""
    orders = Order.objects.filter(session=session)
    return Exposure(
        **_totals(orders, Q(), at=at),
        drawdown=session.realised_peak - session.realised,
        losses_in_a_row=_losses(orders, limits, since=_since(session, at), at=at),
        bot_minutes=_bot_minutes(session, at=at) if by_bot else 0.0,
        switches=switches,
    )


def of_user(
    session: TradingSession, limits: Limits, *, switches: tuple[str, ...], at: datetime
) -> Exposure:
    """Of all sessions of its user with the account type; money of its currency alone."""
    theirs = {"user_id": session.user_id, "account_type": session.account_type}
    sessions = TradingSession.objects.filter(**theirs)
    orders = Order.objects.filter(**{f"session__{name}": value for name, value in theirs.items()})
    below = sessions.live().filter(currency=session.currency)
    fall = below.aggregate(fall=Sum(F("realised_peak") - F("realised")))["fall"]
    return Exposure(
        **_totals(orders, Q(session__currency=session.currency), at=at),
        drawdown=fall or Decimal(0),
        losses_in_a_row=_losses(orders, limits, since=_midnight(at), at=at),
        switches=switches,
    )


def trades_today(user: User, *, at: datetime) -> int:
    """Of all account types, since midnight; what the broker refused is none."""
    today = Order.objects.filter(session__user=user, created_at__gte=_midnight(at))
    return today.exclude(state__in=[Order.State.REJECTED, Order.State.NOT_PLACED]).count()


def _totals(orders: Any, of_currency: Q, *, at: datetime) -> dict[str, Any]:
    midnight, hour_ago = _midnight(at), at - HOUR
    open_now = Q(state__in=Order.AT_RISK)
    relevant = orders.filter(open_now | Q(created_at__gt=hour_ago) | Q(settled_at__gte=midnight))
    found = relevant.aggregate(
        day_profit=Sum("profit", filter=Q(settled_at__gte=midnight) & of_currency),
        at_risk=Sum("stake", filter=open_now & of_currency),
        open_positions=Count("pk", filter=open_now),
        trades_last_hour=Count("pk", filter=Q(created_at__gt=hour_ago)),
    )
    return {name: Decimal(0) if value is None else value for name, value in found.items()}


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
