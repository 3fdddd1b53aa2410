"""Whole pictures made of face crops, to measure the path from picture to label.

A crop ends at the face, so what lies around it is made up: its edges are repeated outward and
fade, more blurred the farther away, into an even wall. The face then lies somewhere in a picture
of a webcam's shape, as large as faces there are. What comes out is a JPEG, as a camera sends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core.face import Box, crop
from predictions.core.images import STANDARD, decode
from predictions.core.reading import Request, make_detectors, prepare
from predictions.core.report import MarginScore
from predictions.training.evaluate import Images, Reader, Subset

WIDTH, HEIGHT = 480, 360
SMALLEST, LARGEST = 90, 200  # pixels of the crop's side in the picture
FADE = 0.6  # of the crop's side: where its surroundings have become the wall
QUALITY = 90
SAME_PLACE = 0.2  # overlap from which the face that was found is the one that was put there
COMPOSED = 600  # pictures of each set
MARGINS = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1, 0.15)


@dataclass(frozen=True, slots=True)
class Composed:
    """A picture and where in it the crop lies."""

    file: bytes
    box: Box


def compose(face: NDArray[np.uint8], rng: np.random.Generator) -> Composed:
    """A picture around the (side, side, 3) RGB crop."""
    side = int(rng.integers(SMALLEST, LARGEST + 1))
    left = int(rng.integers(side // 4, WIDTH - side - side // 4 + 1))
    top = int(rng.integers(side // 4, HEIGHT - side - side // 4 + 1))
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    around = (top, HEIGHT - side - top, left, WIDTH - side - left)
    picture = cv2.copyMakeBorder(large, *around, cv2.BORDER_REPLICATE).astype(np.float32)
    soft = _blurred(picture, side / 6)
    wall = np.full_like(picture, np.clip(large.mean() + rng.normal(0, 30), 20, 235))
    away = _distance(Box(left, top, side, side)) / (FADE * side)
    near = np.clip(1 - 4 * away, 0, 1)[..., None]  # the repeated edge itself
    far = np.clip(away, 0, 1)[..., None]
    blend = near * picture + (1 - near) * ((1 - far) * soft + far * wall)
    blend += 2 * rng.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32)
    pixels = np.clip(np.rint(blend), 0, 255).astype(np.uint8)
    pixels[top : top + side, left : left + side] = large
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    packed = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1]
    return Composed(packed.tobytes(), Box(left, top, side, side))


def _blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """At a quarter of the size: nobody sees the difference, and it costs a sixteenth."""
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(small, (picture.shape[1], picture.shape[0])), np.float32)


def _distance(box: Box) -> NDArray[np.float32]:
    """(HEIGHT, WIDTH) pixels to the nearest edge of the box; 0 inside."""
    x, y = np.arange(WIDTH)[None, :], np.arange(HEIGHT)[:, None]
    across = np.maximum(np.maximum(box.x - x, x - (box.x + box.width - 1)), 0)
    down = np.maximum(np.maximum(box.y - y, y - (box.y + box.height - 1)), 0)
    return np.asarray(np.hypot(across, down), np.float32)


@dataclass(frozen=True, slots=True)
class Found:
    """The faces that the server found in pictures composed of some rows."""

    rows: NDArray[np.int64]  # of the crops
    there: NDArray[np.bool_]  # of each row: the face was found where it was put
    crops: dict[float, Images]  # by margin: those that were found, cut out again


def find_again(
    faces: Images, rows: NDArray[np.int64], *, margins: Sequence[float] = MARGINS, seed: int = 0
) -> Found:
    """Compose a picture of each row, and let the server's code find the face and cut it out."""
    detectors, rng = make_detectors(), np.random.default_rng(seed)
    there = np.zeros(len(rows), np.bool_)
    cut: dict[float, list[Images]] = {margin: [] for margin in margins}
    for place, row in enumerate(rows):
        composed = compose(faces[row], rng)
        request = Request(composed.file, 0.0)
        prepared = prepare(request, detectors, margin=margins[0], limits=STANDARD)
        if not prepared.faces or prepared.faces[0].box.overlap(composed.box) < SAME_PLACE:
            continue
        there[place] = True
        pixels = decode(composed.file).pixels
        for margin in margins:
            cut[margin].append(crop(pixels, prepared.faces[0].box, margin=margin))
    empty = np.empty((0, *faces.shape[1:]), np.uint8)
    return Found(rows, there, {m: np.stack(part) if part else empty for m, part in cut.items()})


def draw_rows(
    labels: NDArray[np.int64], subsets: Sequence[Subset], *, most: int, seed: int = 0
) -> NDArray[np.int64]:
    """About `most` rows of each subset, drawn by class; a row is drawn once."""
    rng, chosen = np.random.default_rng(seed), []
    for subset in subsets:
        for label in np.unique(labels[subset.rows]):
            rows = np.flatnonzero(subset.rows & (labels == label))
            count = max(1, round(most * len(rows) / subset.rows.sum()))
            chosen.append(rng.permutation(rows)[:count])
    return np.unique(np.concatenate(chosen))


def margin_table(
    read: Reader, faces: Images, labels: NDArray[np.int64], found: Found, subsets: Sequence[Subset]
) -> list[MarginScore]:
    """Accuracy of the labels by margin, all told and in each subset."""
    rows = found.rows[found.there]
    as_given = read(faces[rows]).argmax(axis=1) == labels[rows]
    table: list[MarginScore] = []
    for margin, crops in found.crops.items():
        right = read(crops).argmax(axis=1) == labels[rows]
        table.append(
            {
                "margin": margin,
                "n": len(found.rows),
                "found": _share(found.there) or 0.0,
                "accuracy": _share(right),
                "as_given": _share(as_given),
                "by_set": {
                    one.name: {
                        "found": _share(found.there[one.rows[found.rows]]),
                        "accuracy": _share(right[one.rows[rows]]),
                    }
                    for one in subsets
                },
            }
        )
    return table


def _share(right: NDArray[np.bool_]) -> float | None:
    return round(float(right.mean()), 6) if len(right) else None


def whole_path(
    read: Reader, faces: Images, labels: NDArray[np.int64], subsets: Sequence[Subset]
) -> list[MarginScore]:
    """Accuracy by margin from pictures composed around some rows of each subset."""
    found = find_again(faces, draw_rows(labels, subsets, most=COMPOSED))
    return margin_table(read, faces, labels, found, subsets)


def best_margin(table: Sequence[MarginScore]) -> float:
    """The margin of the highest accuracy in the mean of the sets; of equals the smaller."""

    def mean(one: MarginScore) -> float:
        return sum(each["accuracy"] or 0 for each in one["by_set"].values())

    return max(table, key=lambda one: (mean(one), -one["margin"]))["margin"]
