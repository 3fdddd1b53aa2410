"""A classifier that needs no file."""

import threading

import numpy as np
from numpy.typing import NDArray


class ByBrightness:
    """Bright faces are happy, dark ones sad; `gate` holds the worker until it is set."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.at_work = threading.Event()
        self.batches: list[int] = []

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert faces.shape[1:] == (96, 96, 3)
        assert faces.dtype == np.uint8
        self.batches.append(len(faces))
        self.at_work.set()
        assert self.gate.wait(10)
        rows = np.zeros((len(faces), 7), np.float32)
        bright = faces.mean(axis=(1, 2, 3)) > 100
        rows[bright, 3] = 1
        rows[~bright, 5] = 1
        return rows
