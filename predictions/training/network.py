"""The emotion network: a small residual net, its trunk at 48x48 gray.

Only layers that the FPGA exporter knows are used. The front (halving to gray, rescaling)
has nothing to learn, so training runs the trunk on gray 48x48 pictures alone.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from predictions.core.labels import EMOTIONS
from predictions.training.blocks import PLAIN, Plain

SIDE = 96
TRUNK_SIDE = 48
GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601, what JPEG decoders use for gray


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the trunk is, and how much of it is dropped while it learns."""

    width: int = 64  # channels at 11x11; twice and four times as many follow
    dense: int = 832
    drop_flat: float = 0.2
    drop_dense: float = 0.4


def build_trunk(shape: Shape, kind: Plain = PLAIN) -> keras.Model:
    """(n, 48, 48, 1) gray in -1..1 to (n, 7) logits; of `TIED` layers, to train it."""
    entry = layers.Input((TRUNK_SIDE, TRUNK_SIDE, 1), name="gray")
    return keras.Model(entry, _trunk(entry, shape, kind), name="trunk")


def build_network(shape: Shape) -> keras.Model:
    """(n, 96, 96, 3) RGB 0..255 to (n, 7) probabilities, with the trunk's layer names."""
    entry = layers.Input((SIDE, SIDE, 3), name="rgb")
    # One fixed convolution does what pooling and mixing would, and runs faster in int8.
    half = layers.Conv2D(1, 2, strides=2, use_bias=False, trainable=False, name="half_gray")
    x = half(entry)
    half.set_weights([np.broadcast_to(np.array(GRAY, np.float32)[:, None] / 4, (2, 2, 3, 1))])
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(x)
    probabilities = layers.Softmax(name="probabilities")(_trunk(x, shape, PLAIN))
    return keras.Model(entry, probabilities, name="emotions")


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


def _trunk(x: keras.KerasTensor, shape: Shape, kind: Plain) -> keras.KerasTensor:
    # 48 to 23, 11, 5 and 3 a side: each halving is centred, so that a mirrored face is the same.
    width = shape.width
    x = kind.block(x, 3 * width // 8, 4, strides=2, padding="valid", name="stem")
    x = kind.block(x, 3 * width // 8, 3, name="edges")
    x = kind.block(x, width, 3, strides=2, padding="valid", name="fine")
    x = kind.residual(x, width // 2, name="fine_block")
    x = kind.block(x, 2 * width, 3, strides=2, padding="valid", name="middle")
    x = kind.residual(x, width, name="middle_block")
    x = kind.residual(x, width, name="middle_block2")
    x = kind.block(x, 4 * width, 3, strides=2, name="coarse")
    x = kind.residual(x, width, name="coarse_block")
    drops = {"drop_flat": shape.drop_flat, "drop_dense": shape.drop_dense}
    return kind.head(x, shape.dense, len(EMOTIONS), **drops)
