"""Layers that are known by shape and weights, for ROMs and the graph, but that no core computes."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from fpga_export.core.kinds import Config, Outcome, Size, pair, sides, whole

GATES: Final = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
REASON: Final = "no such layer in hardware"


def _outcome(shape: Size, weights: Mapping[str, Size] | None = None, macs: int = 0) -> Outcome:
    return Outcome(shape, weights or {}, macs, REASON)


def _transposed(config: Config, inputs: list[Size]) -> Outcome:
    high, broad, channels = inputs[0]
    kernel, stride = pair(config["kernel_size"]), pair(config.get("strides") or 1)
    filters, same = whole(config["filters"]), config.get("padding") == "same"
    if config.get("output_padding") is not None or pair(config.get("dilation_rate", 1)) != (1, 1):
        raise ValueError("an output padding or a dilation")
    more = [0 if same else max(kernel[i] - stride[i], 0) for i in (0, 1)]
    area = (high * stride[0] + more[0], broad * stride[1] + more[1])
    size = (*kernel, filters, channels)
    weights: dict[str, Size] = {"kernel": size}
    if config.get("use_bias", True):
        weights["bias"] = (filters,)
    return _outcome((*area, filters), weights, high * broad * math.prod(size))


def _recurrent(kind: str) -> Callable[[Config, list[Size]], Outcome]:
    def found(config: Config, inputs: list[Size]) -> Outcome:
        steps, features = inputs[0]
        units, gates = whole(config["units"]), GATES[kind]
        weights: dict[str, Size] = {
            "kernel": (features, gates * units),
            "recurrent_kernel": (units, gates * units),
        }
        if config.get("use_bias", True):
            twice = kind == "GRU" and config.get("reset_after", True)
            weights["bias"] = (2, gates * units) if twice else (gates * units,)
        shape = (steps, units) if config.get("return_sequences") else (units,)
        macs = steps * (features + units) * gates * units
        return Outcome(shape, weights, macs, REASON, folder="cell/vars")

    return found


def _enlarged(config: Config, inputs: list[Size]) -> Outcome:
    high, broad, channels = inputs[0]
    down, across = pair(config["size"])
    return _outcome((high * down, broad * across, channels))


def _cropped(config: Config, inputs: list[Size]) -> Outcome:
    high, broad, channels = inputs[0]
    top, bottom, left, right = sides(config["cropping"])
    return _outcome((high - top - bottom, broad - left - right, channels))


def _permuted(config: Config, inputs: list[Size]) -> Outcome:
    order = list(config["dims"])
    if sorted(order) != list(range(1, len(inputs[0]) + 1)):
        raise ValueError("no order of the axes")
    return _outcome(tuple(inputs[0][one - 1] for one in order))


def _merged(_: Config, inputs: list[Size]) -> Outcome:
    if len({len(one) for one in inputs}) != 1:
        raise ValueError("tensors of different ranks")
    sizes = [{side for side in axis if side != 1} for axis in zip(*inputs, strict=True)]
    if any(len(one) > 1 for one in sizes):
        raise ValueError("tensors of different shapes")
    return _outcome(tuple(max(one, default=1) for one in sizes))


def _sloped(config: Config, inputs: list[Size]) -> Outcome:
    shared = config.get("shared_axes") or []
    alpha = tuple(1 if axis in shared else side for axis, side in enumerate(inputs[0], 1))
    return _outcome(inputs[0], {"alpha": alpha})


def _levelled(config: Config, inputs: list[Size]) -> Outcome:
    if config.get("axis", -1) not in (-1, [-1], len(inputs[0]), [len(inputs[0])]):
        raise ValueError("an axis other than the channels")
    keys = [name for name, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True)]
    return _outcome(inputs[0], dict.fromkeys(keys, (inputs[0][-1],)))


def _same(_: Config, inputs: list[Size]) -> Outcome:
    return _outcome(inputs[0])


NAMED: Final[Mapping[str, Callable[[Config, list[Size]], Outcome]]] = {
    "Conv2DTranspose": _transposed,
    "UpSampling2D": _enlarged,
    "Cropping2D": _cropped,
    "Permute": _permuted,
    "PReLU": _sloped,
    "ELU": _same,
    "LayerNormalization": _levelled,
    **dict.fromkeys(("Multiply", "Average", "Maximum", "Minimum", "Subtract"), _merged),
    **{kind: _recurrent(kind) for kind in GATES},
}
