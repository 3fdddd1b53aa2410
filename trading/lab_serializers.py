"""What goes in and out where strategies are tried, described for OpenAPI."""

from decimal import Decimal
from typing import Any, Final

from rest_framework import serializers

from trading.serializers import amount
from visionai.lib.jobs import JobState
from visionai.lib.openapi import shows

SOURCE: Final = {"kind": "paper", "asset": "EURUSD-OTC", "seconds": 60, "count": 5000}
JOB: Final = {
    "uid": "9865ca03-9e8d-45c5-a69f-e2f3526d2ebe",
    "kind": "backtests",
    "name": "rsi",
    "asset": "EURUSD-OTC",
    "seconds": 60,
    "minutes": 1,
    "state": "done",
    "progress": 1.0,
    "step": "",
    "result": {"trades": 201, "profit": "-71.40", "verdict": {"edge": False}},
    "error": None,
    "files": [{"name": "trades.csv", "size": 21400}],
    "created_at": "2026-11-21T12:00:00Z",
}


class LabFileOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")


@shows(JOB)
class LabJobOutput(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["backtests", "agents"])
    name = serializers.CharField(help_text="Of the strategy, or of the agent.")
    asset = serializers.CharField()
    seconds = serializers.IntegerField(help_text="Of a candle.")
    minutes = serializers.IntegerField(help_text="To an option's expiry.")
    state = serializers.ChoiceField(choices=JobState.choices)
    progress = serializers.FloatField(min_value=0, max_value=1)
    step = serializers.CharField(allow_blank=True)
    result = serializers.DictField(
        allow_null=True, help_text="`verdict.edge` says whether an edge was demonstrated."
    )
    error = serializers.CharField(allow_null=True, help_text="One sentence for a person.")
    files = LabFileOutput(many=True)
    created_at = serializers.DateTimeField()


@shows({"jobs": [JOB]})
class LabJobsOutput(serializers.Serializer[Any]):
    jobs = LabJobOutput(many=True)


class LabInput(serializers.Serializer[Any]):
    source = serializers.DictField(  # type: ignore[assignment]
        required=False,
        help_text="Candles: `kind` paper (asset, seconds, start, count), file (file) or recorded"
        " (broker, asset, seconds).",
    )
    minutes = serializers.IntegerField(default=1, min_value=1, max_value=1440)
    payout = serializers.DecimalField(max_digits=5, decimal_places=4, default=Decimal("0.87"))
    strategy = serializers.CharField(required=False, max_length=40, help_text="Of a backtest.")
    parameters = serializers.DictField(required=False, help_text="Of its strategy.")
    stake = amount(required=False, help_text="Of a backtest.")
    name = serializers.CharField(required=False, max_length=60, help_text="Of an agent.")
    seed = serializers.IntegerField(required=False, min_value=0, help_text="Of an agent.")


@shows({"cancelled": True})
class LabCancelledOutput(serializers.Serializer[Any]):
    cancelled = serializers.BooleanField(help_text="False where it had ended already.")


CANDLES: Final = {
    "uid": "5b0f2a3c-53b3-4a34-8d9b-7a3d3b0c8e55",
    "filename": "EURUSD.csv",
    "asset": "EURUSD",
    "seconds": 60,
    "count": 10080,
    "first_start": 1794657600,
    "last_start": 1795262340,
    "size": 544320,
    "created_at": "2026-11-21T12:00:00Z",
}
RSI: Final = {
    "name": "rsi",
    "title": "RSI",
    "description": "Trades against an asset that is overbought or oversold.",
    "schema": {
        "type": "object",
        "properties": {
            "period": {
                "title": "Candles looked at",
                "type": "integer",
                "minimum": 2,
                "maximum": 100,
                "default": 14,
            }
        },
        "additionalProperties": False,
    },
}


class CandleFileInput(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="CSV, up to 16 MB.")


@shows(CANDLES)
class CandleFileOutput(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    filename = serializers.CharField()
    asset = serializers.CharField()
    seconds = serializers.IntegerField(help_text="Of a candle.")
    count = serializers.IntegerField(help_text="Candles.")
    first_start = serializers.IntegerField(help_text="Seconds since 1970, UTC.")
    last_start = serializers.IntegerField(help_text="Of the last candle.")
    size = serializers.IntegerField(help_text="Bytes.")
    created_at = serializers.DateTimeField()


@shows({"candles": [CANDLES]})
class CandleFilesOutput(serializers.Serializer[Any]):
    candles = CandleFileOutput(many=True)


class StrategyOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField(help_text="In the reader's language, as all words here.")
    description = serializers.CharField()
    schema = serializers.DictField(help_text="JSON Schema of its `parameters`.")


@shows({"strategies": [RSI]})
class StrategiesOutput(serializers.Serializer[Any]):
    strategies = StrategyOutput(many=True)


class PromoteInput(serializers.Serializer[Any]):
    session_id = serializers.CharField(max_length=64, help_text="A trading session of yours.")
