"""What is billable: an order that was settled, a minute that a bot ran. Each counts once."""

from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.acts import BOT_TIME, TRADE
from accounts.models import User
from accounts.usage import record
from trading.models import Order, TradingSession
from trading.order_flow import Owner

MINUTE: Final = 60  # seconds; a bot on shorter candles counts once a minute


def order_settled(session: TradingSession, order: Order) -> None:
    """In the transaction that settles the order."""
    at = order.settled_at or order.created_at
    owner = User(pk=session.user_id)
    record(owner, act=TRADE, key=f"order:{order.pk}", at=at, session_id=str(session.pk))


@transaction.atomic
def bot_candle(owner: Owner, *, seconds: int, at: datetime) -> None:
    """A bot looked at a candle of so many seconds. Another node that looks at it too counts it no
    second time."""
    whose = TradingSession.objects.filter(pk=owner.session_id).values_list("user_id", flat=True)
    user_id = whose.first()
    if user_id is None:
        return
    span = max(seconds, MINUTE)
    key = f"{owner.session_id}:{int(at.timestamp()) // span}:{span}"
    user = User(pk=user_id)
    record(user, act=BOT_TIME, key=key, amount=span, at=at, session_id=str(owner.session_id))
