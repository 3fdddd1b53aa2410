"""Where the faces of a picture are, and each face as the classifier wants it.

The detector is OpenCV's frontal Haar cascade `alt` on a small gray copy without equalisation:
of the three frontal cascades, with and without equalisation, this found the most faces for the
fewest false ones (docs/seeing.md has the table).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from predictions.core.images import Pixels

FACE_SIDE = 96  # pixels, what the classifier takes
MOST_FACES = 8
CASCADE = "haarcascade_frontalface_alt.xml"
SMALLEST_WINDOW = 20  # pixels, what the cascade was trained on

Size = tuple[int, int]  # width, height


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of an upright picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    def scaled(self, by: float) -> "Box":
        return Box(
            round(self.x * by),
            round(self.y * by),
            max(1, round(self.width * by)),
            max(1, round(self.height * by)),
        )

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0, wide) * max(0, high)
        return shared / (self.area + other.area - shared)

    def between(self, other: "Box") -> "Box":
        """The rectangle half way to the other one."""
        return Box(
            (self.x + other.x) // 2,
            (self.y + other.y) // 2,
            (self.width + other.width) // 2,
            (self.height + other.height) // 2,
        )


def whole(size: Size) -> Box:
    """The box of a picture that is taken as one face."""
    return Box(0, 0, *size)


def is_face_crop(size: Size) -> bool:
    """A picture this small is a face that the caller cut out already."""
    return max(size) <= FACE_SIDE


class Detector:
    """Finds frontal faces. Not for two threads at once: each thread makes its own.

    `side` is the longer side of the copy that is searched. The smallest face found is
    20 / `side` of the longer side of the picture: an eighth at 160, a twelfth at 240.
    """

    def __init__(self, *, side: int, step: float = 1.1, neighbours: int = 3) -> None:
        self.side = side
        self._step = step
        self._neighbours = neighbours
        path = Path(cv2.__file__).parent / "data" / CASCADE
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise FileNotFoundError(path)

    def faces(self, pixels: Pixels) -> list[Box]:
        """The largest eight faces in pixels of the given picture, the largest first."""
        height, width = pixels.shape[:2]
        scale = min(1.0, self.side / max(height, width))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        if min(small) < SMALLEST_WINDOW:
            return []
        copy = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
        found = self._cascade.detectMultiScale(
            cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY),
            scaleFactor=self._step,
            minNeighbors=self._neighbours,
            minSize=(SMALLEST_WINDOW, SMALLEST_WINDOW),
        )
        boxes = [Box(*(int(value) for value in row)).scaled(1 / scale) for row in found]
        return sorted(boxes, key=lambda box: (-box.area, box.y, box.x))[:MOST_FACES]


def crop(pixels: Pixels, box: Box, *, margin: float) -> Pixels:
    """The square about the box's middle as (96, 96, 3); `box` is in pixels of this picture.

    The square's side is the box's longer side, widened by `margin` times itself at every edge
    (negative: cut tighter). Where it leaves the picture, the edge's pixels are repeated, so that
    the face keeps its place and size. Raises `ValueError` for a box beside the picture.
    """
    height, width = pixels.shape[:2]
    side = max(1.0, max(box.width, box.height) * (1 + 2 * margin))
    left, top = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    x0, x1, left_pad, across = _cut(left, side, width)
    y0, y1, top_pad, down = _cut(top, side, height)
    cut = pixels[y0:y1, x0:x1]
    shrinks = side > FACE_SIDE
    face = cv2.resize(
        cut, (across, down), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    if (across, down) == (FACE_SIDE, FACE_SIDE):
        return face  # type: ignore[return-value]
    padded: Pixels = cv2.copyMakeBorder(  # type: ignore[assignment]
        face,
        top_pad,
        FACE_SIDE - down - top_pad,
        left_pad,
        FACE_SIDE - across - left_pad,
        cv2.BORDER_REPLICATE,
    )
    return padded


def _cut(start: float, side: float, length: int) -> tuple[int, int, int, int]:
    """One axis: first and last pixel inside the picture, then padding and size in the face."""
    first, last = max(0, round(start)), min(length, round(start + side))
    if first >= last:
        raise ValueError(f"the square {start}+{side} lies beside the picture of {length}")
    pad = round((first - start) * FACE_SIDE / side) if start < 0 else 0
    size = FACE_SIDE
    if start < 0 or start + side > length:
        size = round((last - first) * FACE_SIDE / side)
    pad = min(max(0, pad), FACE_SIDE - 1)
    return first, last, pad, min(max(1, size), FACE_SIDE - pad)


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face with its number in the stream: the same number is taken to be the same person."""

    number: int
    box: Box


def pixels_needed(faces: Sequence[TrackedFace], size: Size, *, margin: float) -> int:
    """The longer side at which the smallest of the faces still fills the classifier's input."""
    if not faces:
        return 1
    smallest = min(max(face.box.width, face.box.height) for face in faces)
    return math.ceil(FACE_SIDE * max(size) / (smallest * (1 + 2 * margin)))


class FaceTrack:
    """The faces of one stream, so that only every `every`-th frame pays for detection.

    Boxes older than `longest_s` seconds or of a picture of another size are not used again.
    """

    SAME_FACE = 0.3  # overlap from which a new box continues an old one
    STEADY = 0.6  # overlap from which the old box damps the new one's jitter

    def __init__(self, *, every: int = 5, longest_s: float = 0.5) -> None:
        self._every = every
        self._longest_s = longest_s
        self._faces: tuple[TrackedFace, ...] = ()
        self._size: Size | None = None
        self._detected_at = 0.0
        self._used = 0
        self._next_number = 1

    def recall(self, size: Size, *, at: float) -> tuple[TrackedFace, ...] | None:
        """The faces of this frame, the largest first, or None: detect them now, then `learn`."""
        fresh = size == self._size and at - self._detected_at <= self._longest_s
        if not fresh or self._used >= self._every:
            return None
        self._used += 1
        return self._faces

    def learn(self, boxes: Sequence[Box], size: Size, *, at: float) -> tuple[TrackedFace, ...]:
        """Take what was detected and number it."""
        known = list(self._faces) if size == self._size else []
        self._faces = tuple(self._number(box, known) for box in boxes)
        self._size, self._detected_at, self._used = size, at, 1
        return self._faces

    def _number(self, box: Box, known: list[TrackedFace]) -> TrackedFace:
        nearest = max(known, key=lambda face: face.box.overlap(box), default=None)
        overlap = nearest.box.overlap(box) if nearest else 0.0
        if nearest is None or overlap < self.SAME_FACE:
            self._next_number += 1
            return TrackedFace(self._next_number - 1, box)
        known.remove(nearest)
        steady = box.between(nearest.box) if overlap >= self.STEADY else box
        return TrackedFace(nearest.number, steady)
