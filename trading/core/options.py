"""What an option bought after each candle would have paid: the truth that agents learn from.

It is bought at the first price after the candle's close and ends on the platform's grid; both
prices are read the same way, so that a backtest, the environment and an evaluation agree.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trading.core.expiry import expiry_of
from trading.core.features import features, whole_windows
from trading.core.market import Candles, Direction

HOLD, CALL, PUT = 0, 1, 2  # the columns of `Table.rewards`, and an agent's actions
DIRECTIONS: Final = (None, Direction.CALL, Direction.PUT)


@dataclass(frozen=True, slots=True)
class Terms:
    """Of every option, in shares of its stake."""

    payout: float = 0.87  # earned by a win; a loss costs 1, a tie nothing
    minutes: int = 1
    cost: float = 0.0  # of every trade, whatever comes of it
    slippage: float = 0.0  # share of the price by which the entry is worse than the last one
    dead_time: int = 5  # seconds before an end in which it can no longer be bought

    @property
    def break_even(self) -> float:
        """The share of decided trades that must win for nothing to be lost."""
        return (1.0 + self.cost) / (1.0 + self.payout)


@dataclass(frozen=True, slots=True)
class Table:
    """For each candle what is seen at its close, and what each action would bring."""

    candles: Candles
    terms: Terms
    seen: NDArray[np.float32]  # (n, features.COUNT)
    rewards: NDArray[np.float64]  # (n, 3): of holding, a call and a put; NaN where not usable
    after: NDArray[np.int64]  # (n,): the first candle whose close lies at or after the end
    usable: NDArray[np.bool_]  # (n,): seen whole, bought at once, and settled within the data

    def __len__(self) -> int:
        return len(self.usable)


def ends_of(candles: Candles, terms: Terms) -> NDArray[np.int64]:
    """When an option ends that is bought at the close of each candle; unix seconds."""
    closes = candles.start + candles.seconds
    by_phase: dict[int, int] = {}
    for close in closes:
        phase = int(close) % 3600
        if phase not in by_phase:
            found = expiry_of(int(close), terms.minutes, dead_time=terms.dead_time)
            by_phase[phase] = found - int(close)
    away = [by_phase[int(close) % 3600] for close in closes]
    return np.asarray(closes + np.array(away, np.int64), np.int64)


def prices_at(candles: Candles, moments: NDArray[np.int64]) -> NDArray[np.float64]:
    """The price at each moment: the open of the candle that begins then, else the last close.

    NaN before the first candle, within one, and after the end of the last.
    """
    index = np.searchsorted(candles.start, moments, side="right") - 1
    inside = (index >= 0) & (moments <= int(candles.start[-1]) + candles.seconds)
    index = np.clip(index, 0, len(candles) - 1)
    begins = candles.start[index] == moments
    ended = candles.start[index] + candles.seconds <= moments
    found = np.where(begins, candles.open[index], candles.close[index])
    return np.where(inside & (begins | ended), found, np.nan)


def table(candles: Candles, terms: Terms) -> Table:
    """Everything that could have been done with these candles."""
    count = len(candles)
    closes, ends = candles.start + candles.seconds, ends_of(candles, terms)
    entry, leave = prices_at(candles, closes), prices_at(candles, ends)
    at_once = np.zeros(count, np.bool_)  # the market was open: a candle begins at the close
    at_once[:-1] = candles.start[1:] == closes[:-1]
    usable = whole_windows(candles) & at_once & np.isfinite(leave)
    rewards = np.zeros((count, 3))
    for action, side in ((CALL, 1.0), (PUT, -1.0)):
        won = np.sign(side * (leave - entry * (1.0 + side * terms.slippage)))
        rewards[:, action] = np.where(won > 0, terms.payout, won) - terms.cost
    rewards[~usable] = np.nan
    after = np.searchsorted(closes, ends, side="left")
    return Table(candles, terms, features(candles), rewards, after, usable)
