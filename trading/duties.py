"""What this app has a serving process do beside answering."""

from django.utils import timezone

from sessions_app import changes
from trading import hub
from trading.events import TRADING_CANDLE, TRADING_EVENT
from trading.services import touch
from visionai.lib.runtime import runtime

NOTE_OPEN = 60.0  # seconds


def register() -> None:
    changes.listen(TRADING_EVENT, hub.events.told)
    changes.listen(TRADING_CANDLE, hub.candles.told)
    runtime.every(NOTE_OPEN, note_open)


def note_open() -> None:
    """A session on which somebody looks through a socket is in use."""
    touch(hub.events.subjects(), at=timezone.now())
