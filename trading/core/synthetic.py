"""Markets whose truth is known: what agents and gates are proved on."""

import numpy as np

from trading.core.market import Candles


def persistent(
    count: int, *, seed: int, stays: float = 0.5, seconds: int = 60, start: int = 1_600_000_200
) -> Candles:
    """Each candle goes the way of the one before with chance `stays`, its size apart from that.

    At 0.5 it is a driftless walk, and nothing about the next candle can be known.
    """
    rng = np.random.default_rng(seed)
    keeps = np.where(rng.random(count) < stays, 1.0, -1.0)
    keeps[0] = rng.choice([-1.0, 1.0])
    steps = np.cumprod(keeps) * np.abs(rng.normal(0, 2e-4, count))
    close = 1.1 * np.exp(np.cumsum(steps))
    opened = np.concatenate([[1.1], close[:-1]])
    wick = np.abs(rng.normal(0, 1e-4, (2, count)))
    return Candles(
        "SYNTHETIC",
        seconds,
        start - start % seconds + seconds * np.arange(count, dtype=np.int64),
        opened,
        np.maximum(opened, close) * (1 + wick[0]),
        np.minimum(opened, close) * (1 - wick[1]),
        close,
    )
