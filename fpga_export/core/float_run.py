"""What the network answers in floating point: every layer's output, as Keras computes it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import FloatGraph, Floats, Layer
from fpga_export.core.ir import Window
from fpga_export.core.kinds import activation_of, sides
from fpga_export.core.windows import window_of

GLOBAL = {"GlobalAveragePooling2D", "GlobalMaxPooling2D"}


class CannotRun(Exception):
    """A layer that this arithmetic does not know; the layers before it did run."""

    def __init__(self, layer: str, reason: str) -> None:
        self.layer = layer
        self.reason = reason
        super().__init__(f"{layer}: {reason}")


def run_float(graph: FloatGraph, picture: Floats) -> dict[str, Floats]:
    """Each layer's output for a picture (H, W, C), or for several (N, H, W, C).

    Raises `ValueError` for another shape and `CannotRun` at the first layer that is not supported.
    """
    outputs = run_known(graph, picture)
    for layer in graph.layers:
        if layer.name not in outputs:
            raise CannotRun(layer.name, layer.unsupported or "no such layer")
    return outputs


def run_known(graph: FloatGraph, picture: Floats) -> dict[str, Floats]:
    """As `run_float`, without the layers that are not supported and what comes of them."""
    wanted = graph.layers[0].shape
    single = picture.ndim == 3
    batch = np.asarray(picture[None] if single else picture, np.float32)
    if batch.shape[1:] != wanted:
        raise ValueError(f"the picture is {batch.shape[1:]}, the network wants {wanted}")
    outputs: dict[str, Floats] = {}
    for layer in graph.layers:
        if layer.kind == "InputLayer":
            outputs[layer.name] = batch
        elif not layer.unsupported and all(name in outputs for name in layer.inputs):
            outputs[layer.name] = run_layer(layer, [outputs[name] for name in layer.inputs])
    return {name: values[0] for name, values in outputs.items()} if single else outputs


def run_layer(layer: Layer, inputs: list[Floats]) -> Floats:
    """One layer's output, the batch first. Raises `CannotRun`."""
    if layer.unsupported:
        raise CannotRun(layer.name, layer.unsupported)
    values = _compute(layer, inputs)
    if layer.kind == "Activation" or "activation" in layer.config:
        values = activated(values, activation_of(layer.config), layer.config)
    return np.asarray(values.reshape(len(inputs[0]), *layer.shape), np.float32)


def _compute(layer: Layer, inputs: list[Floats]) -> Floats:
    x = inputs[0]
    kind, config = layer.kind, layer.config
    if kind in {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense"}:
        return _product(layer, x)
    if kind == "BatchNormalization":
        scale, offset = normalisation(layer)
        return np.asarray(x * scale + offset)
    if kind == "Rescaling":
        return np.asarray(x * np.float32(_scale(config)[0]) + _scale(config)[1], np.float32)
    if kind in {"MaxPooling2D", "AveragePooling2D"}:
        return _pooled(layer, x)
    if kind in GLOBAL:
        gather = np.mean if kind == "GlobalAveragePooling2D" else np.max
        return np.asarray(gather(x, axis=(1, 2)))
    if kind == "ZeroPadding2D":
        top, bottom, left, right = sides(config.get("padding", 1))
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    if kind == "Add":
        return np.asarray(sum(inputs[1:], start=x))
    if kind == "Concatenate":
        return np.concatenate(inputs, axis=-1)
    if kind in {"ReLU", "LeakyReLU", "Softmax"}:
        name = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "Softmax": "softmax"}[kind]
        return activated(x, name, config)
    return x  # Flatten, Reshape, Dropout and their like


def _product(layer: Layer, x: Floats) -> Floats:
    weights = layer.weights
    bias = weights.get("bias", np.float32(0))
    if layer.kind == "Dense":
        return np.asarray(x @ weights["kernel"] + bias)
    window = window_of(layer, (x.shape[1], x.shape[2]))
    seen = _windows(x, window, np.float32(0))
    if layer.kind == "Conv2D":
        return np.asarray(np.tensordot(seen, weights["kernel"], axes=3) + bias)
    deep = np.einsum("nyxijc,ijcm->nyxcm", seen, weights["depthwise_kernel"])
    deep = deep.reshape(*deep.shape[:3], -1)
    if layer.kind == "SeparableConv2D":
        deep = deep @ weights["pointwise_kernel"][0, 0]
    return np.asarray(deep + bias)


def _pooled(layer: Layer, x: Floats) -> Floats:
    window = window_of(layer, (x.shape[1], x.shape[2]))
    if layer.kind == "MaxPooling2D":
        return np.asarray(_windows(x, window, np.float32(-np.inf)).max(axis=(3, 4)))
    total = _windows(x, window, np.float32(0)).sum(axis=(3, 4))
    cells = _windows(np.ones_like(x[:1, :, :, :1]), window, np.float32(0)).sum(axis=(3, 4))
    return np.asarray(total / cells)


def _windows(x: Floats, window: Window, fill: np.float32) -> Floats:
    """A view (N, OH, OW, KH, KW, C)."""
    top, bottom, left, right = window.padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    wide = np.pad(x, around, constant_values=fill)
    (high, broad), (down, across), (spread, reach) = window.kernel, window.stride, window.dilation
    span = ((high - 1) * spread + 1, (broad - 1) * reach + 1)
    views = np.lib.stride_tricks.sliding_window_view(wide, span, axis=(1, 2))
    return np.moveaxis(views[:, ::down, ::across, :, ::spread, ::reach], 3, 5)


def activated(values: Floats, name: str, config: Mapping[str, object]) -> Floats:
    """`values` after an activation by its Keras name."""
    if name in {"relu", "relu6"}:
        most = 6.0 if name == "relu6" else config.get("max_value")
        slope = float(str(config.get("negative_slope") or 0))
        values = np.where(values < 0, values * np.float32(slope), values)
        return values if most is None else np.minimum(values, np.float32(str(most)))
    if name == "leaky_relu":
        return np.where(values < 0, values * np.float32(slope_of(config)), values)
    if name == "softmax":
        raised = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
    return values


def slope_of(config: Mapping[str, object]) -> float:
    """The slope of negative numbers: Keras 3 calls it negative_slope, Keras 2 alpha.

    The activation "leaky_relu" by name has 0.2, the layer 0.3 where nothing is said.
    """
    for key in ("negative_slope", "alpha"):
        if config.get(key) is not None:
            return float(str(config[key]))
    return 0.2 if "activation" in config else 0.3


def normalisation(layer: Layer) -> tuple[Floats, Floats]:
    """Scale and offset of each channel that batch normalisation comes to."""
    weights = layer.weights
    spread = np.sqrt(weights["moving_variance"] + np.float32(layer.config.get("epsilon", 1e-3)))
    scale = weights.get("gamma", np.float32(1)) / spread
    return scale, weights.get("beta", np.float32(0)) - weights["moving_mean"] * scale


def _scale(config: Mapping[str, object]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scale and offset of a Rescaling layer, a number or one a channel."""
    scale = np.asarray(config.get("scale", 1.0), np.float32)
    return scale, np.asarray(config.get("offset", 0.0), np.float32)


def rescaling(layer: Layer, channels: int) -> tuple[Floats, Floats]:
    """Scale and offset of each channel."""
    scale, offset = _scale(layer.config)
    return np.broadcast_to(scale, (channels,)), np.broadcast_to(offset, (channels,))
