"""How long the connections of a session stood, and how often one had to be begun again."""

from datetime import datetime
from typing import Final

from trading.models import TradingSession

FIELDS: Final = ("connected_at", "connected_seconds", "reconnects")


def begin(session: TradingSession, *, again: bool, at: datetime) -> None:
    """A connection stands; the caller saves `FIELDS`."""
    if session.connected_at is None:
        session.connected_at = at
    session.reconnects += again


def end(session: TradingSession, *, at: datetime) -> None:
    """It stands no more; the caller saves `FIELDS`."""
    session.connected_seconds = seconds(session, at=at)
    session.connected_at = None


def seconds(session: TradingSession, *, at: datetime) -> int:
    """All connections together. Of a node that fell silent only its last sign of life counts."""
    if session.connected_at is None:
        return session.connected_seconds
    is_led = session.lease_until is not None and session.lease_until > at
    until = at if is_led else min(at, session.heartbeat_at or at)
    return session.connected_seconds + max(0, int((until - session.connected_at).total_seconds()))
