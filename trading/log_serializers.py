"""What goes out about logs and figures, described for OpenAPI."""

from typing import Any, Final

from rest_framework import serializers

from trading.core.levels import LEVELS
from trading.models import AccountKind
from trading.serializers import SESSION_ID
from visionai.lib.openapi import shows

ENTRY: Final = {
    "id": 9120,
    "at": "2026-11-21T12:01:00Z",
    "session_id": SESSION_ID,
    "broker": "paper",
    "account_type": "PRACTICE",
    "seq": 43,
    "level": "warning",
    "kind": "log",
    "data": {"code": "bot_held_back", "facts": {"reason": "trades_per_hour"}},
}
FIGURES: Final = {
    "session_id": SESSION_ID,
    "account_type": "PRACTICE",
    "uptime_seconds": 7260,
    "connected_at": "2026-11-21T11:58:00Z",
    "reconnects": 1,
    "orders": {"won": 12, "lost": 9, "tied": 1, "open": 1},
    "refusals": {"trades_per_hour": 4},
    "round_trip_ms": {"count": 23, "p50": 142.0, "p95": 238.0},
    "candle_lag_ms": {"count": 120, "p50": 31.2, "p95": 88.0},
    "events": 430,
    "heartbeat_at": "2026-11-21T13:59:00Z",
    "node": "web-1:812:5f0a3b1c",
}


class LogEntryOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    session_id = serializers.UUIDField()
    broker = serializers.CharField()
    account_type = serializers.ChoiceField(choices=AccountKind.choices)
    seq = serializers.IntegerField(help_text="Within its session.")
    level = serializers.ChoiceField(choices=LEVELS)
    kind = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]


@shows({"entries": [ENTRY], "more": False})
class LogOutput(serializers.Serializer[Any]):
    entries = LogEntryOutput(many=True)
    more = serializers.BooleanField(help_text="Whether older ones are left: `before=` the last id.")


class SpreadOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="How many it is taken of, the newest.")
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)


@shows(FIGURES)
class FiguresOutput(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()
    account_type = serializers.ChoiceField(choices=AccountKind.choices)
    uptime_seconds = serializers.IntegerField(help_text="That its connections stood.")
    connected_at = serializers.DateTimeField(allow_null=True, help_text="Since then this one does.")
    reconnects = serializers.IntegerField()
    orders = serializers.DictField(help_text="By outcome; by state where not settled.")
    refusals = serializers.DictField(help_text="That the gate held back, by code.")
    round_trip_ms = SpreadOutput(help_text="From the wire to the broker's answer.")
    candle_lag_ms = SpreadOutput(help_text="From a candle's close to the bot's look.")
    events = serializers.IntegerField()
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    node = serializers.CharField(allow_blank=True)
