"""A picture from bytes that a stranger sent: guarded before it is decoded, upright, RGB.

JPEG, PNG and WebP are told apart by their bytes. An animated file is refused, because its first
frame need not be what its sender sees. Every refusal is a `BadImage` with a stable code.
"""

import binascii
import io
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from predictions.core.headers import Header, jpeg_scans, read_header, sniff

BadImageCode = Literal[
    "empty", "too_large", "unsupported_format", "too_many_pixels", "animated", "broken"
]
Pixels = NDArray[np.uint8]  # (height, width, 3), RGB


def gettext_noop(text: str) -> str:
    """Marks a sentence for the catalogue; whoever shows it translates it."""
    return text


MESSAGES: dict[BadImageCode, str] = {
    "empty": gettext_noop("The image is empty. Send a JPEG, PNG or WebP file."),
    "too_large": gettext_noop("The image has more than {limit} bytes. Send a smaller file."),
    "unsupported_format": gettext_noop(
        "The file is not a JPEG, PNG or WebP image. Convert it first."
    ),
    "too_many_pixels": gettext_noop(
        "The image has {width} x {height} pixels, more than {limit} in all. Reduce it first."
    ),
    "animated": gettext_noop("The image is animated. Send a single picture."),
    "broken": gettext_noop("The image is cut short or damaged. Send it again or save it anew."),
}

NEUTRAL = 128  # the gray behind transparent pixels
KEEP = 960  # pixels of the longer side: a face of a tenth of it fills the classifier's input
MOST_SCANS = 64  # ordinary progressive files have about ten

REFUSALS_OF_PILLOW = (
    Image.DecompressionBombError,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class BadImage(Exception):
    """The bytes are not a picture we take. `message` is an msgid to be filled from `facts`."""

    def __init__(self, code: BadImageCode, **facts: int) -> None:
        self.code = code
        self.message = MESSAGES[code]
        self.facts = facts
        super().__init__(code)

    def __str__(self) -> str:
        return self.message.format(**self.facts)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a stranger may make us do. `pixels` holds for baseline JPEG, which is decoded at
    a reduced size; all else must be unpacked whole, and `pixels_unpacked` holds for it."""

    bytes: int = 10 * 2**20
    pixels: int = 64_000_000
    pixels_unpacked: int = 16_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture. `pixels` may be smaller than the file's; `width` and `height` are the
    true size, also upright."""

    pixels: Pixels
    width: int
    height: int

    @property
    def reduction(self) -> float:
        """True size divided by decoded size: at least 1."""
        height, width = self.pixels.shape[:2]
        return float(max(self.width / width, self.height / height))


STANDARD = Limits()


def decode(data: bytes, *, limits: Limits = STANDARD, keep: int = KEEP) -> Picture:
    """The picture in `data`. Raises `BadImage`."""
    return unpack(data, inspect(data, limits=limits), limits=limits, keep=keep)


def inspect(data: bytes, *, limits: Limits = STANDARD) -> Header:
    """The header of a file that may be decoded. Raises `BadImage`; costs microseconds."""
    if not data:
        raise BadImage("empty")
    if len(data) > limits.bytes:
        raise BadImage("too_large", limit=limits.bytes)
    kind = sniff(data)
    if kind is None:
        raise BadImage("unsupported_format")
    header = read_header(data, kind)
    if header is None:
        raise BadImage("broken")
    reducible = kind == "JPEG" and not header.progressive and header.channels in {1, 3}
    limit = limits.pixels if reducible else limits.pixels_unpacked
    if header.pixels > limit:
        raise BadImage("too_many_pixels", width=header.width, height=header.height, limit=limit)
    if header.animated:
        raise BadImage("animated")
    if kind == "JPEG" and jpeg_scans(data) > MOST_SCANS:
        raise BadImage("broken")
    return header


def unpack(data: bytes, header: Header, *, limits: Limits = STANDARD, keep: int = KEEP) -> Picture:
    """The picture of a file that `inspect` let through. Raises `BadImage`.

    A JPEG is decoded at 1/8, 1/4 or 1/2 of its size as long as its longer side keeps at least
    `keep` pixels; all else comes at full size.
    """
    pixels = _decode_jpeg(data, header, keep) if header.format == "JPEG" else None
    if pixels is None:
        if header.pixels > limits.pixels_unpacked:  # damaged, or it would have been reduced
            raise BadImage("broken")
        pixels = _decode_with_pillow(data, header)
    return Picture(_upright(pixels, header.orientation), *header.upright_size)


def from_base64(text: str, *, limits: Limits = STANDARD) -> bytes:
    """The bytes of a base64 text, with or without a data-URL prefix. Raises `BadImage`.

    Length first, then strict: the standard alphabet with its padding; only the line breaks of
    MIME encoders are let through.
    """
    start = 0
    if text[:5].lower() == "data:":
        start = text.find(",", 0, 256) + 1
        if start == 0 or not text[:start].lower().endswith(";base64,"):
            raise BadImage("broken")
    breaks = text.count("\n", start) + text.count("\r", start)
    if len(text) - start - breaks > 4 * (limits.bytes // 3 + 1):
        raise BadImage("too_large", limit=limits.bytes)
    body = text[start:] if start else text
    if breaks:
        body = body.replace("\r", "").replace("\n", "")
    if not body:
        raise BadImage("empty")
    if len(body) % 4:  # binascii lets surplus padding pass
        raise BadImage("broken")
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except ValueError as cause:  # binascii.Error, or a character outside ASCII
        raise BadImage("broken") from cause


def _decode_jpeg(data: bytes, header: Header, keep: int) -> Pixels | None:
    """The fast way, or None for what it does not take: CMYK, and files that make it complain."""
    if header.channels not in {1, 3}:
        return None
    longer = max(header.width, header.height)
    factor = next((by for by in (8, 4, 2) if longer >= by * keep), 1)
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(
            data,
            colorspace="RGB",
            min_height=-(-header.height // factor) if factor > 1 else 0,
            min_width=-(-header.width // factor) if factor > 1 else 0,
            min_factor=factor,
        )
    except ValueError:
        return None
    expected = (-(-header.height // factor), -(-header.width // factor), 3)
    return pixels if pixels.shape == expected else None


def _decode_with_pillow(data: bytes, header: Header) -> Pixels:
    try:
        with Image.open(io.BytesIO(data), formats=[header.format]) as image:
            if image.size != (header.width, header.height):
                raise BadImage("broken")
            image.load()
            return _to_rgb(image)
    except REFUSALS_OF_PILLOW as cause:
        raise BadImage("broken") from cause


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):  # 16 bits of gray
        gray = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        flat = Image.new("RGB", image.size, (NEUTRAL, NEUTRAL, NEUTRAL))
        flat.paste(colour, mask=colour.getchannel("A"))
        return np.asarray(flat)
    return np.asarray(image.convert("RGB"))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo what EXIF says the camera did: 2 to 4 mirror or turn by 180°, 5 to 8 transpose too."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
