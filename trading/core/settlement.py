"""What an option of fixed payout returns."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from trading.core.market import Direction, Outcome

CENT: Final = Decimal("0.01")


def outcome_of(direction: Direction, *, opened: float, closed: float) -> Outcome:
    if closed == opened:
        return Outcome.TIED
    return Outcome.WON if (closed > opened) == (direction is Direction.CALL) else Outcome.LOST


def profit_of(outcome: Outcome, *, stake: Decimal, payout: Decimal) -> Decimal:
    """What the balance gains beside the stake; a fraction of a cent stays with the broker."""
    if outcome is Outcome.WON:
        return (stake * payout).quantize(CENT, ROUND_DOWN)
    return -stake if outcome is Outcome.LOST else Decimal("0.00")
