"""The emotion network: a small residual net, its trunk at 48x48 gray.

Only layers that the FPGA exporter knows are used. The front (halving to gray, rescaling)
has nothing to learn, so training runs the trunk on gray 48x48 pictures alone.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from predictions.core.labels import EMOTIONS
from predictions.training.speed import CONV_POLICY, FusedNorm

SIDE = 96
TRUNK_SIDE = 48
GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601, what JPEG decoders use for gray


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the trunk is, and how much of it is dropped while it learns."""

    width: int = 64  # channels at 12x12; twice and four times as many follow
    dense: int = 832
    drop_flat: float = 0.2
    drop_dense: float = 0.4
    quick: bool = False  # built for training alone: the same weights in quicker layers


def build_trunk(shape: Shape) -> keras.Model:
    """(n, 48, 48, 1) gray in -1..1 to (n, 7) logits."""
    entry = layers.Input((TRUNK_SIDE, TRUNK_SIDE, 1), name="gray")
    return keras.Model(entry, _trunk(entry, shape), name="trunk")


def build_network(shape: Shape) -> keras.Model:
    """(n, 96, 96, 3) RGB 0..255 to (n, 7) probabilities, with the trunk's layer names."""
    entry = layers.Input((SIDE, SIDE, 3), name="rgb")
    # One fixed convolution does what pooling and mixing would, and runs faster in int8.
    half = layers.Conv2D(1, 2, strides=2, use_bias=False, trainable=False, name="half_gray")
    x = half(entry)
    half.set_weights([np.broadcast_to(np.array(GRAY, np.float32)[:, None] / 4, (2, 2, 3, 1))])
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(x)
    probabilities = layers.Softmax(name="probabilities")(_trunk(x, shape))
    return keras.Model(entry, probabilities, name="emotions")


def dress(trunk: keras.Model, network: keras.Model) -> None:
    """Copy the weights of a trained `trunk` into the whole `network`, layer by name."""
    for layer in trunk.layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())


def without_softmax(network: keras.Model) -> keras.Model:
    """The same network and weights, answering logits."""
    return keras.Model(network.input, network.get_layer("logits").output, name="emotion_logits")


def count_macs(model: keras.Model) -> int:
    """Multiply-accumulates of convolutions and dense layers, for one picture."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            _, rows, columns, _ = layer.output.shape
            total += rows * columns * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def _trunk(x: keras.KerasTensor, shape: Shape) -> keras.KerasTensor:
    width, quick = shape.width, shape.quick
    x = _conv(x, 3 * width // 8, 5, strides=2, name="stem", quick=quick)
    x = _conv(x, 3 * width // 8, 3, name="edges", quick=quick)
    x = _conv(x, width, 3, strides=2, name="fine", quick=quick)
    x = _residual(x, width // 2, name="fine_block", quick=quick)
    x = _conv(x, 2 * width, 3, strides=2, name="middle", quick=quick)
    x = _residual(x, width, name="middle_block", quick=quick)
    x = _conv(x, 4 * width, 3, strides=2, name="coarse", quick=quick)
    x = _residual(x, width, name="coarse_block", quick=quick)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(shape.drop_flat, name="flat_dropout")(x)
    x = layers.Dense(shape.dense, use_bias=False, name="dense")(x)
    x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.ReLU(6.0, name="dense_relu")(x)
    x = layers.Dropout(shape.drop_dense, name="dropout")(x)
    return layers.Dense(len(EMOTIONS), name="logits")(x)


def _conv(
    x: keras.KerasTensor, channels: int, side: int, *, name: str, quick: bool, strides: int = 1
) -> keras.KerasTensor:
    x = _bare_conv(x, channels, side, strides=strides, name=name, quick=quick)
    x = _norm(x, name=f"{name}_norm", quick=quick)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _residual(x: keras.KerasTensor, narrow: int, *, name: str, quick: bool) -> keras.KerasTensor:
    """Adds what a 3x3 convolution to `narrow` channels sees; at first it adds nothing."""
    y = _conv(x, narrow, 3, name=f"{name}_look", quick=quick)
    y = _bare_conv(y, x.shape[-1], 1, name=f"{name}_tell", quick=quick)
    y = _norm(y, name=f"{name}_tell_norm", quick=quick, gamma_initializer="zeros")
    return layers.ReLU(6.0, name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def _bare_conv(
    x: keras.KerasTensor, channels: int, side: int, *, name: str, quick: bool, strides: int = 1
) -> keras.KerasTensor:
    return layers.Conv2D(
        channels,
        side,
        strides,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
        dtype=CONV_POLICY if quick and x.shape[-1] > 1 else None,
    )(x)


def _norm(x: keras.KerasTensor, *, name: str, quick: bool, **more: Any) -> keras.KerasTensor:
    kind = FusedNorm if quick else layers.BatchNormalization
    return kind(momentum=0.98, name=name, **more)(x)
