"""Reads the emotion of face crops with a LiteRT network; TensorFlow is never imported."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from predictions.core.labels import EMOTIONS

SIDE: Final = 96


class ModelUnfit(Exception):  # noqa: N818 -- a refusal is named by what happened
    """The file is no network that reads 96x96 RGB faces into seven numbers."""


class Classifier:
    """A loaded .tflite network and its temperature.

    Not re-entrant: one thread at a time may call it, so give every thread its own.
    """

    def __init__(self, path: Path, *, temperature: float, threads: int = 1) -> None:
        """Load the network at `path`: uint8, int8 or float32 in, and the same choice out.

        Its input is (n, 96, 96, 3), its output (n, 7) logits or probabilities, which a trial
        on noise tells apart. Raises `ModelUnfit` for any other file, and `ValueError` for a
        temperature that is not a finite number above 0.
        """
        if not (np.isfinite(temperature) and temperature > 0):
            raise ValueError(f"no temperature: {temperature}")
        self._temperature = np.float32(temperature)
        self._interpreter = _open(path, threads)
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self._softmaxed = False
        noise = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)
        trial = np.concatenate([self._raw(face) for face in noise])
        if not np.isfinite(trial).all():
            raise ModelUnfit("the network answers with numbers that are not finite")
        # A softmax over int8 has steps of 1/256, so seven of them may miss 1 by 7/512.
        self._softmaxed = bool(trial.min() >= 0 and np.abs(trial.sum(axis=1) - 1).max() < 0.02)

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Calibrated (n, 7) probabilities, in the order of EMOTIONS, of (n, 96, 96, 3) RGB.

        Raises `ValueError` for another shape or dtype.
        """
        if faces.dtype != np.uint8 or faces.shape[1:] != (SIDE, SIDE, 3):
            raise ValueError(f"faces must be uint8 (n, 96, 96, 3), got {faces.dtype} {faces.shape}")
        scores = np.empty((len(faces), len(EMOTIONS)), np.float32)
        for place, face in enumerate(faces):
            scores[place] = self._raw(face)
        if self._softmaxed:
            scores = np.log(np.maximum(scores, np.float32(1e-6)))
        return soften(scores, self._temperature)

    def _raw(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network says of one (96, 96, 3) face, as real numbers: (1, 7)."""
        self._interpreter.set_tensor(self._input["index"], _encode(face[None], self._input))
        self._interpreter.invoke()
        return _decode(self._interpreter.get_tensor(self._output["index"]), self._output)


def soften(logits: NDArray[np.float32], temperature: np.float32) -> NDArray[np.float32]:
    """softmax(logits / temperature) over the last axis, of any shape."""
    scaled = logits / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    softened: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return softened


def _open(path: Path, threads: int) -> Any:
    """An interpreter at batch 1, allocated and checked. Raises `ModelUnfit`."""
    from ai_edge_litert.interpreter import Interpreter  # 20 MB that a page never needs

    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise ModelUnfit(f"{path.name} is no LiteRT network: {error}") from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelUnfit(f"{len(inputs)} inputs and {len(outputs)} outputs, not one of each")
    if tuple(inputs[0]["shape_signature"][1:]) != (SIDE, SIDE, 3):
        raise ModelUnfit(f"the input is {_shape(inputs[0])}, not (None, 96, 96, 3)")
    if tuple(outputs[0]["shape_signature"][1:]) != (len(EMOTIONS),):
        raise ModelUnfit(f"the output is {_shape(outputs[0])}, not (None, 7)")
    for tensor in (inputs[0], outputs[0]):
        if tensor["dtype"] not in (np.uint8, np.int8, np.float32):
            raise ModelUnfit(f"a tensor is {np.dtype(tensor['dtype'])}, not uint8, int8 or float32")
    try:
        interpreter.resize_tensor_input(inputs[0]["index"], (1, SIDE, SIDE, 3))
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelUnfit(f"the network cannot be run: {error}") from error
    return interpreter


def _shape(tensor: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(None if side < 0 else int(side) for side in tensor["shape_signature"])


def _encode(faces: NDArray[np.uint8], tensor: dict[str, Any]) -> NDArray[Any]:
    """Pixels 0..255 as the tensor's own numbers."""
    if tensor["dtype"] is np.float32:
        return faces.astype(np.float32)
    scale, zero = tensor["quantization"]
    if tensor["dtype"] is np.uint8 and scale in (0.0, 1.0) and zero == 0:
        return faces
    limits = np.iinfo(tensor["dtype"])
    codes = np.rint(faces / np.float32(scale or 1.0)) + zero
    encoded: NDArray[Any] = np.clip(codes, limits.min, limits.max).astype(tensor["dtype"])
    return encoded


def _decode(codes: NDArray[Any], tensor: dict[str, Any]) -> NDArray[np.float32]:
    if tensor["dtype"] is np.float32:
        return codes.astype(np.float32)
    scale, zero = tensor["quantization"]
    return np.asarray((codes.astype(np.float32) - zero) * (scale or 1.0), np.float32)
