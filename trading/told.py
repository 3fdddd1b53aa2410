"""A user's trading as the assistant may tell it: few plain values, and where they are shown."""

from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse

from accounts.models import User
from trading.models import Order, TradingSession
from trading.selectors import tally

LATEST: Final = 5
ORDERS: Final = 5


def sessions(user: User, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
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
        "latest_orders": [_order(order) for order in orders],
        "links": [*links, {"title": "trading home", "url": reverse("trading")}],
    }


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
