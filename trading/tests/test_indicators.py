"""Against TA-Lib, the reference that traders use, with its warm-up too."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from trading.core import indicators as ours
from trading.core.indicators import Floats

Ohlc = tuple[Floats, Floats, Floats]  # high, low, close


def prices(seed: int, count: int = 300) -> Ohlc:
    rng = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(rng.normal(0, 1e-3, count)))
    spread = np.abs(rng.normal(0, 1e-3, (2, count)))
    return close + spread[0], close - spread[1], close


PAIRS: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {
    "sma": (lambda h, w, c: ours.sma(c, 10), lambda h, w, c: talib.SMA(c, 10)),
    "ema": (lambda h, w, c: ours.ema(c, 12), lambda h, w, c: talib.EMA(c, 12)),
    "deviation": (lambda h, w, c: ours.deviation(c, 9), lambda h, w, c: talib.STDDEV(c, 9)),
    "rsi": (lambda h, w, c: ours.rsi(c, 14), lambda h, w, c: talib.RSI(c, 14)),
    "rsi of two": (lambda h, w, c: ours.rsi(c, 2), lambda h, w, c: talib.RSI(c, 2)),
    "macd": (lambda h, w, c: ours.macd(c), lambda h, w, c: talib.MACD(c)),
    "macd of others": (
        lambda h, w, c: ours.macd(c, 5, 34, 4),
        lambda h, w, c: talib.MACD(c, 5, 34, 4),
    ),
    "bollinger": (
        lambda h, w, c: ours.bollinger(c, 20, 2.5),
        lambda h, w, c: talib.BBANDS(c, 20, 2.5, 2.5),
    ),
    "true range": (ours.true_range, talib.TRANGE),
    "atr": (lambda h, w, c: ours.atr(h, w, c, 7), lambda h, w, c: talib.ATR(h, w, c, 7)),
    "momentum": (lambda h, w, c: ours.momentum(c, 4), lambda h, w, c: talib.MOM(c, 4)),
    "rate of change": (lambda h, w, c: ours.rate_of_change(c, 4), lambda h, w, c: talib.ROC(c, 4)),
    "highest": (lambda h, w, c: ours.highest(h, 6), lambda h, w, c: talib.MAX(h, 6)),
    "lowest": (lambda h, w, c: ours.lowest(w, 6), lambda h, w, c: talib.MIN(w, 6)),
    "williams": (ours.williams_r, talib.WILLR),
    "stochastic": (
        ours.stochastic,
        lambda h, w, c: talib.STOCH(h, w, c, 14),
    ),
    "commodity channel": (ours.commodity_channel, talib.CCI),
}


@pytest.mark.parametrize("count", [1, 2, 13, 14, 15, 33, 34, 300])
@pytest.mark.parametrize("name", PAIRS)
def test_an_indicator_is_what_talib_says(name: str, count: int) -> None:
    mine, theirs = PAIRS[name]
    high, low, close = prices(count, count)
    found = np.atleast_2d(np.asarray(mine(high, low, close)))
    expected = np.atleast_2d(np.asarray(theirs(high, low, close)))
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["rsi", "williams", "stochastic", "commodity channel", "macd"])
def test_a_market_that_stands_still_is_what_talib_says(name: str) -> None:
    mine, theirs = PAIRS[name]
    still = np.full(60, 1.25)
    found = np.atleast_2d(np.asarray(mine(still, still, still)))
    expected = np.atleast_2d(np.asarray(theirs(still, still, still)))
    np.testing.assert_allclose(found, expected, atol=1e-9)


@given(seed=st.integers(0, 10_000), cut=st.integers(40, 99))
def test_the_future_changes_no_indicator(seed: int, cut: int) -> None:
    whole = prices(seed, 100)
    for mine, _ in PAIRS.values():
        before = np.atleast_2d(np.asarray(mine(*(one[:cut] for one in whole))))
        after = np.atleast_2d(np.asarray(mine(*whole)))[:, :cut]
        np.testing.assert_allclose(before, after, rtol=1e-12, atol=1e-14)


def test_an_average_of_no_candles_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ours.sma(np.ones(3), 0)
    with pytest.raises(ValueError, match="not longer"):
        ours.macd(np.ones(3), 12, 12)
