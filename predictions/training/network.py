"""The emotion network: a small residual net, its trunk at 48x48 gray.

Only layers that the FPGA exporter knows are used. The front (halving to gray, rescaling)
has nothing to learn, so training runs the trunk on gray 48x48 pictures alone.
"""

import keras
import numpy as np
from keras import layers

from predictions.core.labels import EMOTIONS

SIDE = 96
TRUNK_SIDE = 48
GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601, what JPEG decoders use for gray


def build_trunk(*, width: int = 64, dense: int = 832) -> keras.Model:
    """(n, 48, 48, 1) gray in -1..1 to (n, 7) logits. `width`: channels at 12x12."""
    entry = layers.Input((TRUNK_SIDE, TRUNK_SIDE, 1), name="gray")
    return keras.Model(entry, _trunk(entry, width, dense), name="trunk")


def build_network(*, width: int = 64, dense: int = 832) -> keras.Model:
    """(n, 96, 96, 3) RGB 0..255 to (n, 7) probabilities, with the trunk's layer names."""
    entry = layers.Input((SIDE, SIDE, 3), name="rgb")
    # One fixed convolution does what pooling and mixing would, and runs faster in int8.
    half = layers.Conv2D(1, 2, strides=2, use_bias=False, trainable=False, name="half_gray")
    x = half(entry)
    half.set_weights([np.broadcast_to(np.array(GRAY, np.float32)[:, None] / 4, (2, 2, 3, 1))])
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(x)
    probabilities = layers.Softmax(name="probabilities")(_trunk(x, width, dense))
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


def _trunk(x: keras.KerasTensor, width: int, dense: int) -> keras.KerasTensor:
    x = _conv(x, 3 * width // 8, 5, strides=2, name="stem")
    x = _conv(x, 3 * width // 8, 3, name="edges")
    x = _conv(x, width, 3, strides=2, name="fine")
    x = _residual(x, width // 2, name="fine_block")
    x = _conv(x, 2 * width, 3, strides=2, name="middle")
    x = _residual(x, width, name="middle_block")
    x = _conv(x, 4 * width, 3, strides=2, name="coarse")
    x = _residual(x, width, name="coarse_block")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.2, name="flat_dropout")(x)
    x = layers.Dense(dense, use_bias=False, name="dense")(x)
    x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.ReLU(6.0, name="dense_relu")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    return layers.Dense(len(EMOTIONS), name="logits")(x)


def _conv(
    x: keras.KerasTensor, channels: int, side: int, *, name: str, strides: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels, side, strides, "same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _residual(x: keras.KerasTensor, narrow: int, *, name: str) -> keras.KerasTensor:
    """Adds what a 3x3 convolution to `narrow` channels sees; at first it adds nothing."""
    y = _conv(x, narrow, 3, name=f"{name}_look")
    y = layers.Conv2D(
        x.shape[-1], 1, use_bias=False, kernel_initializer="he_normal", name=f"{name}_tell"
    )(y)
    y = layers.BatchNormalization(gamma_initializer="zeros", name=f"{name}_tell_norm")(y)
    return layers.ReLU(6.0, name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
