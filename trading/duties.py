"""What this app has a serving process do beside answering."""

from typing import Final

from django.utils import timezone

from sessions_app import changes
from trading import hub
from trading.models import TradingSession
from visionai.lib.runtime import runtime

EVENT: Final = "trading_event"  # subject: the session's id
CANDLE: Final = "trading_candle"  # subject: broker:asset:seconds
NOTE_OPEN = 60.0  # seconds
BATCH = 500


def register() -> None:
    changes.listen(EVENT, hub.events.told)
    changes.listen(CANDLE, hub.candles.told)
    runtime.every(NOTE_OPEN, note_open)


def note_open() -> None:
    """A session on which somebody looks through a socket is in use."""
    open_now = hub.events.subjects()
    for start in range(0, len(open_now), BATCH):
        ids = open_now[start : start + BATCH]
        TradingSession.objects.filter(pk__in=ids).update(last_used_at=timezone.now())
