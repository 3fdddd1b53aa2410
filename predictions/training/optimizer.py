"""The optimizer: Muon learns more from an epoch than AdamW alone."""

from typing import Any

import keras
import tensorflow as tf


class Optimizer:
    """Muon for the kernels of convolutions, AdamW for every other weight.

    Source: Jordan et al. 2024 (Muon), scaled as AdamW by Liu et al. 2025, arXiv:2502.16982.
    The first convolution, which sees a single channel, and depthwise ones are left to AdamW.
    """

    momentum = 0.95

    def __init__(
        self,
        model: keras.Model,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
        *,
        conv_times: float,
        decay: float,
    ) -> None:
        """`conv_times`: the rate of convolutions, in rates of the rest."""
        self._schedule, self._conv_times, self._decay = schedule, conv_times, decay
        self._all = list(model.trainable_variables)
        self._turned = [v for v in self._all if _is_turned(v)]
        self._others = [v for v in self._all if not _is_turned(v)]
        self._momenta = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in self._turned]
        self._adam = keras.optimizers.AdamW(schedule, weight_decay=decay)
        self._adam.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        self._adam.build(self._others)

    @property
    def variables(self) -> list[Any]:
        """What a resume needs."""
        return [*self._adam.variables, *self._momenta]

    @property
    def iterations(self) -> Any:
        """Steps done."""
        return self._adam.iterations

    @property
    def learning_rate(self) -> Any:
        """Of the next step, for all but convolutions."""
        return self._schedule(self._adam.iterations)

    def apply(self, gradients: list[Any]) -> None:
        """One step; `gradients` in the order of the model's trainable variables."""
        by_weight = {id(v): g for v, g in zip(self._all, gradients, strict=True)}
        rate = self._schedule(self._adam.iterations) * self._conv_times
        self._adam.apply_gradients([(by_weight[id(v)], v) for v in self._others])
        for kernel, momentum in zip(self._turned, self._momenta, strict=True):
            gradient = by_weight[id(kernel)]
            momentum.assign(momentum * self.momentum + gradient)
            ahead = gradient + momentum * self.momentum
            flat = tf.reshape(ahead, (-1, kernel.shape[-1]))
            step = _orthogonal(flat) * (0.2 * max(flat.shape) ** 0.5)
            kernel.assign(kernel * (1 - rate * self._decay) - rate * tf.reshape(step, kernel.shape))


def _is_turned(variable: Any) -> bool:
    """A depthwise kernel is (rows, columns, channels, 1)."""
    return len(variable.shape) == 4 and min(variable.shape[2:]) > 1


def _orthogonal(matrix: tf.Tensor) -> tf.Tensor:
    """About U V^T of the singular value decomposition, by five steps of Newton and Schulz."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = tf.transpose(matrix) if tall else matrix
    x = tf.cast(x / (tf.norm(x) + 1e-7), tf.bfloat16)
    for _ in range(5):
        square = tf.matmul(x, x, transpose_b=True)
        x = 3.4445 * x + tf.matmul(-4.7750 * square + 2.0315 * tf.matmul(square, square), x)
    x = tf.cast(x, tf.float32)
    return tf.transpose(x) if tall else x
