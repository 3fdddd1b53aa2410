"""What goes out and comes in, described for OpenAPI. Money is text with two decimals."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from trading.core.levels import LEVELS
from trading.models import BROKERS, AccountKind, Order, TradingSession
from visionai.lib.openapi import shows

SESSION_ID: Final = "3f0c2a5e-8c1d-4a57-9a0e-6b6f2b7f6d11"
BOT: Final = {
    "wanted": True,
    "running": True,
    "started_at": "2026-11-21T12:00:00Z",
    "strategy": "rsi",
    "parameters": {"period": 14},
    "asset": "EURUSD-OTC",
    "stake": "10.00",
    "minutes": 1,
    "candle_seconds": 60,
}
SESSION: Final = {
    "session_id": SESSION_ID,
    "broker": "paper",
    "account_type": "PRACTICE",
    "currency": "USD",
    "balance": "10008.70",
    "profit": "8.70",
    "state": "connected",
    "reason": "",
    "blocked": "",
    "bot": BOT,
    "seq": 42,
    "created_at": "2026-11-21T11:58:00Z",
    "last_used_at": "2026-11-21T12:03:00Z",
    "ended_at": None,
}
ORDER: Final = {
    "id": 7,
    "key": "0f9f4a50-44d3-4d1c-8c55-0a8a8a0a4f55",
    "asset": "EURUSD-OTC",
    "direction": "call",
    "stake": "10.00",
    "minutes": 1,
    "source": "manual",
    "state": "settled",
    "reason": "",
    "payout": "0.87",
    "open_price": 1.14112,
    "close_price": 1.1412,
    "outcome": "won",
    "profit": "8.70",
    "created_at": "2026-11-21T12:00:20Z",
    "sent_at": "2026-11-21T12:00:20Z",
    "opened_at": "2026-11-21T12:00:21Z",
    "expires_at": "2026-11-21T12:01:00Z",
    "settled_at": "2026-11-21T12:01:00Z",
}
LIMITS: Final = {
    "stake": "100.00",
    "daily_loss": "500.00",
    "drawdown": "1000.00",
    "consecutive_losses": 10,
    "trades_per_hour": 60,
    "open_positions": 5,
    "run_minutes": 1440,
    "raises": [{"field": "stake", "value": "150.00", "effective_at": "2026-11-22T12:00:00Z"}],
}
CODE_WANTED: Final = OpenApiExample(
    "The broker asks for a code",
    value={
        "type": "about:blank",
        "title": "The broker asks for a code",
        "status": 422,
        "detail": "Answer with the code that the broker sent you, within five minutes.",
        "code": "two_factor_required",
        "challenge_id": "8c8f7d0e-5a2f-4a5c-9d4b-0f2f3d1a7e10",
        "method": "sms",
    },
    response_only=True,
    status_codes=["422"],
    media_type="application/problem+json",
)


CONNECT: Final = OpenApiExample(
    "Paper", value={"broker": "paper", "account_type": "PRACTICE"}, request_only=True
)
CONNECTED: Final = OpenApiExample(
    "Connected", value=SESSION, response_only=True, status_codes=["200", "201"]
)


def amount(**more: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=14, decimal_places=2, **more)


class BotOutput(serializers.Serializer[Any]):
    wanted = serializers.BooleanField(help_text="Whether it should run.")
    running = serializers.BooleanField(help_text="Whether it does.")
    started_at = serializers.DateTimeField(allow_null=True)
    strategy = serializers.CharField()
    parameters = serializers.DictField()
    asset = serializers.CharField(allow_blank=True)
    stake = amount()
    minutes = serializers.IntegerField(help_text="To an order's expiry.")
    candle_seconds = serializers.IntegerField()


@shows(SESSION)
class TradingSessionOutput(serializers.Serializer[Any]):
    session_id = serializers.UUIDField(help_text="Names the session; it is no key to it.")
    broker = serializers.ChoiceField(choices=BROKERS)
    account_type = serializers.ChoiceField(choices=AccountKind.choices)
    currency = serializers.CharField(allow_blank=True)
    balance = amount(allow_null=True)
    profit = amount(help_text="Of all settled orders of the session.")
    state = serializers.ChoiceField(choices=TradingSession.State.choices)
    reason = serializers.CharField(allow_blank=True, help_text="A code: why it is in that state.")
    blocked = serializers.CharField(allow_blank=True, help_text="A code: why no order passes.")
    bot = BotOutput()
    seq = serializers.IntegerField(help_text="The number of the newest event.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


@shows({"sessions": [SESSION]})
class TradingSessionsOutput(serializers.Serializer[Any]):
    sessions = TradingSessionOutput(many=True)


class ConnectInput(serializers.Serializer[Any]):
    broker = serializers.ChoiceField(choices=["paper", "exnova", "iq", "iqoption"], default="paper")
    account_type = serializers.ChoiceField(choices=AccountKind.choices, default="PRACTICE")
    email = serializers.CharField(default="", allow_blank=True, allow_null=True, max_length=190)
    password = serializers.CharField(
        default="",
        allow_blank=True,
        allow_null=True,
        max_length=200,
        trim_whitespace=False,
        write_only=True,
    )
    session_id = serializers.CharField(
        default=None, allow_null=True, allow_blank=True, max_length=64, help_text="To come back."
    )
    keep_password = serializers.BooleanField(
        default=False, help_text="Keep it, sealed, to come back after the broker's token expires."
    )


class VerifyInput(serializers.Serializer[Any]):
    challenge_id = serializers.CharField(max_length=64)
    code = serializers.CharField(
        default="", allow_blank=True, max_length=20, help_text="What the broker sent you."
    )
    method = serializers.CharField(
        default="", allow_blank=True, max_length=20, help_text='"sms" to have one sent.'
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["code"] and not attrs["method"]:
            raise serializers.ValidationError("code or method")
        return attrs


class BotInput(serializers.Serializer[Any]):
    strategy = serializers.CharField(required=False, max_length=40)
    parameters = serializers.DictField(required=False)
    asset = serializers.CharField(required=False, max_length=40)
    stake = amount(required=False)
    minutes = serializers.IntegerField(required=False, min_value=1, max_value=1440)
    candle_seconds = serializers.IntegerField(required=False, min_value=1)


@extend_schema_field({"type": "string", "enum": ["call", "put"]})
class DirectionField(serializers.CharField):
    """In any case, as clients write it."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).strip().lower()


class TradeInput(serializers.Serializer[Any]):
    key = serializers.UUIDField(
        required=False, help_text="Yours, new for each trade: sent twice, it is one order."
    )
    asset = serializers.CharField(max_length=40)
    direction = DirectionField(max_length=10)
    stake = amount()
    minutes = serializers.IntegerField(min_value=1, max_value=1440)


class OriginalTradeInput(serializers.Serializer[Any]):
    """The same in the original's words."""

    key = serializers.UUIDField(required=False)
    asset = serializers.CharField(max_length=40)
    direction = DirectionField(max_length=10)
    amount = amount(source="stake")
    expiration = serializers.IntegerField(source="minutes", default=1, min_value=1, max_value=1440)


@shows(ORDER)
class OrderOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.UUIDField()
    asset = serializers.CharField()
    direction = serializers.ChoiceField(choices=["call", "put"])
    stake = amount()
    minutes = serializers.IntegerField()
    source = serializers.ChoiceField(choices=Order.Source.choices)  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=Order.State.choices)
    reason = serializers.CharField(allow_blank=True)
    payout = serializers.CharField(allow_null=True, help_text="Of a stake of 1, beside it.")
    open_price = serializers.FloatField(allow_null=True)
    close_price = serializers.FloatField(allow_null=True)
    outcome = serializers.CharField(allow_blank=True, help_text="won, lost or tied.")
    profit = amount(allow_null=True)
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


@shows({"orders": [ORDER], "more": False})
class OrdersOutput(serializers.Serializer[Any]):
    orders = OrderOutput(many=True)
    more = serializers.BooleanField(help_text="Whether older ones are left: `before=` the last id.")


class AssetOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    payout = serializers.CharField()
    is_open = serializers.BooleanField()
    closes_at = serializers.DateTimeField(allow_null=True)
    least_stake = amount()
    most_stake = amount()
    expirations = serializers.ListField(child=serializers.IntegerField(), help_text="Minutes.")


ASSET: Final = {
    "name": "EURUSD-OTC",
    "payout": "0.87",
    "is_open": True,
    "closes_at": None,
    "least_stake": "1.00",
    "most_stake": "20000.00",
    "expirations": [1, 5, 15],
}


@shows({"assets": [ASSET]})
class AssetsOutput(serializers.Serializer[Any]):
    assets = AssetOutput(many=True)


class CandleOutput(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="Seconds since 1970, UTC.")
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()


CANDLE: Final = {"start": 1795262400, "open": 1.1411, "high": 1.1413, "low": 1.141, "close": 1.1412}


@shows({"asset": "EURUSD-OTC", "seconds": 60, "candles": [CANDLE]})
class CandlesOutput(serializers.Serializer[Any]):
    asset = serializers.CharField()
    seconds = serializers.IntegerField()
    candles = CandleOutput(many=True)


class EventOutput(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField(help_text="state, bot, order, balance, log, halt or limits.")
    level = serializers.ChoiceField(choices=LEVELS)
    at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]


EVENT: Final = {
    "seq": 43,
    "kind": "balance",
    "level": "info",
    "at": "2026-11-21T12:01:00Z",
    "data": {"balance": "10008.70", "currency": "USD"},
}


@shows(
    {
        "session_id": SESSION_ID,
        "account_type": "PRACTICE",
        "events": [EVENT],
        "seq": 43,
        "more": False,
    }
)
class EventsOutput(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()
    account_type = serializers.ChoiceField(choices=AccountKind.choices)
    events = EventOutput(many=True)
    seq = serializers.IntegerField(help_text="The number of the newest event.")
    more = serializers.BooleanField(help_text="Whether newer ones are left: `after=` the last.")


class RaiseOutput(serializers.Serializer[Any]):
    field = serializers.CharField()
    value = serializers.CharField()
    effective_at = serializers.DateTimeField()


@shows(LIMITS)
class LimitsOutput(serializers.Serializer[Any]):
    stake = amount()
    daily_loss = amount()
    drawdown = amount(help_text="Below the best that the settled orders had earned.")
    consecutive_losses = serializers.IntegerField()
    trades_per_hour = serializers.IntegerField()
    open_positions = serializers.IntegerField()
    run_minutes = serializers.IntegerField(help_text="Of a bot, since its start.")
    raises = RaiseOutput(many=True, help_text="Asked for, and not in force yet.")


class LimitsInput(serializers.Serializer[Any]):
    stake = amount(required=False)
    daily_loss = amount(required=False)
    drawdown = amount(required=False)
    consecutive_losses = serializers.IntegerField(required=False)
    trades_per_hour = serializers.IntegerField(required=False)
    open_positions = serializers.IntegerField(required=False)
    run_minutes = serializers.IntegerField(required=False)


class RealInput(serializers.Serializer[Any]):
    password = serializers.CharField(trim_whitespace=False, write_only=True)
    typed = serializers.CharField(help_text='"REAL 50.00": the word and the limit of a day.')
    daily_loss = amount()


@shows({"needs": "confirmation"})
class RealOutput(serializers.Serializer[Any]):
    needs = serializers.CharField(
        allow_null=True, help_text="setting, grant or confirmation; null where real orders pass."
    )


@shows({"halted": True, "switches": ["user:7"]})
class HaltOutput(serializers.Serializer[Any]):
    halted = serializers.BooleanField()
    switches = serializers.ListField(child=serializers.CharField(), help_text="Those that are on.")


@shows({"method": "sms", "challenge_id": "8c8f7d0e-5a2f-4a5c-9d4b-0f2f3d1a7e10"})
class CodeSentOutput(serializers.Serializer[Any]):
    challenge_id = serializers.UUIDField()
    method = serializers.CharField()
