"""A user's trading as the assistant may tell it: few plain values, and where they are shown."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q, Sum
from django.urls import reverse

from accounts.models import User
from trading.models import Order, TradingSession
from trading.selectors import tally

LATEST: Final = 5
ORDERS: Final = 5
CENT: Final = Decimal("0.01")


def sessions(user: User, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """`start` and `end` narrow what was settled, not which sessions there are."""
    mine = TradingSession.objects.owned_by(user)
    live = list(mine.live().order_by("-created_at")[:LATEST])
    shown = live or list(mine.order_by("-created_at")[:1])
    orders = Order.objects.owned_by(user).select_related("session").order_by("-pk")[:ORDERS]
    links = [{"title": "board", "url": _url(row)} for row in shown]
    return {
        "total": mine.count(),
        "live": mine.live().count(),
        "bots_running": mine.live().filter(bot_running=True).count(),
        "sessions": [_told(row) for row in shown],
        "settled": _settled(user, arguments["start"], arguments["end"]),
        "latest_orders": [_order(order) for order in orders],
        "links": [*links, {"title": "trading home", "url": reverse("trading")}],
    }


def _settled(user: User, start: datetime | None, end: datetime | None) -> list[dict[str, Any]]:
    """What the orders settled in that time came to, by the kind of account and its currency."""
    rows = Order.objects.owned_by(user).filter(state=Order.State.SETTLED)
    rows = rows if start is None else rows.filter(settled_at__gte=start)
    rows = rows if end is None else rows.filter(settled_at__lt=end)
    counted = rows.values("session__account_type", "session__currency").annotate(
        profit=Sum("profit"),
        won=Count("pk", filter=Q(outcome=Order.Outcome.WON)),
        lost=Count("pk", filter=Q(outcome=Order.Outcome.LOST)),
        tied=Count("pk", filter=Q(outcome=Order.Outcome.TIED)),
    )
    return [
        {
            "account_type": one["session__account_type"],
            "currency": one["session__currency"],
            "profit": str(one["profit"].quantize(CENT)),  # SQLite adds in binary
            "won": one["won"],
            "lost": one["lost"],
            "tied": one["tied"],
        }
        for one in counted.order_by("session__account_type", "session__currency")
    ]


def _told(row: TradingSession) -> dict[str, Any]:
    counted = tally(row)
    return {
        "broker": row.broker,
        "account_type": row.account_type,
        "state": row.state,
        "halted": bool(row.blocked),
        "balance": None if row.balance is None else str(row.balance),
        "currency": row.currency,
        "profit": str(row.realised),
        "bot_running": row.bot_running,
        "strategy": row.strategy,
        "asset": row.bot_asset,
        "won": counted["won"],
        "lost": counted["lost"],
        "tied": counted["tied"],
        "open_orders": counted["open"],
        "started": row.created_at.isoformat(timespec="seconds"),
        "ended": row.ended_at.isoformat(timespec="seconds") if row.ended_at else None,
        "url": _url(row),
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "at": order.created_at.isoformat(timespec="seconds"),
        "account_type": order.session.account_type,
        "asset": order.asset,
        "direction": order.direction,
        "stake": str(order.stake),
        "by": order.source,
        "state": order.state,
        "outcome": order.outcome or None,
        "profit": None if order.profit is None else str(order.profit),
    }


def _url(row: TradingSession) -> str:
    return reverse("trading-board", args=[row.pk])
