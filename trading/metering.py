"""What is billable: an order that was settled, a minute that a bot ran. Each counts once."""

from datetime import datetime

from trading.models import Order, TradingSession
from trading.order_flow import Owner


def order_settled(session: TradingSession, order: Order) -> None:
    """In the transaction that settles the order."""


def bot_candle(owner: Owner, *, seconds: int, at: datetime) -> None:
    """A bot looked at a candle of so many seconds."""
