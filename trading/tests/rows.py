"""Sessions that a node owns, with their limits, and their orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading.limits import make_limits
from trading.models import Order, TradingSession

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def a_trading_session(user: User | None = None, **fields: object) -> TradingSession:
    """A connected PRACTICE session on paper, owned by a node until long after noon."""
    values: dict[str, object] = {
        "broker": "paper",
        "account_type": "PRACTICE",
        "currency": "USD",
        "balance": Decimal(10000),
        "state": "connected",
        "node": "a node",
        "fence": 1,
        "lease_until": NOON + timedelta(days=3),
        "created_at": NOON,
        "last_used_at": NOON,
    }
    session = TradingSession.objects.create(user=user or a_user(), **values | fields)
    make_limits(session)
    return session


def an_order(session: TradingSession, **fields: object) -> Order:
    """Open, unless told otherwise."""
    values: dict[str, object] = {
        "asset": "EURUSD-OTC",
        "direction": "call",
        "stake": Decimal(10),
        "minutes": 1,
        "source": "manual",
        "state": "open",
        "created_at": NOON,
    }
    return Order.objects.create(session=session, **values | fields)


def a_settled_order(session: TradingSession, profit: str, at: datetime) -> Order:
    """Of the given profit, at the given moment."""
    amount = Decimal(profit)
    outcome = "won" if amount > 0 else "lost" if amount < 0 else "tied"
    return an_order(
        session,
        state="settled",
        stake=max(abs(amount), Decimal(1)),
        profit=amount,
        outcome=outcome,
        settled_at=at,
        created_at=at - timedelta(minutes=1),
    )
