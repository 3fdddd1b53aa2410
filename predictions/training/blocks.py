"""What the networks are built of, in two kinds: plain layers, and tied ones that train.

Both kinds name their layers alike, and `dress` carries what was learnt from tied to plain.
"""

from typing import Final, TypeAlias

import keras
from keras import layers

from predictions.training.mirror import MirrorConv, MirrorDense, MirrorLogits, MirrorNorm

# AVX-512 multiplies bfloat16 twice as fast; sums and weights stay float32.
CONV_POLICY: Final = "mixed_bfloat16"

Tensor: TypeAlias = keras.KerasTensor


class Plain:
    """Keras's own layers: what is kept."""

    def conv(
        self, x: Tensor, channels: int, side: int, strides: int, padding: str, *, name: str
    ) -> Tensor:
        """A convolution without a bias, of a picture or of what another block answered."""
        start = "he_normal"
        return layers.Conv2D(
            channels, side, strides, padding, use_bias=False, kernel_initializer=start, name=name
        )(x)

    def norm(self, x: Tensor, *, gamma: str = "ones", name: str) -> Tensor:
        """Batch normalisation."""
        return layers.BatchNormalization(momentum=0.98, gamma_initializer=gamma, name=name)(x)

    def dense(self, x: Tensor, units: int, *, name: str) -> Tensor:
        """(n, rows, columns, channels) to (n, units), without a bias."""
        flat = layers.Flatten(name="flatten")(x)
        return layers.Dense(units, use_bias=False, name=name)(flat)

    def logits(self, x: Tensor, units: int, *, name: str) -> Tensor:
        """The last layer."""
        return layers.Dense(units, name=name)(x)

    def block(
        self,
        x: Tensor,
        channels: int,
        side: int,
        *,
        name: str,
        strides: int = 1,
        padding: str = "same",
    ) -> Tensor:
        """A convolution, normalised, and ReLU6."""
        x = self.conv(x, channels, side, strides, padding, name=name)
        return layers.ReLU(6.0, name=f"{name}_relu")(self.norm(x, name=f"{name}_norm"))

    def residual(self, x: Tensor, narrow: int, *, name: str) -> Tensor:
        """Adds what a 3x3 convolution to `narrow` channels sees; at first it adds nothing."""
        y = self.block(x, narrow, 3, name=f"{name}_look")
        y = self.conv(y, x.shape[-1], 1, 1, "same", name=f"{name}_tell")
        y = self.norm(y, gamma="zeros", name=f"{name}_tell_norm")
        return layers.ReLU(6.0, name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))

    def head(
        self, x: Tensor, units: int, classes: int, *, drop_flat: float, drop_dense: float
    ) -> Tensor:
        """Everything seen, weighed by one hidden layer: the logits."""
        x = layers.Dropout(drop_flat, name="flat_dropout")(x)
        x = self.norm(self.dense(x, units, name="dense"), name="dense_norm")
        x = layers.ReLU(6.0, name="dense_relu")(x)
        x = layers.Dropout(drop_dense, name="dropout")(x)
        return self.logits(x, classes, name="logits")


class Tied(Plain):
    """Layers that learn a thing and its mirror image at once: what trains (see `mirror`)."""

    def conv(
        self, x: Tensor, channels: int, side: int, strides: int, padding: str, *, name: str
    ) -> Tensor:
        """The same; a picture has one channel or three, which mirror nothing."""
        policy = CONV_POLICY if x.shape[-1] > 1 else None
        layer = MirrorConv(channels, side, strides, padding, name=name, dtype=policy)
        return layer(x)

    def norm(self, x: Tensor, *, gamma: str = "ones", name: str) -> Tensor:
        """The same."""
        return MirrorNorm(gamma, name=name)(x)

    def dense(self, x: Tensor, units: int, *, name: str) -> Tensor:
        """The same."""
        return MirrorDense(units, name=name)(x)

    def logits(self, x: Tensor, units: int, *, name: str) -> Tensor:
        """The same."""
        return MirrorLogits(units, name=name)(x)


PLAIN: Final = Plain()
TIED: Final = Tied()


def dress(trained: keras.Model, network: keras.Model) -> None:
    """Copy the weights of a model of either kind into a plain one, layer by name."""
    for layer in trained.layers:
        if layer.weights:
            plain = getattr(layer, "weights_of_plain", layer.get_weights)
            network.get_layer(layer.name).set_weights(plain())
