"""A small classifier in floating point, without Keras."""

import numpy as np

from fpga_export.core.graph import FloatGraph, Floats, Layer

Entry = tuple[str, str, tuple[int, ...], dict[str, object], dict[str, Floats], int]


def classifier(*, last: str = "Dense") -> FloatGraph:
    """8 x 8 pixels, a convolution, a maximum, ten classes; `last` may name a kind not supported."""
    rng = np.random.default_rng(5)

    def normal(*shape: int) -> Floats:
        return rng.normal(0, 0.3, shape).astype(np.float32)

    conv = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}
    stack: tuple[Entry, ...] = (
        ("pixels", "InputLayer", (8, 8, 1), {}, {}, 0),
        (
            "conv2d",
            "Conv2D",
            (8, 8, 4),
            conv,
            {"kernel": normal(3, 3, 1, 4), "bias": normal(4)},
            2304,
        ),
        ("pool", "MaxPooling2D", (4, 4, 4), {"pool_size": 2}, {}, 0),
        ("flatten", "Flatten", (64,), {}, {}, 0),
        (
            "dense",
            last,
            (10,),
            {"units": 10, "activation": "softmax"},
            {"kernel": normal(64, 10), "bias": np.zeros(10, np.float32)},
            640,
        ),
    )
    layers: list[Layer] = []
    before: tuple[str, ...] = ()
    for name, kind, shape, config, weights, macs in stack:
        parameters = sum(one.size for one in weights.values())
        reason = None if kind == last != "GRU" or name != "dense" else "no such layer in hardware"
        layers.append(Layer(name, kind, before, shape, config, weights, parameters, macs, reason))
        before = (name,)
    return FloatGraph("small", tuple(layers), "dense")


def pictures(count: int) -> list[Floats]:
    """Pictures (8, 8, 1) of numbers 0 to 1."""
    return list(np.random.default_rng(0).random((count, 8, 8, 1), np.float32))
