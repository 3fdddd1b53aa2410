"""What backtests and trainings refuse, in words."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from visionai.lib.errors import DomainError

# What the codes of the core and of jobs mean to people.
REASONS: Final[dict[str, str | Promise]] = {
    "unknown_strategy": _("There is no strategy {strategy}."),
    "unknown_parameter": _("The strategy has no parameter {name}."),
    "not_an_object": _("Parameters are names and values."),
    "not_a_number": _("{name} is not a number."),
    "not_whole": _("{name} is not a whole number."),
    "out_of_range": _("{name} lies between {least} and {most}."),
    "bad_choice": _("{name} is none of the choices."),
    "no_agent": _("Choose one of your trained agents."),
    "other_market": _("The agent was trained on candles of {trained} seconds; choose those."),
    "other_expiry": _("The agent was trained for options of {trained} minutes; choose those."),
    "file_too_large": _("It is larger than 16 MB."),
    "not_text": _("It is not text in UTF-8."),
    "not_csv": _("Line {line} is no CSV."),
    "no_column": _("There is not exactly one column {column}."),
    "too_short": _("Line {line} has too few columns."),
    "not_a_price": _("Line {line} has a price that is none."),
    "outside_its_range": _("Line {line} opens or closes outside of its low and high."),
    "not_a_time": _("Line {line} has no time in unix seconds or ISO 8601."),
    "no_zone": _("The time in line {line} has no zone; add Z or an offset."),
    "not_later": _("Line {line} is not later than the line before."),
    "too_many": _("There are more than {most} candles."),
    "too_few": _("There are {found} candles; it takes {least}."),
    "odd_size": _("Candles of {seconds} seconds are not known."),
    "off_the_grid": _("Candle {candle} does not begin at a multiple of {seconds} seconds."),
    "bad_name": _("A name has 1 to 110 letters, digits, spaces and . ( ) + -, and ends in .csv."),
    "name_taken": _("You have candles of that name."),
    "bad_source": _("The candles are named by kind and by what the kind needs."),
    "unknown_asset": _("There is no asset {asset}."),
    "bad_expiry": _("Options of {minutes} minutes cannot be told from candles of this size."),
    "bad_value": _("{name} is out of its range."),
    "internal": _("It failed on our side; try again, and tell us if it fails again."),
    "lost": _("It ended three times without an answer; try fewer candles."),
    "too_long": _("The record is too long to go through."),
    "not_trained": _("Its agent is not there, or not trained yet."),
    "too_slow": _("It took too long; try fewer candles."),
    "cancelled": _("It was cancelled."),
    # What a verdict lacks.
    "seen_in_training": _("It learned from candles of this time; try it on others."),
    "few_seeds": _("It was trained from too few seeds."),
    "few_trades": _("There were too few trades to tell luck from skill."),
    "below_break_even": _("The low end of its win rate is not above break-even."),
    "not_above_hold": _("It is not certain to earn more than not trading."),
    "not_above_random": _("It is not certain to earn more than chance."),
    "not_above_momentum": _("It is not certain to earn more than plain momentum."),
    "not_above_reversal": _("It is not certain to earn more than plain reversal."),
    "seeds_disagree": _("Trained again from other seeds it loses too often."),
}


def worded(code: str, facts: Mapping[str, object]) -> str:
    """A code as a sentence; the code itself where there is none or a fact lacks."""
    try:
        return str(REASONS[code]).format(**facts)
    except (KeyError, IndexError):
        return code


class _Worded(DomainError):
    """One status and code; `why` among the facts is what `REASONS` words."""

    def __init__(self, why: str, **facts: object) -> None:
        super().__init__()
        self.facts = {"why": why, **facts}

    def sentence(self) -> str:
        return worded(str(self.facts["why"]), self.facts)


class BadStrategy(_Worded):
    status, code, title = 422, "bad_parameters", _("The strategy cannot be made of this")


class CandlesRefused(_Worded):
    status, code, title = 422, "bad_candles", _("The candles cannot be used")


class NoCandles(DomainError):
    status, code, title = 400, "no_file", _("There is no file")
    detail = _("Send the file as the multipart field “file”.")


class LabBusy(DomainError):
    status, code, title = 409, "busy_already", _("Another one is running")
    detail = _("One backtest or training runs at a time; wait for {uid} or cancel it.")


class LabFull(DomainError):
    status, code, title = 409, "quota_reached", _("There is no room for more")
    detail = _("You have {most} {what}; delete some first.")


class NoEdge(DomainError):
    status, code, title = 409, "no_demonstrated_edge", _("No demonstrated edge")
    detail = _(
        "With real money only an agent with a demonstrated edge may trade, and this one has"
        " none; use it on a PRACTICE account."
    )


class NotTrained(DomainError):
    status, code, title = 409, "not_trained", _("The agent is not trained")
    detail = _("Wait until its training is done, or train another one.")
