"""What is billable: an order that was settled, a minute that a bot ran. Each counts once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.acts import BOT_TIME, TRADE
from accounts.usage import Used, record_many
from trading.models import Order, TradingSession
from trading.order_flow import Owner

MINUTE: Final = 60  # seconds; a bot on shorter candles counts once a minute


def orders_settled(settled: Sequence[tuple[TradingSession, Order]]) -> None:
    """In the transaction that settles them."""
    record_many(
        Used(
            user_id=session.user_id,
            act=TRADE,
            key=f"order:{order.pk}",
            at=order.settled_at or order.created_at,
            session=str(session.pk),
        )
        for session, order in settled
    )


@dataclass(frozen=True, slots=True)
class BotTime:
    """A bot looked at a candle of so many seconds."""

    owner: Owner
    seconds: int
    at: datetime

    @property
    def span(self) -> int:
        return max(self.seconds, MINUTE)


@transaction.atomic
def bots_looked(looked: Sequence[BotTime]) -> None:
    """Another node that looks at the same candle counts it no second time."""
    ids = {one.owner.session_id for one in looked}
    users = dict(TradingSession.objects.filter(pk__in=ids).values_list("pk", "user_id"))
    record_many(
        Used(
            user_id=users[one.owner.session_id],
            act=BOT_TIME,
            key=f"{one.owner.session_id}:{int(one.at.timestamp()) // one.span}:{one.span}",
            amount=one.span,
            at=one.at,
            session=str(one.owner.session_id),
        )
        for one in looked
        if one.owner.session_id in users
    )
