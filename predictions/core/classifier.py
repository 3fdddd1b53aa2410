"""Reads the class of face or hand crops with a LiteRT network; TensorFlow is never imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from predictions.core.labels import EMOTIONS

SIDE: Final = 96
SEVERAL: Final = 4  # faces that one call of the network takes together


class ModelUnfit(Exception):
    """The file is no network that reads 96x96 RGB crops into one number a class."""


class Classifier:
    """A loaded .tflite network and its temperature.

    Not re-entrant: one thread at a time may call it, so give every thread its own.
    """

    def __init__(
        self,
        path: Path,
        *,
        temperature: float,
        classes: int = len(EMOTIONS),
        bias: Sequence[float] | None = None,
        threads: int = 1,
    ) -> None:
        """Load the network at `path`: uint8, int8 or float32 in, and the same choice out.

        Its input is (n, 96, 96, 3), its output (n, classes) logits or probabilities, which a
        trial on noise tells apart. `bias`, one number a class, is added to the logits before they
        are divided by the temperature. Raises `ModelUnfit` for any other file, and `ValueError`
        for a temperature that is no finite number above 0 or a bias that is not one a class.
        """
        if not (np.isfinite(temperature) and temperature > 0):
            raise ValueError(f"no temperature: {temperature}")
        self._temperature = np.float32(temperature)
        self._bias = np.asarray([0.0] * classes if bias is None else bias, np.float32)
        if self._bias.shape != (classes,) or not np.isfinite(self._bias).all():
            raise ValueError(f"no bias for {classes} classes: {bias}")
        self._one = _Network(path, threads, batch=1, classes=classes)
        # Several at once cost an eighth less a face and 6 MB; more than four gain nothing.
        self._several: _Network | None
        try:
            self._several = _Network(path, threads, batch=SEVERAL, classes=classes)
        except ModelUnfit:  # an uploaded network may be built for one face at a time
            self._several = None
        trial = self._one.trial
        # A softmax in int8 has steps of 1/256, so each class may miss by 1/512.
        self._softmaxed = bool(trial.min() >= 0 and abs(trial.sum() - 1) < 0.006 + classes / 512)

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Calibrated (n, classes) probabilities of (n, 96, 96, 3) RGB.

        Raises `ValueError` for another shape or dtype.
        """
        if faces.dtype != np.uint8 or faces.shape[1:] != (SIDE, SIDE, 3):
            raise ValueError(f"faces must be uint8 (n, 96, 96, 3), got {faces.dtype} {faces.shape}")
        scores = np.empty((len(faces), len(self._bias)), np.float32)
        place = 0
        while place < len(faces):
            network = self._one
            if self._several is not None and len(faces) - place >= SEVERAL:
                network = self._several
            following = place + network.batch
            scores[place:following] = network.answer(faces[place:following])
            place = following
        if self._softmaxed:
            scores = np.log(np.maximum(scores, np.float32(1e-6)))
        return soften(scores + self._bias, self._temperature)


class _Network:
    """One LiteRT interpreter, ready for a fixed number of faces."""

    def __init__(self, path: Path, threads: int, *, batch: int, classes: int) -> None:
        """Raises `ModelUnfit`."""
        self.batch = batch
        try:
            self._interpreter = _open(path, threads)
            self._input, self._output = _tensors(self._interpreter, classes)
            self._interpreter.resize_tensor_input(self._input["index"], (batch, SIDE, SIDE, 3))
            self._interpreter.allocate_tensors()
            noise = np.random.default_rng(0).integers(0, 256, (batch, SIDE, SIDE, 3), np.uint8)
            self.trial = self.answer(noise)
        except (ValueError, RuntimeError) as error:
            raise ModelUnfit(f"the network cannot be run: {error}") from error
        if self.trial.shape != (batch, classes):
            raise ModelUnfit(f"{batch} faces get an answer of shape {self.trial.shape}")
        if not np.isfinite(self.trial).all():
            raise ModelUnfit("the network answers with numbers that are not finite")

    def answer(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network says of (batch, 96, 96, 3) faces, as real numbers: (batch, classes)."""
        self._interpreter.set_tensor(self._input["index"], _encode(faces, self._input))
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
    from ai_edge_litert.interpreter import Interpreter  # 20 MB that a page never needs

    try:
        return Interpreter(model_path=str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise ModelUnfit(f"{path.name} is no LiteRT network: {error}") from error


def _tensors(interpreter: Any, classes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one input and the one output, checked. Raises `ModelUnfit`."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelUnfit(f"{len(inputs)} inputs and {len(outputs)} outputs, not one of each")
    if tuple(inputs[0]["shape_signature"][1:]) != (SIDE, SIDE, 3):
        raise ModelUnfit(f"the input is {_shape(inputs[0])}, not (None, 96, 96, 3)")
    if tuple(outputs[0]["shape_signature"][1:]) != (classes,):
        raise ModelUnfit(f"the output is {_shape(outputs[0])}, not (None, {classes})")
    for tensor in (inputs[0], outputs[0]):
        if tensor["dtype"] not in (np.uint8, np.int8, np.float32):
            raise ModelUnfit(f"a tensor is {np.dtype(tensor['dtype'])}, not uint8, int8 or float32")
    return inputs[0], outputs[0]


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
