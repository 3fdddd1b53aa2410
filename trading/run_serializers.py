"""What goes out about past runs, described for OpenAPI."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from trading.serializers import amount
from visionai.lib.jobs import JobState
from visionai.lib.openapi import shows

COMMAND: Final = (
    '{"asset":"EURUSD-OTC","closed_at":1795262460,"confidence":0.31,"direction":"put",'
    '"key":"1f1f3a2e-55d5-5c52-b45b-30c2b0b3a6c1","kind":"command","minutes":1,'
    '"reason":"rsi_high","stake":"10.00"}'
)
REPLAY: Final = {
    "uid": "9865ca03-9e8d-45c5-a69f-e2f3526d2ebe",
    "run": 12,
    "state": "done",
    "result": {
        "same": False,
        "looks": 240,
        "commands": 31,
        "refused": 4,
        "difference": {"line": 7, "recorded": COMMAND, "found": ""},
    },
    "error": None,
    "created_at": "2026-11-21T14:00:00Z",
    "ended_at": "2026-11-21T14:00:02Z",
}
RUN: Final = {
    "id": 12,
    "started_at": "2026-11-21T12:00:00Z",
    "strategy": "rsi",
    "parameters": {"period": 14},
    "asset": "EURUSD-OTC",
    "seconds": 60,
    "stake": "10.00",
    "minutes": 1,
    "looks": 240,
    "commands": 31,
    "refused": {"trades_per_hour": 4},
    "last_look_at": "2026-11-21T15:59:00Z",
    "replay": REPLAY,
}


QUEUED: Final = OpenApiExample(
    "On its way",
    value=REPLAY | {"state": "queued", "result": None, "ended_at": None},
    response_only=True,
    status_codes=["202"],
)


class DifferenceOutput(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Of the commands and refusals, from 1.")
    recorded = serializers.CharField(allow_blank=True, help_text="Empty where there was no more.")
    found = serializers.CharField(allow_blank=True)


class ReplayResultOutput(serializers.Serializer[Any]):
    same = serializers.BooleanField(help_text="Whether every byte was.")
    looks = serializers.IntegerField()
    commands = serializers.IntegerField(help_text="That were recorded.")
    refused = serializers.IntegerField(help_text="That the gate held back.")
    difference = DifferenceOutput(allow_null=True, help_text="The first one.")


@shows(REPLAY)
class ReplayOutput(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    run = serializers.IntegerField()
    state = serializers.ChoiceField(choices=JobState.choices)
    result = ReplayResultOutput(allow_null=True)
    error = serializers.CharField(allow_null=True, help_text="One sentence for a person.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class RunOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    strategy = serializers.CharField()
    parameters = serializers.DictField()
    asset = serializers.CharField()
    seconds = serializers.IntegerField(help_text="Of a candle.")
    stake = amount()
    minutes = serializers.IntegerField(help_text="To an option's expiry.")
    looks = serializers.IntegerField(help_text="How often the bot looked at a candle.")
    commands = serializers.IntegerField(help_text="Orders that it asked for and got.")
    refused = serializers.DictField(help_text="Those that it did not get, by code.")
    last_look_at = serializers.DateTimeField(allow_null=True)
    replay = ReplayOutput(allow_null=True, help_text="The newest.")


@shows({"runs": [RUN]})
class RunsOutput(serializers.Serializer[Any]):
    runs = RunOutput(many=True)
