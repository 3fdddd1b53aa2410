"""What ends by itself: sessions that nobody uses, and rows that nobody needs any more."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q

from trading import figures
from trading.brokers.paper_rows import forget_accounts
from trading.models import (
    BotRun,
    Challenge,
    ClosedCandle,
    Command,
    Event,
    Order,
    PaperAccount,
    TradingSession,
)
from trading.services import end

IDLE = timedelta(hours=1)  # without a socket, a call and a bot
EVENTS_KEPT = timedelta(days=90)
CANDLES_KEPT = timedelta(days=60)
RUNS_KEPT = timedelta(days=30)  # with every look of the bot
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
    figures.forget_reports(at=at)
    _delete_old_runs(at=at)
    _delete_never_used(at=at)
    _forget_orphans()


def _delete_old_runs(*, at: datetime) -> None:
    """Those that nobody looked through for so long; one that goes on stays whole."""
    oldest = at - RUNS_KEPT
    old = BotRun.objects.filter(started_at__lt=oldest).annotate(last=Max("looks__clock"))
    silent = old.filter(Q(last=None) | Q(last__lte=oldest.timestamp()))
    for pk in list(silent.values_list("pk", flat=True)):
        BotRun.objects.filter(pk=pk).delete()


def _delete_never_used(*, at: datetime) -> None:
    never_used = TradingSession.objects.filter(
        state__in=TradingSession.AT_REST, ended_at__lt=at - EVENTS_KEPT
    ).exclude(pk__in=Order.objects.values("session_id"))
    while pks := list(never_used.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            sure = never_used.select_for_update().filter(pk__in=pks)  # connected meanwhile: stays
            gone = list(sure.values_list("pk", flat=True))
            forget_accounts(str(pk) for pk in gone)
            TradingSession.objects.filter(pk__in=gone).delete()


def _forget_orphans() -> None:
    """Paper accounts of sessions that went some other way, or whose node wrote at their end."""
    keys = PaperAccount.objects.order_by("key").values_list("key", flat=True)
    after = ""
    while batch := list(keys.filter(key__gt=after)[:BATCH]):
        after = batch[-1]
        named = {key: pk for key in batch if (pk := _uuid_of(key))}
        there = set(
            TradingSession.objects.filter(pk__in=named.values()).values_list("pk", flat=True)
        )
        forget_accounts(key for key, pk in named.items() if pk not in there)


def _uuid_of(key: str) -> UUID | None:
    """The session that an account belongs to; None where it was made for something else."""
    try:
        return UUID(key)
    except ValueError:
        return None
