"""Turns the trained network into LiteRT files: fp32, and int8 calibrated on training faces."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from predictions.training.network import SIDE, without_softmax


def to_float(network: keras.Model) -> bytes:
    """The .tflite in fp32: float32 (None, 96, 96, 3) 0..255 in, float32 (None, 7) logits out."""
    return bytes(_converter(network).convert())


def to_int8(network: keras.Model, gray: NDArray[np.uint8]) -> bytes:
    """The .tflite in int8: uint8 (None, 96, 96, 3) in, float32 (None, 7) logits out.

    `gray`: (n, 96, 96) training faces whose activations set the ranges.
    """
    return quantised(network, _calibration(gray))


def quantised(network: keras.Model, samples: Iterator[list[NDArray[np.float32]]]) -> bytes:
    """The .tflite in int8, uint8 in and float32 logits out; `samples`, inputs one by one, set
    the ranges."""
    converter = _converter(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    return bytes(converter.convert())


def _converter(network: keras.Model) -> tf.lite.TFLiteConverter:
    with redirect_stdout(StringIO()):  # Keras prints a page about its export
        return tf.lite.TFLiteConverter.from_keras_model(without_softmax(network))


def _calibration(gray: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
    # Full black and white pin the input's range to 0..255, where a code is a pixel.
    ends = np.zeros((1, SIDE, SIDE, 3), np.float32)
    ends[:, : SIDE // 2] = 255
    yield [ends]
    for face in gray:
        yield [np.repeat(face[None, :, :, None], 3, axis=3).astype(np.float32)]
