"""Reads a letter of the American Sign Language from a picture of one hand."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core.images import Pixels
from predictions.core.labels import LETTERS, MOVING_LETTERS

SIDE: Final = 96
WIDEST: Final = 1.5  # longer side by shorter; of a longer picture the middle is read
FLAT: Final = 4.0  # standard deviation of its pixels, below which a picture shows nothing
BEST: Final = 3  # letters that an answer names


class Network(Protocol):
    """What reads (n, 96, 96, 3) RGB into calibrated (n, 26) probabilities."""

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Guess:
    """One letter that it may be."""

    letter: str
    confidence: float  # 0..1

    @property
    def movement(self) -> bool:
        """Whether the letter is signed by a movement, which one picture cannot show."""
        return self.letter in MOVING_LETTERS


@dataclass(frozen=True, slots=True)
class Reading:
    """The most likely letters of one picture, the likeliest first."""

    guesses: tuple[Guess, ...]
    threshold: float  # of confidence, below which no letter is named

    @property
    def letter(self) -> str | None:
        """The likeliest letter, or None below the threshold."""
        return None if self.abstained else self.guesses[0].letter

    @property
    def confidence(self) -> float:
        return self.guesses[0].confidence

    @property
    def abstained(self) -> bool:
        return self.confidence < self.threshold

    @property
    def movement(self) -> bool:
        """Whether the likeliest letter is signed by a movement."""
        return self.guesses[0].movement


class LetterReader:
    """A network and its threshold. Any thread may call it; they take turns."""

    def __init__(self, network: Network, *, threshold: float) -> None:
        self._network = network
        self._threshold = threshold
        self._turn = threading.Lock()

    def read(self, pixels: Pixels) -> Reading:
        """The letter of an upright RGB picture of any size that shows one hand."""
        crop = fit(pixels)
        if crop.std() < FLAT:  # a covered lens; the flattest of 915 hands has 12
            return Reading(best(np.full(len(LETTERS), 1 / len(LETTERS))), self._threshold)
        with self._turn:
            (row,) = self._network.probabilities(crop[None])
        return Reading(best(row), self._threshold)


def fit(pixels: Pixels) -> NDArray[np.uint8]:
    """(h, w, 3) to (96, 96, 3), stretched as the training photos were."""
    height, width = pixels.shape[:2]
    tall = min(height, round(width * WIDEST))
    wide = min(width, round(height * WIDEST))
    top, left = (height - tall) // 2, (width - wide) // 2
    middle = pixels[top : top + tall, left : left + wide]
    how = cv2.INTER_AREA if max(tall, wide) > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(middle, (SIDE, SIDE), interpolation=how), np.uint8)


def best(probabilities: NDArray[np.floating] | Sequence[float]) -> tuple[Guess, ...]:
    """The `BEST` likeliest letters of (26,) probabilities."""
    row = np.asarray(probabilities)
    order = np.argsort(-row, kind="stable")[:BEST]
    # Rounding may put the sum of float32 a hair above 1.
    return tuple(Guess(LETTERS[index], min(1.0, float(row[index]))) for index in order)
