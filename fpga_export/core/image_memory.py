"""A picture as a memory: one word a pixel, row by row, the topmost left one at address 0."""

import re
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpga_export.core.memories import Words, hex_digits, raw_files
from fpga_export.core.memory_vhdl import address_bits, package, plain_rom
from predictions.core.images import decode

ENTITY: Final = "Memoria_Imagen"
LARGEST: Final = 1024  # pixels of a side
SESSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")

Pixels: TypeAlias = NDArray[np.uint8]  # (height, width) of gray or (height, width, 3) of RGB
Way: TypeAlias = Literal["resize", "crop"]
Matrix: TypeAlias = list[list[int]] | list[list[list[int]]]


class BadSize(Exception):
    """No picture of that many pixels is written."""

    code = "image_size"

    def __init__(self, *, width: int, height: int) -> None:
        self.facts = {"width": width, "height": height, "limit": LARGEST}
        super().__init__(f"{width} x {height} pixels; a side has 1 to {LARGEST}")


def picture_of(
    data: bytes, *, width: int = 32, height: int = 32, gray: bool = True, way: Way = "resize"
) -> Pixels:
    """The picture in a JPEG, PNG or WebP file, upright and of that size.

    Raises `BadSize`, and `BadImage` for a file that is not decoded.
    """
    _check(width, height)
    return fitted(decode(data).pixels, width=width, height=height, gray=gray, way=way)


def fitted(pixels: Pixels, *, width: int, height: int, gray: bool, way: Way = "resize") -> Pixels:
    """`pixels` at that size: "resize" bends the whole picture, "crop" keeps its middle unbent.

    Gray is ITU-R 601 luma, as Pillow has it. Raises `BadSize`.
    """
    _check(width, height)
    image = Image.fromarray(pixels).convert("L" if gray else "RGB")
    if image.size == (width, height):
        return np.asarray(image, np.uint8)
    box = _middle(image.size, width, height) if way == "crop" else None
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box), np.uint8)


def _middle(size: tuple[int, int], width: int, height: int) -> tuple[float, float, float, float]:
    """The largest rectangle in the middle of `size` with the shape of width x height."""
    scale = min(size[0] / width, size[1] / height)
    left, top = (size[0] - width * scale) / 2, (size[1] - height * scale) / 2
    return (left, top, left + width * scale, top + height * scale)


def image_words(pixels: Pixels) -> Words:
    """One word a pixel: 8 bits of gray, or 24 with red in the highest eight. Raises `BadSize`."""
    height, width = pixels.shape[:2]
    _check(width, height)
    if pixels.ndim == 2:
        return Words(pixels.astype(np.int64), 8, signed=False)
    parts = pixels.astype(np.int64)
    return Words((parts[..., 0] << 16) | (parts[..., 1] << 8) | parts[..., 2], 24, signed=False)


def image_memory(pixels: Pixels, *, session_id: str) -> dict[str, str | bytes]:
    """The picture as a ROM entity, a package and the raw formats: {file name: content}.

    The entity's array fills its address space: 32 x 32 pixels are 1,024 words, and what another
    size leaves free is zero. Raises `BadSize`, and `ValueError` for a strange session.
    """
    if not SESSION.fullmatch(session_id):
        raise ValueError("a session's name has letters, digits, _ and - alone")
    words = image_words(pixels)
    about = _about(pixels, words)
    stem = vhdl_name(session_id).removesuffix(".vhdl.txt")
    return {
        vhdl_name(session_id): plain_rom(ENTITY, words, about),
        f"{stem}_pkg.vhdl.txt": package(f"{ENTITY}_pkg", words, about),
        **raw_files(stem, words, about),
    }


def vhdl_name(session_id: str) -> str:
    """The file with the entity."""
    return f"{ENTITY}_{session_id}.vhdl.txt"


def decimal_matrix(pixels: Pixels) -> Matrix:
    """Rows of numbers 0 to 255, or of [red, green, blue]."""
    matrix: Matrix = pixels.tolist()
    return matrix


def hex_matrix(pixels: Pixels) -> list[list[str]]:
    """Rows of upper-case hexadecimal words as in the memory: "FF", or "RRGGBB"."""
    words = image_words(pixels)
    digits = hex_digits(words.patterns, words.bits)
    text = digits.tobytes().decode("ascii")
    each, width = digits.shape[1], pixels.shape[1]
    entries = [text[start : start + each] for start in range(0, len(text), each)]
    return [entries[start : start + width] for start in range(0, len(entries), width)]


def _about(pixels: Pixels, words: Words) -> list[str]:
    height, width = pixels.shape[:2]
    kind = "8 bits of gray" if words.bits == 8 else "24 bits: red, green, blue"
    bits = address_bits(len(words))
    return [
        f"{width} x {height} pixels, row by row from the top left: address = y * {width} + x",
        f"one word a pixel, {kind}; {len(words)} words, {bits} address bits",
    ]


def _check(width: int, height: int) -> None:
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise BadSize(width=width, height=height)
