"""What ends by itself: sessions that nobody uses, and rows that nobody needs any more."""

from datetime import datetime, timedelta

from django.db import transaction

from trading.models import Challenge, ClosedCandle, Command, Event, Order, TradingSession
from trading.services import end

IDLE = timedelta(hours=1)  # without a socket, a call and a bot
EVENTS_KEPT = timedelta(days=90)
CANDLES_KEPT = timedelta(days=60)
COMMANDS_KEPT = timedelta(days=1)
BATCH = 200


def end_idle(*, at: datetime) -> int:
    """Leave sessions that nobody uses; how many."""
    unused = TradingSession.objects.live().filter(
        last_used_at__lt=at - IDLE, bot_wanted=False, wanted=TradingSession.Wanted.CONNECTED
    )
    ended = 0
    for pk in list(unused.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            row = unused.select_for_update().filter(pk=pk).first()  # used meanwhile: stays
            if row is not None:
                end(row, reason="idle", at=at)
                ended += 1
    return ended


def clean_up(*, at: datetime) -> None:
    """Once a night. Orders stay: they are what happened to somebody's money."""
    Command.objects.filter(created_at__lt=at - COMMANDS_KEPT).delete()
    Challenge.objects.filter(expires_at__lt=at - COMMANDS_KEPT).delete()
    Event.objects.filter(at__lt=at - EVENTS_KEPT).delete()
    oldest = int((at - CANDLES_KEPT).timestamp())
    ClosedCandle.objects.filter(start__lt=oldest).delete()
    never_used = TradingSession.objects.filter(
        state__in=TradingSession.AT_REST, ended_at__lt=at - EVENTS_KEPT
    ).exclude(pk__in=Order.objects.values("session_id"))
    never_used.delete()
