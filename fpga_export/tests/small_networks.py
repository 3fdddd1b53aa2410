"""A small classifier in integers, for tests that need one whole."""

import numpy as np

from fpga_export.core.ir import (
    Codes,
    Conv,
    Format,
    MaxPool,
    Network,
    Node,
    Rounding,
    Source,
    Window,
)

EIGHT = Format(8, 4)
WEIGHTS = Format(6, 4)


def product(window: Window, inputs: int, outputs: int, seed: int, shift: int, low: int) -> Conv:
    rng = np.random.default_rng(seed)
    weights = rng.integers(WEIGHTS.low, WEIGHTS.high + 1, (*window.kernel, inputs, outputs))
    bias = rng.integers(-50, 50, outputs)
    most = np.abs(weights).sum(axis=(0, 1, 2)) * 128 + np.abs(bias)
    bits = int(most.max()).bit_length() + 1
    return Conv(window, weights, bias, WEIGHTS, bits, Rounding(shift, low, 127))


def classifier() -> Network:
    """8 x 8 pixels, a convolution, a maximum, ten classes."""
    conv = product(Window((3, 3), padding=(1, 1, 1, 1)), 1, 4, 1, 6, 0)
    dense = product(Window((4, 4)), 4, 10, 2, 9, -128)
    pool = MaxPool(Window((2, 2), (2, 2)))
    nodes = (
        Node("picture", ("picture",), (), (8, 8, 1), EIGHT, Source()),
        Node("conv", ("conv2d", "relu"), ("picture",), (8, 8, 4), EIGHT, conv),
        Node("pool", ("pool",), ("conv",), (4, 4, 4), EIGHT, pool),
        Node("dense", ("flatten", "dense"), ("pool",), (1, 1, 10), EIGHT, dense),
    )
    return Network("small", nodes, "dense")


def pictures(count: int) -> Codes:
    """Codes (count, 8, 8, 1)."""
    return np.random.default_rng(0).integers(-128, 128, (count, 8, 8, 1))
