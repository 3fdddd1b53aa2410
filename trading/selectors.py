"""What is asked about trading, and found."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from trading.models import ClosedCandle, Event, Order, TradingSession
from trading.refusals import NotFound

MOST = 200  # rows of one answer
AnyUser = AbstractBaseUser | AnonymousUser


def own_session(user: AnyUser, text: object) -> TradingSession:
    """One of the user's own. Raises `NotFound`, for somebody else's and for nonsense too."""
    try:
        pk = uuid.UUID(str(text))
    except ValueError as error:
        raise NotFound from error
    found = TradingSession.objects.owned_by(user).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def events_after(
    session: TradingSession, seq: int, *, most: int = MOST
) -> tuple[list[Event], bool]:
    """(the events that follow, oldest first; whether more are left)"""
    rows = list(session.events.filter(seq__gt=seq).order_by("seq")[: most + 1])
    return rows[:most], len(rows) > most


def orders_before(
    session: TradingSession, pk: int | None = None, *, most: int = MOST
) -> tuple[list[Order], bool]:
    """(orders, newest first; whether older ones are left)"""
    rows = session.orders.order_by("-pk")
    if pk is not None:
        rows = rows.filter(pk__lt=pk)
    found = list(rows[: most + 1])
    return found[:most], len(found) > most


def candles_of(broker: str, asset: str, seconds: int, *, count: int) -> list[ClosedCandle]:
    """The newest that are kept, oldest first."""
    rows = ClosedCandle.objects.filter(broker=broker, asset=asset, seconds=seconds)
    return list(rows.order_by("-start")[:count])[::-1]


def as_candles(result: Mapping[str, Any]) -> list[dict[str, object]]:
    """Candles of a node's answer, by name."""
    names = ("start", "open", "high", "low", "close")
    return [dict(zip(names, one, strict=False)) for one in result["candles"]]


def tally(session: TradingSession) -> dict[str, Any]:
    """How the settled orders of a session ended."""
    counts = {"won": 0, "lost": 0, "tied": 0}
    staked = Decimal(0)
    settled = session.orders.filter(state=Order.State.SETTLED)
    for outcome, stake in settled.values_list("outcome", "stake"):
        counts[outcome] += 1
        staked += stake
    open_now = session.orders.at_risk().count()
    return {**counts, "settled": sum(counts.values()), "staked": staked, "open": open_now}
