"""What can be said of a picture without any network: faces, eyes, people, colours, sharpness.

Faces and eyes are found by OpenCV's Haar cascades, people who stand by its histogram of oriented
gradients with the detector of Dalal and Triggs (2005). Their scores are margins squeezed into 0 to
1: they order findings, and are no probabilities.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core.face import CASCADE, Box
from predictions.core.images import Pixels

Label = Literal["face", "eye", "person"]
FACE_SIDE: Final = 480  # pixels of the longer side of the copy in which faces are looked for
PERSON_SIDE: Final = 512
LEAST_PERSON: Final = (64, 128)  # pixels, the window that the detector was trained on
LEAST_MARGIN: Final = 0.6  # of people: below it, shadows and chairs are taken for them
MOST_OF_A_KIND: Final = 20
SAME: Final = 0.3  # overlap from which two findings are one
SHARP_SIDE: Final = 512
BLURRED_BELOW: Final = 60.0  # variance of the Laplacian of a gray copy of that side
DARK_BELOW, BRIGHT_ABOVE = 0.25, 0.8
COLOUR_SIDE: Final = 64
LEAST_SHARE: Final = 0.12
# Basic colour terms (Berlin and Kay, 1969) as sRGB.
COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "red": (200, 30, 30),
    "orange": (245, 140, 20),
    "yellow": (245, 225, 50),
    "green": (45, 140, 50),
    "blue": (40, 85, 190),
    "light blue": (140, 195, 235),
    "purple": (120, 50, 150),
    "pink": (240, 160, 185),
    "brown": (115, 70, 35),
    "beige": (222, 195, 160),
}


@dataclass(frozen=True, slots=True)
class Found:
    label: Label
    score: float  # 0 to 1
    box: Box  # in pixels of the upright picture


@dataclass(frozen=True, slots=True)
class Look:
    """All that was found; boxes in pixels of the given pixels."""

    found: tuple[Found, ...]  # the largest of a kind first
    colours: tuple[tuple[str, float], ...]  # name and share, the largest first
    brightness: float  # mean lightness, 0 to 1
    sharpness: float  # variance of the Laplacian

    def count(self, label: Label) -> int:
        return sum(one.label == label for one in self.found)

    @property
    def is_dark(self) -> bool:
        return self.brightness < DARK_BELOW

    @property
    def is_bright(self) -> bool:
        return self.brightness > BRIGHT_ABOVE

    @property
    def is_blurred(self) -> bool:
        return self.sharpness < BLURRED_BELOW


class Looker:
    """Looks at pictures. Not for two threads at once: OpenCV's cascades keep state."""

    def __init__(self) -> None:
        folder = Path(cv2.__file__).parent / "data"
        self._faces = _cascade(folder / CASCADE)
        self._eyes = _cascade(folder / "haarcascade_eye_tree_eyeglasses.xml")
        self._people = cv2.HOGDescriptor()
        self._people.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector()))

    def look(self, pixels: Pixels) -> Look:
        """What is in `pixels` (height, width, 3), RGB."""
        gray = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        faces = self._find_faces(gray)
        eyes = [eye for face in faces for eye in self._find_eyes(gray, face.box)]
        lightness = cv2.cvtColor(_shrunk(pixels, COLOUR_SIDE)[0], cv2.COLOR_RGB2LAB)[..., 0]
        return Look(
            found=(*self._find_people(gray), *faces, *eyes),
            colours=colours_of(pixels),
            brightness=float(lightness.mean()) / 255,
            sharpness=sharpness_of(gray),
        )

    def _find_faces(self, gray: NDArray[np.uint8]) -> list[Found]:
        small, scale = _shrunk(gray, FACE_SIDE)
        if min(small.shape[:2]) < 20:
            return []
        return _found("face", _detect(self._faces, small, least=20), scale)

    def _find_eyes(self, gray: NDArray[np.uint8], face: Box) -> list[Found]:
        """At most two, in the upper part of a face."""
        upper = gray[face.y : face.y + round(face.height * 0.6), face.x : face.x + face.width]
        if min(upper.shape[:2]) < 20:
            return []
        small, scale = _shrunk(upper, 200)
        hits = _found("eye", _detect(self._eyes, small, least=12), scale)[:2]
        return [
            Found(eye.label, eye.score, Box(eye.box.x + face.x, eye.box.y + face.y,
                                            eye.box.width, eye.box.height))
            for eye in hits
        ]  # fmt: skip

    def _find_people(self, gray: NDArray[np.uint8]) -> list[Found]:
        small, scale = _shrunk(gray, PERSON_SIDE)
        if small.shape[1] < LEAST_PERSON[0] or small.shape[0] < LEAST_PERSON[1]:
            return []
        boxes, margins = self._people.detectMultiScale(
            small, winStride=(8, 8), padding=(8, 8), scale=1.05
        )
        pairs = zip(np.asarray(boxes).tolist(), np.ravel(margins).tolist(), strict=True)
        hits = [(Box(*box), margin) for box, margin in pairs if margin >= LEAST_MARGIN]
        return _found("person", hits, scale)


def colours_of(pixels: Pixels) -> tuple[tuple[str, float], ...]:
    """The three colours that most of the picture is nearest to, in CIE Lab, and their shares."""
    small, _ = _shrunk(pixels, COLOUR_SIDE)
    names = list(COLOURS)
    swatches = np.array([COLOURS[name] for name in names], np.uint8)[None]
    targets = cv2.cvtColor(swatches, cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    points = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    nearest = ((points[:, None] - targets[None]) ** 2).sum(axis=2).argmin(axis=1)
    shares = np.bincount(nearest, minlength=len(names)) / len(points)
    largest = sorted(zip(names, shares.tolist(), strict=True), key=lambda pair: -pair[1])
    return tuple((name, share) for name, share in largest[:3] if share >= LEAST_SHARE)


def sharpness_of(gray: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of a copy of fixed size (Pech-Pacheco and others, 2000)."""
    small, _ = _shrunk(gray, SHARP_SIDE)
    return float(cv2.Laplacian(small, cv2.CV_64F).var())


def _cascade(path: Path) -> cv2.CascadeClassifier:
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise FileNotFoundError(path)
    return cascade


def _detect(
    cascade: cv2.CascadeClassifier, gray: NDArray[np.uint8], *, least: int
) -> list[tuple[Box, float]]:
    boxes, _levels, margins = cascade.detectMultiScale3(
        gray, scaleFactor=1.1, minNeighbors=4, minSize=(least, least), outputRejectLevels=True
    )
    pairs = zip(np.asarray(boxes).tolist(), np.ravel(margins).tolist(), strict=True)
    return [(Box(*box), margin / 4) for box, margin in pairs]


def _found(label: Label, hits: Sequence[tuple[Box, float]], scale: float) -> list[Found]:
    """Findings in pixels of the whole picture, each thing once, the largest first."""
    kept: list[tuple[Box, float]] = []
    for box, margin in sorted(hits, key=lambda hit: -hit[1]):
        if all(box.overlap(other) < SAME for other, _ in kept):
            kept.append((box, margin))
    kept.sort(key=lambda hit: (-hit[0].area, hit[0].x, hit[0].y))
    return [
        Found(label, 1 / (1 + math.exp(-margin)), box.scaled(scale))
        for box, margin in kept[:MOST_OF_A_KIND]
    ]


def _shrunk(pixels: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], float]:
    """A copy whose longer side is at most `side`, and how many times smaller it is."""
    height, width = pixels.shape[:2]
    scale = max(1.0, max(height, width) / side)
    if scale == 1.0:
        return np.ascontiguousarray(pixels), scale
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), scale
