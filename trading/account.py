"""What an account's owner may ask of this app, and what the end of a login does to bots.

A login that was left, or ran out, lets its bots run. One that was taken back stops them at once:
no new order, what is open is followed to its end, the password is forgotten with the end of the
login and the token with the last settlement.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from trading.brokers.paper_rows import forget_accounts
from trading.gate import TAKEN_BACK
from trading.lab_services import erase_of
from trading.limits import NAMES
from trading.models import Agent, Backtest, CandleFile, Event, LimitSet, Order, TradingSession
from trading.services import end

Part = tuple[str, Iterator[Mapping[str, object]]]
REASON = "login_ended"


def stop_of_login(sesion_id: int, reason: Sesion.EndReason, at: datetime) -> None:
    """Leave the sessions of a login that was taken back."""
    if reason in TAKEN_BACK:
        _stop(Q(sesion_id=sesion_id), at=at)


def stop_of_user(user: User, reason: Sesion.EndReason, keep: int | None, at: datetime) -> None:
    """The same for all logins but one, also for sessions whose login is long over."""
    if reason in TAKEN_BACK:
        others = Q(sesion_id=None) | ~Q(sesion_id=keep) if keep else Q()
        _stop(Q(user=user) & others, at=at)


def stop_disabled(user: User) -> None:
    _stop(Q(user=user), at=timezone.now())


def export_sessions(user: User) -> Part:
    columns = ("id", "broker", "account_type", "currency", "balance", "state", "strategy")
    rows = TradingSession.objects.owned_by(user).order_by("created_at")
    return "trading_sessions", rows.values(*columns, "created_at", "ended_at").iterator()


def export_orders(user: User) -> Part:
    columns = ("session_id", "asset", "direction", "stake", "minutes", "source", "state")
    ends = ("outcome", "profit", "created_at", "opened_at", "settled_at")
    rows = Order.objects.owned_by(user).order_by("pk")
    return "orders", rows.values(*columns, *ends).iterator()


def export_limits(user: User) -> Part:
    rows = LimitSet.objects.filter(user=user).order_by("scope")
    return "limits", rows.values("scope", *NAMES).iterator()


def export_log(user: User) -> Part:
    rows = Event.objects.filter(session__in=TradingSession.objects.owned_by(user)).order_by("pk")
    columns = ("session_id", "seq", "at", "level", "kind", "data")
    return "trading_log", rows.values(*columns).iterator()


def export_candles(user: User) -> Part:
    rows = CandleFile.objects.owned_by(user)
    columns = ("filename", "asset", "seconds", "count", "size", "created_at")
    return "candle_files", rows.values(*columns).iterator()


def export_backtests(user: User) -> Part:
    rows = Backtest.objects.owned_by(user)
    columns = ("uid", "asset", "strategy", "parameters", "state", "result", "created_at")
    return "backtests", rows.values(*columns).iterator()


def export_agents(user: User) -> Part:
    rows = Agent.objects.owned_by(user)
    columns = ("uid", "name", "asset", "state", "has_edge", "result", "created_at")
    return "agents", rows.values(*columns).iterator()


def erase_trading(user: User) -> None:
    """Remove it all. A node that follows a session finds it gone and leaves the broker."""
    mine = TradingSession.objects.filter(user=user)
    mine.select_for_update().order_by("pk").first()
    forget_accounts(str(pk) for pk in mine.values_list("pk", flat=True))
    mine.delete()
    erase_of(user)


def _stop(which: Q, *, at: datetime) -> None:
    live = TradingSession.objects.filter(which).filter(wanted=TradingSession.Wanted.CONNECTED)
    for row in live.select_for_update().order_by("pk"):
        end(row, reason=REASON, at=at)
