"""Faces on which a network of somebody else is tried before it may answer for people."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from predictions.core.corruptions import CORRUPTIONS
from predictions.core.face import FACE_SIDE
from predictions.core.images import STANDARD
from predictions.core.reading import Request, make_detectors, prepare

AGREE = 0.01  # of probability, between what Keras and LiteRT say
ALIKE = 1e-6  # of probability: answers that differ by less are one answer


class Untrustworthy(Exception):
    """The network's answers cannot be right; the text says why."""


def sample_faces(pictures: Iterable[Path]) -> NDArray[np.uint8]:
    """(n, 96, 96, 3): the largest face of each picture, as it is and corrupted, then flat ones."""
    detectors = make_detectors()
    rng = np.random.default_rng(0)
    shape = (1, FACE_SIDE, FACE_SIDE, 3)
    faces = [np.full(shape, shade, np.uint8) for shade in (0, 128, 255)]
    faces.append(rng.integers(0, 256, shape, dtype=np.uint8))
    for picture in pictures:
        request = Request(picture.read_bytes(), 0.0, assume_face=True)
        crops = prepare(request, detectors, margin=0.0, limits=STANDARD).crops
        face = crops[0][None]
        faces += [face, face[:, :, ::-1], *(one.apply(face) for one in CORRUPTIONS)]
    return np.concatenate(faces)


def check_answers(raw: NDArray[np.float64], served: NDArray[np.float32]) -> None:
    """Compare what Keras says, (n, classes) as its last layer gives it, with the probabilities
    that are served. Raises `Untrustworthy`."""
    if not (np.isfinite(raw).all() and np.isfinite(served).all()):
        raise Untrustworthy("it answers sample faces with numbers that are not finite")
    shares = bool((raw >= 0).all() and (raw <= 1).all())
    if shares and np.abs(raw.sum(axis=1) - 1).max() > 0.01:
        raise Untrustworthy(
            "its answers are shares that do not sum to 1; end it in a softmax, not in a sigmoid"
        )
    if np.ptp(served, axis=0).max() < ALIKE:
        raise Untrustworthy(
            "it gives every sample face the same answer: perhaps it is not trained, or wants "
            "other --pixels"
        )
    expected = raw if shares else _softmax(raw)
    apart = float(np.abs(expected - served).max())
    if apart > AGREE:
        raise Untrustworthy(
            f"once converted it answers otherwise than in Keras, by up to {apart:.2f}; it may use "
            "a layer that LiteRT rounds differently"
        )


def _softmax(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
