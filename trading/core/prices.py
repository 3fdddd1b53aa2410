"""Prices with random access: what one second costs depends on the seed, the asset and the second.

Whoever asks for the same second gets the same price, now or after a restart. Seconds are counted
since 1970; the price of a second holds until the next one.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from trading.core.market import Candle, Candles

DAY: Final = 86_400
FIRST_DAY: Final = 18_262  # 1 January 2020
DAYS: Final = 30_000  # until 2102
KEPT_DAYS: Final = 4


class Prices(Protocol):
    def at(self, second: int) -> float: ...

    def between(self, start: int, end: int) -> NDArray[np.float64]:
        """Of the seconds from `start` up to but without `end`; shape (end - start,)."""
        ...


class Walk:
    """A driftless geometric random walk; its logarithm gains `step` a second, one sigma.

    Days hang together by a walk of their own, and each is filled with a bridge between its ends:
    conditioned on both ends a Brownian motion is a bridge, so that the whole is a plain walk.
    """

    def __init__(
        self, seed: int, asset: str, *, start: float, step: float = 2e-5, digits: int = 5
    ) -> None:
        self._key = (seed % 2**63, crc32(asset.encode()))
        self._start, self._step, self._digits = start, step, digits
        jumps = np.random.default_rng(self._key).standard_normal(DAYS) * step * np.sqrt(DAY)
        self._levels = np.concatenate([[0.0], np.cumsum(jumps)])
        self._days: OrderedDict[int, NDArray[np.float64]] = OrderedDict()

    def at(self, second: int) -> float:
        day, within = divmod(second, DAY)
        return float(self._day(day)[within])

    def between(self, start: int, end: int) -> NDArray[np.float64]:
        parts, at = [], start
        while at < end:
            day, within = divmod(at, DAY)
            part = self._day(day)[within : within + end - at]
            parts.append(part)
            at += len(part)
        return np.concatenate(parts) if parts else np.empty(0)

    def _day(self, day: int) -> NDArray[np.float64]:
        if day in self._days:
            self._days.move_to_end(day)
            return self._days[day]
        if not FIRST_DAY <= day < FIRST_DAY + DAYS:
            raise ValueError(f"day {day} has no prices")
        steps = np.random.default_rng((*self._key, day)).standard_normal(DAY) * self._step
        path = np.concatenate([[0.0], np.cumsum(steps)])
        low, high = self._levels[day - FIRST_DAY : day - FIRST_DAY + 2]
        bridge = path[:-1] + np.arange(DAY) / DAY * (high - low - path[-1])
        prices: NDArray[np.float64] = np.round(self._start * np.exp(low + bridge), self._digits)
        self._days[day] = prices
        if len(self._days) > KEPT_DAYS:
            self._days.popitem(last=False)
        return prices


@dataclass(frozen=True)
class Recording:
    """Recorded prices, one a second, played again and again from 1970 on."""

    prices: NDArray[np.float64]

    def at(self, second: int) -> float:
        return float(self.prices[second % len(self.prices)])

    def between(self, start: int, end: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.prices[np.arange(start, end) % len(self.prices)]
        return found


def read_recording(lines: Iterable[str]) -> Recording:
    """From lines of `unix second,price`, ascending; a gap keeps the last price.

    A first line without numbers is a heading. Raises `ValueError` that names the line.
    """
    seconds: list[int] = []
    prices: list[float] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            second, price = (part.strip() for part in line.split(","))
            moment, cost = int(second), float(price)
        except ValueError:
            if number == 1:
                continue
            raise ValueError(f"line {number} is not `unix second,price`") from None
        if not (np.isfinite(cost) and cost > 0) or (seconds and moment <= seconds[-1]):
            raise ValueError(f"line {number} is no price, or not later than the line before")
        seconds.append(moment)
        prices.append(cost)
    if not seconds or seconds[-1] - seconds[0] >= 31 * DAY:
        raise ValueError("a recording holds at least one price and at most 31 days")
    moments = np.arange(seconds[0], seconds[-1] + 1)
    held = np.searchsorted(seconds, moments, side="right") - 1
    return Recording(np.asarray(prices)[held])


def candles_of(prices: Prices, asset: str, *, seconds: int, start: int, count: int) -> Candles:
    """`count` candles from `start` on, which is a multiple of `seconds`."""
    grid = prices.between(start, start + count * seconds).reshape(count, seconds)
    starts = start + seconds * np.arange(count, dtype=np.int64)
    return Candles(
        asset,
        seconds,
        starts,
        open=grid[:, 0],
        high=grid.max(axis=1, initial=0.0),
        low=grid.min(axis=1, initial=np.inf),
        close=grid[:, -1],
    )


def candle_at(prices: Prices, asset: str, *, seconds: int, second: int) -> Candle:
    """The candle that `second` lies in, as far as it has come by then: still forming."""
    start = second - second % seconds
    seen = prices.between(start, second + 1)
    return Candle(
        asset,
        datetime.fromtimestamp(start, UTC),
        seconds,
        float(seen[0]),
        float(seen.max()),
        float(seen.min()),
        float(seen[-1]),
        is_closed=False,
    )


def listed(candles: Candles) -> list[Candle]:
    """The same candles, one object each."""
    return [
        Candle(
            candles.asset,
            datetime.fromtimestamp(int(candles.start[i]), UTC),
            candles.seconds,
            float(candles.open[i]),
            float(candles.high[i]),
            float(candles.low[i]),
            float(candles.close[i]),
        )
        for i in range(len(candles))
    ]
