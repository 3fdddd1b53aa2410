from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import User
from sessions_app.changes import announce
from sessions_app.tests.factories import a_user
from trading.events import TRADING_CANDLE, emit
from trading.models import ClosedCandle, Event, Order, TradingSession

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def a_trading_session(user: User | None = None, **fields: Any) -> TradingSession:
    facts: dict[str, Any] = {
        "broker": "paper",
        "account_type": "PRACTICE",
        "currency": "USD",
        "balance": Decimal("10000.00"),
        "state": TradingSession.State.CONNECTED,
        "created_at": NOON,
        "last_used_at": NOON,
    }
    return TradingSession.objects.create(user=user or a_user(), **facts | fields)


def an_event(session: TradingSession, kind: str = "log", **data: object) -> Event:
    """The next one, told to all processes."""
    with transaction.atomic():
        event = emit(session, kind, data, at=NOON)
    assert event is not None
    return event


def an_order(session: TradingSession, **fields: Any) -> Order:
    facts: dict[str, Any] = {
        "asset": "EURUSD-OTC",
        "direction": "call",
        "stake": Decimal(10),
        "minutes": 1,
        "source": Order.Source.MANUAL,
        "created_at": NOON,
    }
    return Order.objects.create(session=session, **facts | fields)


def a_candle(start: int, *, broker: str = "paper", asset: str = "EURUSD-OTC") -> ClosedCandle:
    facts = {"open": 1.1, "high": 1.3, "low": 1.0, "close": 1.2}
    candle = ClosedCandle.objects.create(
        broker=broker, asset=asset, seconds=60, start=start, **facts
    )
    announce(TRADING_CANDLE, f"{broker}:{asset}:60")
    return candle
