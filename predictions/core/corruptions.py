"""What a poor camera does to a face, as fixed distortions: how much accuracy does each cost?

Each takes and gives (n, side, side, 3) RGB crops as the server has them before the network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

Crops = NDArray[np.uint8]  # (n, side, side, 3) RGB

BLUR = 0.02  # of the side: the standard deviation, 2 pixels of 96
QUALITY = 30  # of JPEG
DARK = 0.3  # of the light is left
TURN = 20  # degrees
BAND = 0.3  # of the height
NOISE = 20  # of 255: the standard deviation


@dataclass(frozen=True, slots=True)
class Corruption:
    name: str
    title: str
    apply: Callable[[Crops], Crops]


def blur(crops: Crops) -> Crops:
    return _each(crops, lambda crop: cv2.GaussianBlur(crop, (0, 0), BLUR * len(crop)))


def pack(crops: Crops) -> Crops:
    """To a poor JPEG and back, with its colours at half the size."""

    def there_and_back(crop: Crops) -> Crops:
        packed = simplejpeg.encode_jpeg(
            np.ascontiguousarray(crop), quality=QUALITY, colorsubsampling="420"
        )
        return np.asarray(simplejpeg.decode_jpeg(packed), np.uint8)

    return _each(crops, there_and_back)


def darken(crops: Crops) -> Crops:
    return np.asarray(np.rint(crops * DARK), np.uint8)


def turn(crops: Crops, *, degrees: float) -> Crops:
    """About the middle, counter-clockwise; edges are repeated."""
    height, width = crops.shape[1:3]
    move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)

    def turned(crop: Crops) -> Crops:
        return np.asarray(
            cv2.warpAffine(crop, move, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    return _each(crops, turned)


def cover(crops: Crops, *, middle: float) -> Crops:
    """A flat gray band across the whole width; `middle` is its place, 0 top to 1 bottom."""
    height = crops.shape[1]
    top = round((middle - BAND / 2) * height)
    covered = crops.copy()
    covered[:, top : top + round(BAND * height)] = 128
    return covered


def add_noise(crops: Crops) -> Crops:
    """The same draws for the same number of crops; one for all three colours of a pixel."""
    drawn = np.random.default_rng(0).normal(0, NOISE, (*crops.shape[:3], 1))
    return np.asarray(np.clip(np.rint(crops + drawn), 0, 255), np.uint8)


CORRUPTIONS: Final = (
    Corruption("blur", "blurred, 2 pixels of 96", blur),
    Corruption("jpeg_30", "JPEG of quality 30", pack),
    Corruption("dark", "dark, 30 % of the light", darken),
    Corruption("turned_left", "turned by 20° to the left", lambda c: turn(c, degrees=TURN)),
    Corruption("turned_right", "turned by 20° to the right", lambda c: turn(c, degrees=-TURN)),
    Corruption("band_upper", "a band over the upper third", lambda c: cover(c, middle=0.37)),
    Corruption("band_lower", "a band over the lower third", lambda c: cover(c, middle=0.78)),
    Corruption("noise", "gray noise, 20 of 255", add_noise),
)


def _each(crops: Crops, change: Callable[[Crops], Any]) -> Crops:
    changed = np.empty_like(crops)
    for number, crop in enumerate(crops):
        changed[number] = change(crop)
    return changed
