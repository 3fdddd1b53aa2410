"""Whether an order may pass. One answer for a bot, a person and the backtest.

What is at risk counts as lost until it is settled, so that no limit can be passed by orders that
are open at once. Whatever is unclear (a figure that is no finite number, or below zero where none
can be) is a refusal.
"""

from dataclasses import dataclass, fields
from decimal import Decimal

UNCLEAR = "unclear"
HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be; money in the account's currency. An order that meets one passes."""

    stake: Decimal
    daily_loss: Decimal
    drawdown: Decimal  # below the best that the settled orders had earned
    consecutive_losses: int  # so many, and no further order passes
    trades_per_hour: int
    open_positions: int
    run_minutes: int  # of a bot, since its start


@dataclass(frozen=True, slots=True)
class Exposure:
    """What has happened so far, in one session or in all of a user's."""

    day_profit: Decimal = Decimal(0)  # of orders settled since midnight UTC; below 0 for a loss
    at_risk: Decimal = Decimal(0)  # the stakes of orders that are not settled
    drawdown: Decimal = Decimal(0)  # how far the settled orders are below their best
    losses_in_a_row: int = 0
    trades_last_hour: int = 0
    open_positions: int = 0
    bot_minutes: float = 0.0
    switches: tuple[str, ...] = ()  # kill switches that are on: "everything", "broker:exnova"…


@dataclass(frozen=True, slots=True)
class Ask:
    """An order as far as risk goes."""

    stake: Decimal
    by_bot: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """`limit` names the field of `Limits`, or is `unclear` or `halted`."""

    limit: str
    allowed: str = ""
    found: str = ""  # what it would have been; the switch that is on


def refusal(limits: Limits, exposure: Exposure, order: Ask) -> Refusal | None:
    """Why the order may not pass, the first reason found; None when it may."""
    if exposure.switches:
        return Refusal(HALTED, found=exposure.switches[0])
    if unclear := _unclear(limits, exposure, order):
        return Refusal(UNCLEAR, found=unclear)
    risked = exposure.at_risk + order.stake
    amounts = [
        ("stake", order.stake),
        ("daily_loss", risked - exposure.day_profit),
        ("drawdown", risked + exposure.drawdown),
        ("open_positions", exposure.open_positions + 1),
        ("trades_per_hour", exposure.trades_last_hour + 1),
        ("consecutive_losses", exposure.losses_in_a_row + 1),
    ]
    if order.by_bot:
        amounts.append(("run_minutes", exposure.bot_minutes))
    for name, found in amounts:
        allowed = getattr(limits, name)
        if found > allowed:
            return Refusal(name, allowed=str(allowed), found=str(found))
    return None


def strictest(*several: Limits) -> Limits:
    """The smallest of each limit."""
    smallest = {
        field.name: min(getattr(one, field.name) for one in several) for field in fields(Limits)
    }
    return Limits(**smallest)


def _unclear(limits: Limits, exposure: Exposure, order: Ask) -> str | None:
    """The name of a figure that cannot be relied on."""
    if not _is_number(order.stake) or order.stake <= 0:
        return "stake"
    for field in fields(Limits):
        value = getattr(limits, field.name)
        if not _is_number(value) or value < 0:
            return field.name
    for field in fields(Exposure):
        if field.name == "switches":
            continue
        value = getattr(exposure, field.name)
        if not _is_number(value) or (value < 0 and field.name != "day_profit"):
            return field.name
    return None


def _is_number(value: object) -> bool:
    """A finite number of a kind that compares exactly; money as a float is none."""
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and abs(value) < float("inf"))
