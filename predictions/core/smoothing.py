"""Calm answers for a stream of frames, and no answer where the classifier is not sure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]  # (7,), in the contract's order, summing to 1

HALF_LIFE_S: Final = 0.25
# After this time a new expression weighs as much as all that came before it.
LAG_MS: Final = round(HALF_LIFE_S * 1000)


class Smoother:
    """Exponential smoothing by time, one average per face number of a stream.

    After `half_life_s` seconds an older frame weighs half. A face that was away for longer than
    `forget_s` starts anew.
    """

    def __init__(self, *, half_life_s: float = HALF_LIFE_S, forget_s: float = 1.5) -> None:
        self._half_life_s = half_life_s
        self._forget_s = forget_s
        self._averages: dict[int, tuple[float, Probabilities]] = {}

    def smooth(self, face: int, probabilities: Probabilities, *, at: float) -> Probabilities:
        """The average after this frame, taken at `at` (seconds of a steady clock)."""
        self._forget_before(at - self._forget_s)
        average = probabilities
        if face in self._averages:
            then, before = self._averages[face]
            kept = np.float32(0.5 ** (max(0.0, at - then) / self._half_life_s))
            average = kept * before + (1 - kept) * probabilities
        self._averages[face] = (at, average)
        return average

    def _forget_before(self, oldest: float) -> None:
        gone = [face for face, (at, _) in self._averages.items() if at < oldest]
        for face in gone:
            del self._averages[face]


def settle(probabilities: Probabilities, *, threshold: float = 0.0) -> int | None:
    """The index of the likeliest class, or None when even that one lies below the threshold.

    An abstention is answered with `emotion_name: null` and `abstained: true` beside the true
    `confidence` and all probabilities, and makes no row: the table's emotion is never null. The
    threshold is 0 unless the operator sets one, so the originals' clients always get a name.
    """
    best = int(np.argmax(probabilities))
    return best if probabilities[best] >= threshold else None
