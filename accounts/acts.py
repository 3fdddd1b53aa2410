"""Acts that are counted, and limits that a plan may set: each with its words and its unit."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from visionai.lib.errors import Text


@dataclass(frozen=True, slots=True)
class Act:
    """`per` amounts make one unit of what is charged: 3600 seconds are an hour."""

    name: str
    label: Text
    unit: Text
    per: int = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many. With an act, so many of it a day (UTC); without, so many at once."""

    name: str
    label: Text
    act: Act | None = None
    is_bytes: bool = False


PREDICTION: Final = Act("prediction", _("Readings of faces"), _("readings"))
EXPORT_RUN: Final = Act("export_run", _("Hardware runs"), _("runs"))
TRADE: Final = Act("trade", _("Settled trades"), _("trades"))
BOT_TIME: Final = Act("bot_time", _("Bot at work"), _("hours"), per=3600)  # in seconds
BACKTEST: Final = Act("backtest", _("Backtests"), _("runs"))
TRAINING: Final = Act("training", _("Trainings"), _("runs"))
ASSISTANT_CALL: Final = Act("assistant_call", _("Calls of the assistant"), _("calls"))

ACTS: Final = {
    act.name: act
    for act in (PREDICTION, EXPORT_RUN, TRADE, BOT_TIME, BACKTEST, TRAINING, ASSISTANT_CALL)
}

TRADING_SESSIONS: Final = Limit("trading_sessions", _("Trading sessions at once"))
TRADES_A_DAY: Final = Limit("trades_a_day", _("Trades a day"), TRADE)
EXPORTS_A_DAY: Final = Limit("exports_a_day", _("Hardware runs a day"), EXPORT_RUN)
STORAGE: Final = Limit("storage", _("Space for networks and exports"), is_bytes=True)
BACKTESTS_A_DAY: Final = Limit("backtests_a_day", _("Backtests a day"), BACKTEST)
TRAININGS_A_DAY: Final = Limit("trainings_a_day", _("Trainings a day"), TRAINING)
ASSISTANT_CALLS_A_DAY: Final = Limit(
    "assistant_calls_a_day", _("Calls of the assistant a day"), ASSISTANT_CALL
)

LIMITS: Final = {
    limit.name: limit
    for limit in (
        TRADING_SESSIONS,
        TRADES_A_DAY,
        EXPORTS_A_DAY,
        STORAGE,
        BACKTESTS_A_DAY,
        TRAININGS_A_DAY,
        ASSISTANT_CALLS_A_DAY,
    )
}


def act_choices() -> list[tuple[str, Text]]:
    return [(act.name, act.label) for act in ACTS.values()]


def limit_choices() -> list[tuple[str, Text]]:
    return [(limit.name, limit.label) for limit in LIMITS.values()]
