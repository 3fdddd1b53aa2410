"""What the first bytes of a JPEG, PNG or WebP file say about it, read without decoding anything.

Sources: ITU-T T.81 (JPEG), the PNG specification (third edition), the WebP container
specification and CIPA DC-008 (EXIF). A header that cannot be followed to its end is `None`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Format = Literal["JPEG", "PNG", "WEBP"]

MOST_SEGMENTS = 1000  # parts of a file before its pixels; a bound on our own work
ORIENTATION = 0x0112
START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
START_OF_SCAN, END_OF_IMAGE, APP1 = 0xDA, 0xD9, 0xE1


@dataclass(frozen=True, slots=True)
class Header:
    """The size is the stored one, before `orientation` (1 to 8, as in EXIF) turns the picture."""

    format: Format
    width: int
    height: int
    channels: int  # 1 gray, 3 colour, 4 CMYK or with alpha; 0 not known
    orientation: int = 1
    progressive: bool = False
    animated: bool = False

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as a person sees the picture."""
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


def sniff(data: bytes) -> Format | None:
    """The format by its signature; what a client calls the file does not matter."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def read_header(data: bytes, kind: Format) -> Header | None:
    """The header of a file of that format, or None where it is cut short or makes no sense."""
    readers = {"JPEG": _read_jpeg, "PNG": _read_png, "WEBP": _read_webp}
    try:
        header = readers[kind](data)
    except (struct.error, IndexError):
        return None
    return header if header and header.width > 0 and header.height > 0 else None


def exif_orientation(tiff: bytes) -> int:
    """The orientation in an EXIF block (from its byte order mark on); 1 where there is none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(min(count, MOST_SEGMENTS)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, offset + 2 + 12 * entry)
            if tag == ORIENTATION:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def _read_jpeg(data: bytes) -> Header | None:
    orientation = 1
    for marker, start, end in _jpeg_segments(data):
        if marker == APP1 and data[start : start + 6] == b"Exif\0\0":
            orientation = exif_orientation(data[start + 6 : end])
        elif marker in START_OF_FRAME:
            precision, height, width, channels = struct.unpack_from(">BHHB", data, start)
            if precision != 8:
                return None
            return Header(
                "JPEG", width, height, channels, orientation, progressive=marker in PROGRESSIVE
            )
    return None


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, first byte, end) of each segment before the first scan."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in STANDALONE:
            at += 2
            continue
        if marker in {START_OF_SCAN, END_OF_IMAGE}:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or at + 2 + length > len(data):
            return
        yield marker, at + 4, at + 2 + length
        at += 2 + length


def jpeg_scans(data: bytes) -> int:
    """How many scans a JPEG has at most; each one of a progressive file costs a full pass.

    Inside a scan a 0xFF is followed by zero, so this counts markers (and a thumbnail's).
    """
    return data.count(b"\xff\xda")


def _read_png(data: bytes) -> Header | None:
    length, kind, width, height, _, colour = struct.unpack_from(">I4sIIBB", data, 8)
    if kind != b"IHDR" or length != 13 or colour not in {0, 2, 3, 4, 6}:
        return None
    orientation, animated, at = 1, False, 33
    for _ in range(MOST_SEGMENTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return Header("PNG", width, height, 0, orientation, animated=animated)
        animated = animated or kind == b"acTL"
        if kind == b"eXIf":
            orientation = exif_orientation(data[at + 8 : at + 8 + length])
        at += 12 + length
    return None


def _read_webp(data: bytes) -> Header | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            return None
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WEBP", width & 0x3FFF, height & 0x3FFF, 3)
    if kind == b"VP8L":
        signature, bits = struct.unpack_from("<BI", data, 20)
        if signature != 0x2F:
            return None
        return Header("WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 0)
    if kind != b"VP8X":
        return None
    flags, low_width, high_width, low_height, high_height = struct.unpack_from("<B3xHBHB", data, 20)
    return Header(
        "WEBP",
        (low_width | high_width << 16) + 1,
        (low_height | high_height << 16) + 1,
        0,
        orientation=_webp_orientation(data),
        animated=bool(flags & 0x02),
    )


def _webp_orientation(data: bytes) -> int:
    at = 12
    for _ in range(MOST_SEGMENTS):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return exif_orientation(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1
