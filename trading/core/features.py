"""What an agent sees after each closed candle.

A row looks at its own candle and the 47 before it, and nothing else. Only +, -, *, / and square
roots of sums in a fixed order are used, so that a row is the same bit for bit whatever follows it
and however much history came before.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trading.core.indicators import highest, lowest, rolling_sum
from trading.core.market import Candles

Floats = NDArray[np.float64]
VERSION: Final = 1  # of what the columns mean; weights of another one are refused
WINDOW: Final = 48  # closed candles that a row needs
LAGS: Final = 6
SPANS: Final = (4, 8, 16, 32)
BOUND: Final = 5.0  # everything is clipped to this, either side
# Whether a column changes its sign when all prices are turned upside down.
TURNS: Final = (*("odd",) * (LAGS + len(SPANS)), *("odd",) * 5, *("even",) * 2)
COUNT: Final = len(TURNS)
MIRROR: Final[NDArray[np.float32]] = np.array(
    [-1.0 if one == "odd" else 1.0 for one in TURNS], np.float32
)


def features(candles: Candles) -> NDArray[np.float32]:
    """Shape (n, COUNT); NaN in the first WINDOW - 1 rows."""
    found = np.full((len(candles), COUNT), np.nan)
    if len(candles) < WINDOW:
        return found.astype(np.float32)
    rows = len(candles) - WINDOW + 1
    gains = candles.close[1:] / candles.close[:-1] - 1.0
    usual = np.sqrt(rolling_sum(gains * gains, 32) / 32)[-rows:]
    columns = [_over(gains[len(gains) - rows - lag :][:rows], usual) for lag in range(LAGS)]
    for span in SPANS:
        total = rolling_sum(gains, span)[-rows:]
        columns.append(_over(total, usual * np.sqrt(span)))
    columns += _shape(candles, rows)
    columns += [_strength(gains, rows), _away(candles.close, rows)]
    recent = np.sqrt(rolling_sum(gains * gains, 8) / 8)[-rows:]
    reach = (candles.high - candles.low)[-rows:] / candles.close[-rows:]
    columns += [_over(recent, usual) - 1.0, _over(reach, usual) - 1.0]
    found[WINDOW - 1 :] = np.stack(columns, axis=1)
    bounded: NDArray[np.float32] = np.clip(found, -BOUND, BOUND).astype(np.float32)
    return bounded


def whole_windows(candles: Candles) -> NDArray[np.bool_]:
    """Of each row, whether no candle is missing among those it looks at."""
    found = np.zeros(len(candles), np.bool_)
    if len(candles) >= WINDOW:
        reach = candles.start[WINDOW - 1 :] - candles.start[: len(candles) - WINDOW + 1]
        found[WINDOW - 1 :] = reach == (WINDOW - 1) * candles.seconds
    return found


def _shape(candles: Candles, rows: int) -> list[Floats]:
    """Where the close lies in the last 16 candles, and the candle's own body and wicks."""
    high, low, close = (one[-rows:] for one in (candles.high, candles.low, candles.close))
    opened = candles.open[-rows:]
    top, bottom = highest(candles.high, 16)[-rows:], lowest(candles.low, 16)[-rows:]
    place = _over(2.0 * close - top - bottom, top - bottom)
    body = _over(close - opened, high - low)
    wicks = _over(
        (high - np.maximum(opened, close)) - (np.minimum(opened, close) - low), high - low
    )
    return [place, body, wicks]


def _strength(gains: Floats, rows: int) -> Floats:
    """Of the last 14 changes, what rose less what fell, as a share of both; -1 to 1."""
    total = rolling_sum(gains, 14)[-rows:]
    return _over(total, rolling_sum(np.abs(gains), 14)[-rows:])


def _away(close: Floats, rows: int) -> Floats:
    """The close from its average of 20, in twice the deviation."""
    mean = rolling_sum(close, 20)[-rows:] / 20
    squares = np.zeros(rows)
    for offset in range(20):
        part = close[len(close) - rows - offset :][:rows] - mean
        squares += part * part
    return _over(close[-rows:] - mean, 2.0 * np.sqrt(squares / 20))


def _over(upper: Floats, lower: Floats) -> Floats:
    """The quotient; 0 where there is nothing to divide by."""
    nothing = lower <= 0
    return np.where(nothing, 0.0, upper / np.where(nothing, 1.0, lower))
