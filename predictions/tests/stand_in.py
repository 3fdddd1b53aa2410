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
        self.sure = 1.0  # the share of the answer; what is left is for neutral

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert faces.shape[1:] == (96, 96, 3)
        assert faces.dtype == np.uint8
        self.batches.append(len(faces))
        self.at_work.set()
        assert self.gate.wait(10)
        rows = np.zeros((len(faces), 7), np.float32)
        bright = faces.mean(axis=(1, 2, 3)) > 100
        rows[:, 4] = 1 - self.sure
        rows[bright, 3] = self.sure
        rows[~bright, 5] = self.sure
        return rows
