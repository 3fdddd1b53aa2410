"""Pictures made for the tests."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predictions.core.face import Box
from predictions.core.images import Pixels

SAMPLES = Path(__file__).parents[2] / "static" / "samples"  # both in the public domain
COLLINS = SAMPLES / "eileen-collins-nasa.jpg"  # NASA portrait, 512x512
HOPPER = SAMPLES / "grace-hopper-us-navy.jpg"  # US Navy portrait by James S. Davis, 512x600
FACES = {COLLINS: Box(172, 61, 102, 102), HOPPER: Box(150, 100, 230, 230)}  # by eye


def four_corners(width: int = 32, height: int = 16) -> Pixels:
    """Red, green / blue, white quarters: each way to turn it looks different."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = (255, 255, 255)
    return pixels


def encoded(pixels: NDArray[Any] | Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0} | options
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def png_claiming(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size, with a right checksum."""
    data = bytearray(encoded(four_corners(), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)
