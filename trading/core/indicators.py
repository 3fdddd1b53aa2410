"""Indicators over closed candles. Each value looks only at its own candle and earlier ones.

All take and give arrays of the shape (n,); the values before an indicator has enough to go on are
NaN. Definitions, warm-up and smoothing are TA-Lib's, with which the tests compare them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Macd(NamedTuple):
    line: Floats
    signal: Floats
    histogram: Floats


class Bands(NamedTuple):
    upper: Floats
    middle: Floats
    lower: Floats


class Stochastic(NamedTuple):
    k: Floats
    d: Floats


def sma(values: Floats, period: int) -> Floats:
    """Simple moving average."""
    _check(period)
    found = _unknown(values)
    if len(values) >= period:
        found[period - 1 :] = rolling_sum(values, period) / period
    return found


def ema(values: Floats, period: int) -> Floats:
    """Exponential moving average that begins with the simple one."""
    _check(period)
    return _smoothed(values, period, 2.0 / (period + 1))


def deviation(values: Floats, period: int) -> Floats:
    """Standard deviation of the last `period` values, as of a population."""
    _check(period)
    found = _unknown(values)
    if len(values) >= period:
        windows = np.lib.stride_tricks.sliding_window_view(values, period)
        found[period - 1 :] = windows.std(axis=1)
    return found


def rsi(close: Floats, period: int = 14) -> Floats:
    """Relative strength index by Wilder, 0 to 100; 0 where nothing moved."""
    _check(period, least=2)
    found = _unknown(close)
    if len(close) <= period:
        return found
    change = np.diff(close)
    gain = _smoothed(np.maximum(change, 0.0), period, 1.0 / period)
    loss = _smoothed(np.maximum(-change, 0.0), period, 1.0 / period)
    total = gain + loss
    still = total == 0
    index = 100.0 * gain / np.where(still, 1.0, total)
    found[1:] = np.where(still, 0.0, index)
    return found


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Difference of two exponential averages, and its own; all begin at the same candle."""
    _check(fast, least=2)
    if slow <= fast:
        raise ValueError(f"the slow period {slow} is not longer than the fast one {fast}")
    line, signals = _unknown(close), _unknown(close)
    begin = slow - fast  # so that both averages have their first value at the same candle
    if len(close) >= slow:
        raw = ema(close[begin:], fast)[fast - 1 :] - ema(close, slow)[slow - 1 :]
        smooth = ema(raw, signal)
        line[slow - 1 :], signals[slow - 1 :] = raw, smooth
        line[np.isnan(signals)] = np.nan
    return Macd(line, signals, line - signals)


def bollinger(close: Floats, period: int = 20, width: float = 2.0) -> Bands:
    """The simple average, and `width` deviations above and below it."""
    middle = sma(close, period)
    away = width * deviation(close, period)
    return Bands(middle + away, middle, middle - away)


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The largest of high - low, |high - close before| and |low - close before|."""
    found = _unknown(close)
    before = close[:-1]
    found[1:] = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    return found


def atr(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Average true range by Wilder."""
    _check(period, least=2)
    found = _unknown(close)
    found[1:] = _smoothed(true_range(high, low, close)[1:], period, 1.0 / period)
    return found


def momentum(close: Floats, period: int = 10) -> Floats:
    """The close less the one `period` candles before."""
    _check(period)
    found = _unknown(close)
    found[period:] = close[period:] - close[:-period]
    return found


def rate_of_change(close: Floats, period: int = 10) -> Floats:
    """The same in percent of the close before."""
    return 100.0 * momentum(close, period) / _earlier(close, period)


def highest(values: Floats, period: int) -> Floats:
    return _extreme(values, period, np.maximum)


def lowest(values: Floats, period: int) -> Floats:
    return _extreme(values, period, np.minimum)


def williams_r(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Where the close lies below the highest high, 0 to -100; 0 where there was no range."""
    top, bottom = highest(high, period), lowest(low, period)
    reach = top - bottom
    flat = reach == 0
    found = -100.0 * (top - close) / np.where(flat, 1.0, reach)
    found[flat] = 0.0
    return found


def stochastic(
    high: Floats, low: Floats, close: Floats, period: int = 14, slow: int = 3, signal: int = 3
) -> Stochastic:
    """The slow stochastic oscillator, both lines simple averages, 0 to 100."""
    top, bottom = highest(high, period), lowest(low, period)
    reach = top - bottom
    flat = reach == 0
    fast = np.where(flat, 0.0, 100.0 * (close - bottom) / np.where(flat, 1.0, reach))
    k, d = _unknown(close), _unknown(close)
    known = fast[period - 1 :]
    k[period - 1 :] = sma(known, slow)
    d[period + slow - 2 :] = sma(k[period + slow - 2 :], signal)
    k[np.isnan(d)] = np.nan
    return Stochastic(k, d)


def commodity_channel(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Typical price against its average, in 0.015 mean deviations; 0 where there is none."""
    _check(period, least=2)
    typical = (high + low + close) / 3.0
    found = _unknown(close)
    if len(close) >= period:
        windows = np.lib.stride_tricks.sliding_window_view(typical, period)
        mean = windows.mean(axis=1)
        spread = np.abs(windows - mean[:, None]).mean(axis=1)
        away = typical[period - 1 :] - mean
        still = (spread == 0) | (away == 0)
        found[period - 1 :] = np.where(still, 0.0, away / (0.015 * np.where(still, 1.0, spread)))
    return found


def rolling_sum(values: Floats, period: int) -> Floats:
    """Sums of `period` neighbours, shape (n - period + 1,).

    Added one after the other, so that a sum does not depend on how many values follow it, nor, as
    with running totals, on what went before.
    """
    count = len(values) - period + 1
    total = np.zeros(max(count, 0))
    for offset in range(period):
        total += values[offset : offset + len(total)]
    return total


def _smoothed(values: Floats, period: int, weight: float) -> Floats:
    """Begins with the mean of the first `period`; then each value counts `weight`."""
    found = _unknown(values)
    if len(values) < period:
        return found
    level = float(rolling_sum(values[:period], period)[0]) / period
    found[period - 1] = level
    for index in range(period, len(values)):
        level += weight * (float(values[index]) - level)
        found[index] = level
    return found


def _extreme(values: Floats, period: int, of_two: np.ufunc) -> Floats:
    _check(period)
    found = _unknown(values)
    if len(values) >= period:
        windows = np.lib.stride_tricks.sliding_window_view(values, period)
        found[period - 1 :] = of_two.reduce(windows, axis=1)
    return found


def _earlier(values: Floats, period: int) -> Floats:
    found = _unknown(values)
    found[period:] = values[:-period]
    return found


def _unknown(values: Floats) -> Floats:
    return np.full(len(values), np.nan)


def _check(period: int, *, least: int = 1) -> None:
    if period < least:
        raise ValueError(f"a period of {period} is shorter than {least}")
