"""The small network for hardware, asked as the classifier of the server is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core.classifier import soften

SMALL_SIDE: Final = 32


class SmallNetwork:
    """A .tflite that reads gray 32x32: uint8 0..255, or float32 0..1."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._entry = self._interpreter.get_input_details()[0]
        self._exit = self._interpreter.get_output_details()[0]

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, classes) for (n, 96, 96, 3) RGB."""
        pixels = shrink(images)  # in int8 a code is a pixel; in fp32 1 is white
        if self._entry["dtype"] is not np.uint8:
            pixels = (pixels / 255).astype(np.float32)
        rows = np.empty((len(images), self._exit["shape"][-1]), np.float32)
        for place in range(len(images)):
            self._interpreter.set_tensor(self._entry["index"], pixels[place : place + 1])
            self._interpreter.invoke()
            rows[place] = self._interpreter.get_tensor(self._exit["index"])[0]
        return rows

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same at temperature 1."""
        return soften(self.logits(faces), np.float32(1))


class SmallKeras:
    """The same from its .keras file, which answers probabilities for gray 0..1."""

    def __init__(self, path: Path) -> None:
        import keras  # of no use to a reader of the .tflite

        self._whole = keras.saving.load_model(path, compile=False, safe_mode=True)

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, classes) for (n, 96, 96, 3) RGB."""
        gray = (shrink(faces) / 255).astype(np.float32)
        return np.asarray(self._whole(gray, training=False), np.float32)


def is_small(facts: Mapping[str, Any]) -> bool:
    """Whether the facts of a network are those of a small one."""
    return str(facts.get("input_shape", "")).startswith(f"(None, {SMALL_SIDE}, ")


def shrink(images: NDArray[np.uint8]) -> NDArray[Any]:
    """(n, 96, 96, 3) RGB to (n, 32, 32, 1) gray, as the small network reads it."""
    size = (SMALL_SIDE, SMALL_SIDE)
    gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in gray]
    return np.stack(small).astype(np.uint8)[..., None]
