import sys
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.labels import LETTERS
from predictions.core.letters import LetterReader, best, fit


class Says:
    """A network that always answers the same, and notices whether two threads are in it.

    What is left to 1 is shared by the letters that are not named.
    """

    def __init__(self, **letters: float) -> None:
        rest = (1 - sum(letters.values())) / (26 - len(letters))
        self.row = np.full(26, max(0.0, rest), np.float32)
        for letter, share in letters.items():
            self.row[LETTERS.index(letter)] = share
        self.inside = 0
        self.most = 0
        self.seen: list[NDArray[np.uint8]] = []

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.seen.append(faces)
        self.inside -= 1
        return np.repeat(self.row[None], len(faces), axis=0)


HAND = np.zeros((120, 90, 3), np.uint8)
HAND[30:90, 20:70] = 200


def test_the_likeliest_letter_is_named_with_two_others() -> None:
    reading = LetterReader(Says(L=0.7, D=0.2, Z=0.1), threshold=0.3).read(HAND)
    assert (reading.letter, reading.movement, reading.abstained) == ("L", False, False)
    assert reading.confidence == pytest.approx(0.7)
    assert [guess.letter for guess in reading.guesses] == ["L", "D", "Z"]
    assert [guess.movement for guess in reading.guesses] == [False, False, True]


@pytest.mark.parametrize("letter", ["J", "Z"])
def test_j_and_z_are_flagged_as_movements(letter: str) -> None:
    reading = LetterReader(Says(**{letter: 0.9}), threshold=0.3).read(HAND)
    assert (reading.letter, reading.movement) == (letter, True)


def test_below_the_threshold_there_is_no_letter_but_the_guesses_stay() -> None:
    reading = LetterReader(Says(Z=0.29, A=0.2), threshold=0.3).read(HAND)
    assert (reading.letter, reading.abstained, reading.movement) == (None, True, True)
    assert [guess.letter for guess in reading.guesses][:2] == ["Z", "A"]


@pytest.mark.parametrize("shade", [0, 20, 128, 255])
def test_a_picture_that_shows_nothing_has_no_letter(shade: int) -> None:
    noise = np.random.default_rng(0).integers(-8, 9, (480, 640, 3))  # of a covered lens
    wall = np.clip(shade + noise, 0, 255).astype(np.uint8)
    reading = LetterReader(Says(M=0.9), threshold=0.25).read(wall)
    assert (reading.letter, reading.abstained) == (None, True)
    assert reading.confidence == pytest.approx(1 / 26)


def test_a_confidence_equal_to_the_threshold_is_enough() -> None:
    assert LetterReader(Says(A=0.5), threshold=0.5).read(HAND).letter == "A"


def test_a_sum_of_float32_above_one_is_still_a_probability() -> None:
    assert best(np.array([1.0000002] + [0.0] * 25))[0].confidence == 1.0


def test_a_picture_is_stretched_and_of_a_long_one_the_middle_is_read() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 75:225] = 255  # the middle, 1.5 times as wide as tall
    assert fit(wide).shape == (96, 96, 3)
    assert fit(wide).min() == 255
    assert fit(wide.transpose(1, 0, 2)).min() == 255
    assert fit(np.full((1, 1, 3), 7, np.uint8)).max() == 7


def test_threads_take_turns_with_the_one_network() -> None:
    network = Says(A=1)
    reader = LetterReader(network, threshold=0)
    sys.setswitchinterval(1e-6)
    try:
        asking = [
            threading.Thread(target=lambda: [reader.read(HAND) for _ in range(50)])
            for _ in range(4)
        ]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
    finally:
        sys.setswitchinterval(0.005)
    assert (network.most, len(network.seen)) == (1, 200)
