"""The letter network: dense convolutions on RGB; and a small plain one for hardware."""

from dataclasses import dataclass
from typing import Final

import keras
from keras import layers

from predictions.core.labels import LETTERS
from predictions.training.letters.small import SMALL_SIDE
from predictions.training.speed import CONV_POLICY, FusedNorm

SIDE: Final = 96


@dataclass(frozen=True, slots=True)
class Kind:
    """What convolutions are made of: to train quickly, or to keep."""

    policy: str
    norm: type[layers.BatchNormalization]


STANDARD: Final = Kind("float32", layers.BatchNormalization)
FAST: Final = Kind(CONV_POLICY, FusedNorm)


def build_letters(*, width: int = 16, fast: bool = False) -> keras.Model:
    """(n, 96, 96, 3) RGB 0..255 to (n, 26) logits. `width`: channels at 48x48.

    `fast` builds what trains quickly; its weights fit the standard layers of the other.
    """
    kind = FAST if fast else STANDARD
    entry = layers.Input((SIDE, SIDE, 3), name="rgb")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(entry)
    x = _conv(x, kind, width, 3, strides=2, name="stem")
    x = _conv(x, kind, 2 * width, 3, strides=2, name="fine")
    x = _residual(x, kind, width, name="fine_block")
    x = _conv(x, kind, 4 * width, 3, strides=2, name="middle")
    x = _residual(x, kind, 2 * width, name="middle_block")
    x = _conv(x, kind, 8 * width, 3, strides=2, name="coarse")
    x = _residual(x, kind, 3 * width, name="coarse_block")
    x = _conv(x, kind, 16 * width, 3, strides=2, name="whole")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.2, name="flat_dropout")(x)
    x = layers.Dense(12 * width, use_bias=False, name="dense")(x)
    x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.ReLU(6.0, name="dense_relu")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    x = layers.Dense(len(LETTERS), name="logits")(x)
    return keras.Model(entry, x, name="letters")


def build_small(*, width: int = 12) -> keras.Model:
    """(n, 32, 32, 1) gray 0..1 to (n, 26) logits, of layers that any hardware can do."""
    entry = layers.Input((SMALL_SIDE, SMALL_SIDE, 1), name="gray")
    x = entry
    for number, channels in enumerate((width, 2 * width, 4 * width), 1):
        x = layers.Conv2D(
            channels,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"conv{number}",
        )(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4 * width, activation="relu", name="dense")(x)
    x = layers.Dense(len(LETTERS), name="logits")(x)
    return keras.Model(entry, x, name="letters_small")


def with_softmax(network: keras.Model) -> keras.Model:
    """The same network and weights, answering probabilities."""
    probabilities = layers.Softmax(name="probabilities")(network.output)
    return keras.Model(network.input, probabilities, name=network.name)


def _conv(
    x: keras.KerasTensor, kind: Kind, channels: int, side: int, *, name: str, strides: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels,
        side,
        strides,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
        dtype=kind.policy,
    )(x)
    x = kind.norm(name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _residual(x: keras.KerasTensor, kind: Kind, narrow: int, *, name: str) -> keras.KerasTensor:
    """Adds what a 3x3 convolution to `narrow` channels sees; at first it adds nothing."""
    y = _conv(x, kind, narrow, 3, name=f"{name}_look")
    y = layers.Conv2D(
        x.shape[-1],
        1,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_tell",
        dtype=kind.policy,
    )(y)
    y = kind.norm(gamma_initializer="zeros", name=f"{name}_tell_norm")(y)
    return layers.ReLU(6.0, name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
