"""What goes out about a session: the same rows for pages, API and sockets.

Money is a string with two decimals, a moment ISO 8601 in UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from trading.events import text as money
from trading.models import ClosedCandle, Event, TradingSession


class EventFrame(TypedDict):
    """One event of a session, on its sockets."""

    type: str
    session_id: str
    broker: str
    account_type: str
    seq: int
    kind: str
    level: str
    at: str
    data: Mapping[str, object]


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def session_body(session: TradingSession) -> dict[str, Any]:
    return {
        "session_id": str(session.pk),
        "broker": session.broker,
        "account_type": session.account_type,
        "currency": session.currency,
        "balance": money(session.balance),
        "profit": money(session.realised),
        "state": session.state,
        "reason": session.reason,
        "blocked": session.blocked,
        "bot": {
            "wanted": session.bot_wanted,
            "running": session.bot_running,
            "started_at": moment(session.bot_started_at),
            "strategy": session.strategy,
            "parameters": session.parameters,
            "asset": session.bot_asset,
            "stake": money(session.bot_stake),
            "minutes": session.bot_minutes,
            "candle_seconds": session.candle_seconds,
        },
        "seq": session.event_seq,
        "created_at": moment(session.created_at),
        "last_used_at": moment(session.last_used_at),
        "ended_at": moment(session.ended_at),
    }


def event_body(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "kind": event.kind,
        "level": event.level,
        "at": moment(event.at),
        "data": event.data,
    }


def event_frame(session: TradingSession, event: Event) -> EventFrame:
    return {
        "type": "event",
        "session_id": str(session.pk),
        "broker": session.broker,
        "account_type": session.account_type,
        **event_body(event),  # type: ignore[typeddict-item]
    }


def candle_body(candle: ClosedCandle) -> dict[str, Any]:
    return {
        "start": candle.start,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
    }
