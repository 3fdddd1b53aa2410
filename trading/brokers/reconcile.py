"""What became of an order that nobody answered: looked for among what the broker shows.

Brokers have no field for a number of ours, so an order is known again by what it is and when it
was sent. That only is unambiguous while at most one such order is in flight.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from trading.brokers.base import Position
from trading.core.market import Direction

BEFORE: Final = timedelta(seconds=1)
AFTER: Final = timedelta(seconds=15)
PATIENCE: Final = timedelta(seconds=60)  # after the expiry
CLEAN_READS: Final = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as it left. Moments are of the broker's clock (`Broker.now`)."""

    reference: str
    asset: str
    direction: Direction
    stake: Decimal
    sent_at: datetime
    ends_by: datetime  # the latest moment at which it may expire


@dataclass(frozen=True, slots=True)
class Placed:
    position: Position


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """It never took effect."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It may still turn up; look again later."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several orders look like it: a person has to look, and the session takes no more orders."""

    positions: tuple[Position, ...]


Fate: TypeAlias = Placed | NotPlaced | Wait | Ambiguous


def fate(
    sent: Sent,
    *,
    open_positions: Iterable[Position],
    closed_positions: Iterable[Position],
    bound: Set[str],
    now: datetime,
    clean_reads: int,
) -> Fate:
    """`bound` are broker ids that other orders of ours hold; `clean_reads` counts the reads of
    open positions and history, this one with it, that succeeded after expiry and patience."""
    every = {one.broker_id: one for one in (*open_positions, *closed_positions)}
    fitting = tuple(
        one for number, one in every.items() if number not in bound and _fits(sent, one)
    )
    if len(fitting) == 1:
        return Placed(fitting[0])
    if fitting:
        return Ambiguous(fitting)
    if now > sent.ends_by + PATIENCE and clean_reads >= CLEAN_READS:
        return NotPlaced()
    return Wait()


def _fits(sent: Sent, position: Position) -> bool:
    if position.reference:
        return position.reference == sent.reference
    return (
        position.asset == sent.asset
        and position.direction is sent.direction
        and position.stake == sent.stake
        and sent.sent_at - BEFORE <= position.opened_at <= sent.sent_at + AFTER
    )
