"""Layers whose answer to a mirrored face is the mirrored answer, whatever they have learnt.

Half of the channels are the mirror images of the other half, so that a weight is learnt once for
both sides of a face and the logits of a face and of its mirror image are the same. In a trained
network nothing of this is left: `weights_of_plain` are those of the plain layer of the same name.

Source: Cohen & Welling 2016, arXiv:1602.07576, for the group of mirroring alone.
"""

from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

Arrays = list[NDArray[np.float32]]

EPSILON: Final = 1e-3  # Keras's own


class MirrorConv(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A convolution, from a picture (one channel or three) or from mirrored halves.

    Only where the padding is as wide on the left as on the right does it mirror what it does.
    """

    def __init__(self, channels: int, side: int, strides: int, padding: str, **more: Any) -> None:
        super().__init__(**more)
        self._channels, self._side = channels, side
        self._strides, self._padding = strides, padding

    def build(self, shape: tuple[int, ...]) -> None:
        """Half of a kernel."""
        self.half = self.add_weight(
            name="kernel",
            shape=(self._side, self._side, shape[-1], self._channels // 2),
            initializer="he_normal",
        )

    def call(self, x: Any) -> Any:
        """(n, rows, columns, channels)."""
        half = tf.cast(self.half, self.compute_dtype)
        return tf.nn.conv2d(x, _both(half), self._strides, self._padding.upper())

    def weights_of_plain(self) -> Arrays:
        """Of `Conv2D` without a bias."""
        return [_both(tf.convert_to_tensor(self.half)).numpy()]


class MirrorDense(layers.Layer):  # type: ignore[misc]
    """What `Flatten` and `Dense` without a bias do to (n, side, side, mirrored halves)."""

    def __init__(self, units: int, **more: Any) -> None:
        super().__init__(**more)
        self._units = units

    def build(self, shape: tuple[int, ...]) -> None:
        """Half of a kernel."""
        _, self._rows, self._columns, self._channels = shape
        inputs = self._rows * self._columns * self._channels
        limit = (6 / (inputs + self._units)) ** 0.5
        self.half = self.add_weight(
            name="kernel",
            shape=(inputs, self._units // 2),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )

    def call(self, x: Any) -> Any:
        """To (n, units)."""
        return tf.reshape(x, (-1, self.half.shape[0])) @ self._kernel()

    def _kernel(self) -> Any:
        half = tf.reshape(self.half, (self._rows, self._columns, self._channels, -1))
        return tf.reshape(_both(half), (self.half.shape[0], self._units))

    def weights_of_plain(self) -> Arrays:
        """Of `Dense` without a bias."""
        return [self._kernel().numpy()]


class MirrorLogits(layers.Layer):  # type: ignore[misc]
    """What `Dense` does to mirrored halves, the same for either."""

    def __init__(self, units: int, **more: Any) -> None:
        super().__init__(**more)
        self._units = units

    def build(self, shape: tuple[int, ...]) -> None:
        """Half of a kernel, and the bias."""
        limit = (6 / (shape[-1] + self._units)) ** 0.5
        self.half = self.add_weight(
            name="kernel",
            shape=(shape[-1] // 2, self._units),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )
        self.bias = self.add_weight(name="bias", shape=(self._units,), initializer="zeros")

    def call(self, x: Any) -> Any:
        """(n, units)."""
        left, right = tf.split(x, 2, -1)
        return (left + right) @ self.half + self.bias

    def weights_of_plain(self) -> Arrays:
        """Of `Dense`."""
        half = np.asarray(self.half)
        return [np.concatenate([half, half]), np.asarray(self.bias)]


class MirrorNorm(layers.Layer):  # type: ignore[misc]
    """Batch normalisation, with one scale, offset, mean and variance for both halves.

    It only trains: there is no inference with it. TensorFlow's fused kernel takes a fifth of the
    time of Keras's layer; its moving variance is of the sample (n - 1), as PyTorch has it.
    """

    def __init__(self, gamma: str = "ones", momentum: float = 0.98, **more: Any) -> None:
        super().__init__(**more)
        self._start, self._momentum = gamma, momentum

    def build(self, shape: tuple[int, ...]) -> None:
        """Of half the channels."""

        def one(name: str, start: str, *, learnt: bool = True) -> Any:
            half = (shape[-1] // 2,)
            return self.add_weight(name=name, shape=half, initializer=start, trainable=learnt)

        self.gamma, self.beta = one("gamma", self._start), one("beta", "zeros")
        self.moving_mean = one("moving_mean", "zeros", learnt=False)
        self.moving_variance = one("moving_variance", "ones", learnt=False)

    def call(self, x: Any) -> Any:
        """By the mean and variance of this batch."""
        gamma, beta = tf.tile(self.gamma, [2]), tf.tile(self.beta, [2])
        picture = x if len(x.shape) == 4 else x[:, None, None]
        answer, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.cast(picture, tf.float32),
            scale=gamma,
            offset=beta,
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=EPSILON,
            is_training=True,
        )
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            seen = tf.reduce_mean(tf.reshape(now, (2, -1)), 0)
            moving.assign(moving * self._momentum + seen * (1 - self._momentum))
        return answer if len(x.shape) == 4 else answer[:, 0, 0]

    def weights_of_plain(self) -> Arrays:
        """Of `BatchNormalization`."""
        halves = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        return [np.tile(np.asarray(half), 2) for half in halves]


def _both(half: Any) -> Any:
    """A kernel of twice as many channels: `half`, and what mirrors it.

    The other half's channels stand where these stand for the mirrored picture.
    """
    turned = tf.reverse(half, [1])
    if half.shape[2] % 2 == 0:  # one channel or three are a picture's
        turned = tf.roll(turned, half.shape[2] // 2, 2)
    return tf.concat([half, turned], -1)
