"""What brokers, strategies, the order gate and the backtest speak of.

Money is `Decimal`, prices are floats, moments are UTC; a candle's moment is its start.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class AccountType(StrEnum):
    PRACTICE = "PRACTICE"
    REAL = "REAL"


class Direction(StrEnum):
    CALL = "call"  # wins when the price ends above where it began
    PUT = "put"


class Outcome(StrEnum):
    WON = "won"
    LOST = "lost"
    TIED = "tied"  # the stake comes back


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that can be traded now, or could be."""

    name: str  # "EURUSD-OTC", what people and calls say
    broker_id: int
    payout: Decimal  # what a won stake of 1 earns beside itself: 0.87
    is_open: bool
    closes_at: datetime | None
    least_stake: Decimal
    most_stake: Decimal
    expirations: tuple[int, ...]  # minutes


@dataclass(frozen=True, slots=True)
class Candle:
    asset: str
    start: datetime
    seconds: int
    open: float
    high: float
    low: float
    close: float
    is_closed: bool = True


@dataclass(frozen=True, slots=True)
class Candles:
    """Closed candles of one asset and size, oldest first; all arrays have the shape (n,)."""

    asset: str
    seconds: int
    start: NDArray[np.int64]  # seconds since 1970
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wants at the close of a candle; `direction` None is to hold."""

    direction: Direction | None
    confidence: float = 0.0  # 0 to 1
    reason: str = ""  # a short code for the log: "rsi_below_30"


class Strategy(Protocol):
    """Says what to do at the close of each candle. Keeps no state: the candles are all it sees."""

    name: str
    needs: int  # closed candles before it can decide

    def decide(self, candles: Candles) -> Decision: ...
