"""What each kind of layer makes of its input: shape, weights, products; no array is touched."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fpga_export.core.limits import CHANNELS, SIDE

Size = tuple[int, ...]
Config = Mapping[str, Any]

ACTIVATIONS: Final = {"linear", "relu", "relu6", "leaky_relu", "softmax"}
# They do nothing once a network is trained.
IDENTITIES: Final = {
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a layer before its weights are read."""

    shape: Size
    weights: Mapping[str, Size]  # in Keras's order
    macs: int = 0
    unsupported: str | None = None
    folder: str = "vars"  # where a .keras file holds its arrays


NUMBERS: Final = ("negative_slope", "alpha", "max_value", "threshold", "epsilon")
LARGEST: Final = 1e9


def numbers(config: Config) -> None:
    """Raises `ValueError` where a setting that is computed with is no number of everyday size."""
    found = [config[name] for name in NUMBERS if config.get(name) is not None]
    for name in ("scale", "offset"):
        value = config.get(name)
        if value is not None:
            found += value if isinstance(value, list) else [value]
    for one in found:
        if not isinstance(one, (int, float)) or not abs(one) <= LARGEST:
            raise ValueError("not a number that can be computed with")
    if config.get("epsilon") is not None and config["epsilon"] < 0:
        raise ValueError("a negative epsilon")


def pair(value: Any) -> tuple[int, int]:
    """One or two positive whole numbers. Raises `ValueError`."""
    both = [value, value] if isinstance(value, int) else list(value)
    if len(both) != 2 or not all(type(one) is int and 0 < one <= SIDE for one in both):
        raise ValueError("not one or two positive whole numbers")
    return both[0], both[1]


def whole(value: Any) -> int:
    """A number of channels. Raises `ValueError`."""
    if type(value) is not int or not 0 < value <= CHANNELS:
        raise ValueError("not a number of channels")
    return value


def sides(value: Any) -> tuple[int, int, int, int]:
    """Keras's padding as top, bottom, left, right. Raises `ValueError`."""
    if isinstance(value, int):
        value = ((value, value), (value, value))
    rows = [[one, one] if isinstance(one, int) else list(one) for one in value]
    flat = [one for row in rows for one in row]
    if len(flat) != 4 or not all(type(one) is int and 0 <= one <= SIDE for one in flat):
        raise ValueError("not a padding")
    return flat[0], flat[1], flat[2], flat[3]


def activation_of(config: Config) -> str:
    """The name of the activation in a layer's settings."""
    value = config.get("activation") or "linear"
    if isinstance(value, Mapping):
        value = value.get("config", {}).get("name") or value.get("class_name", "")
    return str(value).lower().replace("leakyrelu", "leaky_relu")


def _activation_fault(config: Config) -> str | None:
    name = activation_of(config)
    return None if name in ACTIVATIONS else f"activation {name[:40]}"


def _format_fault(config: Config) -> str | None:
    first = config.get("data_format") == "channels_first"
    return "channels first" if first else None


def window_size(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """Outputs along one axis."""
    if padding == "same":
        return -(-size // stride)
    if padding != "valid":
        raise ValueError("neither same nor valid")
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def _walked(config: Config, size: Size, kernel: Any) -> tuple[int, int]:
    height, width, _ = size
    high, broad = pair(kernel)
    down, across = pair(config.get("strides") or (kernel if "pool_size" in config else 1))
    spread, reach = pair(config.get("dilation_rate", 1))
    padding = str(config.get("padding", "valid"))
    return (
        window_size(height, high, down, spread, padding),
        window_size(width, broad, across, reach, padding),
    )


def _with_bias(config: Config, weights: Mapping[str, Size], outputs: int) -> dict[str, Size]:
    return dict(weights) | ({"bias": (outputs,)} if config.get("use_bias", True) else {})


def _conv(config: Config, inputs: list[Size]) -> Outcome:
    (_, _, channels) = inputs[0]
    kernel, filters = pair(config["kernel_size"]), whole(config["filters"])
    area = _walked(config, inputs[0], kernel)
    size = (*kernel, channels, filters)
    grouped = "groups" if config.get("groups", 1) != 1 else None
    if grouped:
        size = (*kernel, channels // int(config["groups"]), filters)
    macs = math.prod(area) * math.prod(size)
    fault = grouped or _format_fault(config) or _activation_fault(config)
    return Outcome((*area, filters), _with_bias(config, {"kernel": size}, filters), macs, fault)


def _depthwise(config: Config, inputs: list[Size]) -> Outcome:
    (_, _, channels) = inputs[0]
    kernel, multiplier = pair(config["kernel_size"]), whole(config.get("depth_multiplier", 1))
    area, outputs = _walked(config, inputs[0], kernel), channels * multiplier
    size = (*kernel, channels, multiplier)
    weights = _with_bias(config, {"depthwise_kernel": size}, outputs)
    fault = _format_fault(config) or _activation_fault(config)
    return Outcome((*area, outputs), weights, math.prod(area) * math.prod(size), fault)


def _separable(config: Config, inputs: list[Size]) -> Outcome:
    (_, _, channels) = inputs[0]
    kernel, multiplier = pair(config["kernel_size"]), whole(config.get("depth_multiplier", 1))
    filters = whole(config["filters"])
    area = _walked(config, inputs[0], kernel)
    deep, point = (*kernel, channels, multiplier), (1, 1, channels * multiplier, filters)
    weights = {"depthwise_kernel": deep, "pointwise_kernel": point}
    macs = math.prod(area) * (math.prod(deep) + math.prod(point))
    fault = _format_fault(config) or _activation_fault(config)
    return Outcome((*area, filters), _with_bias(config, weights, filters), macs, fault)


def _dense(config: Config, inputs: list[Size]) -> Outcome:
    units = whole(config["units"])
    *around, channels = inputs[0]
    macs = math.prod(around) * channels * units
    weights = _with_bias(config, {"kernel": (channels, units)}, units)
    return Outcome((*around, units), weights, macs, _activation_fault(config))


def _normalisation(config: Config, inputs: list[Size]) -> Outcome:
    channels = inputs[0][-1]
    names = [
        name for name, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True)
    ]
    names += ["moving_mean", "moving_variance"]
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    fault = None if axis in {-1, len(inputs[0])} else "an axis other than the channels"
    return Outcome(inputs[0], dict.fromkeys(names, (channels,)), 0, fault)


def _pool(config: Config, inputs: list[Size]) -> Outcome:
    area = _walked(config, inputs[0], config["pool_size"])
    return Outcome((*area, inputs[0][2]), {}, 0, _format_fault(config))


def _global(config: Config, inputs: list[Size]) -> Outcome:
    _, _, channels = inputs[0]
    kept = (1, 1, channels) if config.get("keepdims") else (channels,)
    return Outcome(kept, {}, 0, _format_fault(config))


def _pad(config: Config, inputs: list[Size]) -> Outcome:
    height, width, channels = inputs[0]
    top, bottom, left, right = sides(config.get("padding", 1))
    shape = (height + top + bottom, width + left + right, channels)
    return Outcome(shape, {}, 0, _format_fault(config))


def _reshape(config: Config, inputs: list[Size]) -> Outcome:
    total, target = math.prod(inputs[0]), list(config["target_shape"])
    if not all(type(one) is int for one in target) or target.count(-1) > 1:
        raise ValueError("not a shape")
    if -1 in target:
        known = -math.prod(target)
        target[target.index(-1)] = total // known
    if math.prod(target) != total or min(target) < 1:
        raise ValueError("another number of values")
    return Outcome(tuple(target), {}, 0, None if len(target) in {1, 3} else "two or four axes")


def _same(_: Config, inputs: list[Size]) -> Outcome:
    return Outcome(inputs[0], {})


def _rescaling(config: Config, inputs: list[Size]) -> Outcome:
    for name in ("scale", "offset"):
        value = config.get(name)
        if isinstance(value, list) and len(value) not in {1, inputs[0][-1]}:
            raise ValueError("neither one number nor one a channel")
    return Outcome(inputs[0], {})


def _activation(config: Config, inputs: list[Size]) -> Outcome:
    return Outcome(inputs[0], {}, 0, _activation_fault(config))


def _relu(config: Config, inputs: list[Size]) -> Outcome:
    odd = config.get("threshold") not in {None, 0}
    return Outcome(inputs[0], {}, 0, "a threshold" if odd else None)


def _add(_: Config, inputs: list[Size]) -> Outcome:
    if len(inputs) < 2 or any(one != inputs[0] for one in inputs):
        raise ValueError("tensors of different shapes")
    return Outcome(inputs[0], {})


def _concatenate(config: Config, inputs: list[Size]) -> Outcome:
    axis, rank = config.get("axis", -1), len(inputs[0])
    place = axis - 1 if axis > 0 else rank + axis
    shape = list(inputs[0])
    if any(len(one) != rank for one in inputs) or not 0 <= place < rank:
        raise ValueError("tensors that do not fit")
    for one in inputs:
        if [*one[:place], *one[place + 1 :]] != [*shape[:place], *shape[place + 1 :]]:
            raise ValueError("tensors that do not fit")
    shape[place] = sum(one[place] for one in inputs)
    last = place == rank - 1
    return Outcome(tuple(shape), {}, 0, None if last else "an axis other than the channels")


def _flatten(config: Config, inputs: list[Size]) -> Outcome:
    return Outcome((math.prod(inputs[0]),), {}, 0, _format_fault(config))


KINDS: Final[Mapping[str, Callable[[Config, list[Size]], Outcome]]] = {
    "Rescaling": _rescaling,
    "ZeroPadding2D": _pad,
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Dense": _dense,
    "BatchNormalization": _normalisation,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _same,
    "Softmax": _same,
    "MaxPooling2D": _pool,
    "AveragePooling2D": _pool,
    "GlobalAveragePooling2D": _global,
    "GlobalMaxPooling2D": _global,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Add": _add,
    "Concatenate": _concatenate,
    **dict.fromkeys(IDENTITIES, _same),
}
