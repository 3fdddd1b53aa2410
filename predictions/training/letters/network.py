"""The letter network: dense convolutions on RGB; and a small plain one for hardware."""

from typing import Final

import keras
from keras import layers

from predictions.core.labels import LETTERS
from predictions.training.blocks import PLAIN, Plain
from predictions.training.letters.small import SMALL_SIDE

SIDE: Final = 96


def build_letters(*, width: int = 22, kind: Plain = PLAIN) -> keras.Model:
    """(n, 96, 96, 3) RGB 0..255 to (n, 26) logits. `width`: channels at 47x47.

    Of `TIED` layers, to train it: the letter of a left hand is that of a right one, mirrored.
    """
    entry = layers.Input((SIDE, SIDE, 3), name="rgb")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(entry)
    # 96 to 47, 23, 11, 5 and 3 a side: each halving is centred.
    x = kind.block(x, width, 4, strides=2, padding="valid", name="stem")
    x = kind.block(x, 2 * width, 3, strides=2, padding="valid", name="fine")
    x = kind.residual(x, width, name="fine_block")
    x = kind.block(x, 4 * width, 3, strides=2, padding="valid", name="middle")
    x = kind.residual(x, 2 * width, name="middle_block")
    x = kind.block(x, 8 * width, 3, strides=2, padding="valid", name="coarse")
    x = kind.residual(x, 3 * width, name="coarse_block")
    x = kind.block(x, 16 * width, 3, strides=2, name="whole")
    x = kind.head(x, 12 * width, len(LETTERS), drop_flat=0.2, drop_dense=0.4)
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
