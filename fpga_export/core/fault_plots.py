"""Pictures of a campaign: which bit of which layer matters, and how the answer falls with the rate.

The words on them come from the caller, in the reader's language.
"""

import io
import itertools
import math
import unicodedata
from collections.abc import Sequence
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from fpga_export.core.fault_campaign import Curve, HeatMap

INK: Final = (28, 32, 40)
GRID: Final = (214, 218, 226)
EMPTY: Final = (240, 242, 246)
CELL: Final = (58, 34)
TEXT: Final = 15
LONGEST: Final = 28  # letters of a node's name
# Okabe and Ito's colours, told apart also by those who see few; then dashes tell the next eight.
COLOURS: Final = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
    (120, 120, 120),
    (0, 0, 0),
)
SIZE: Final = (760, 420)  # of the plot inside of its axes
LEFT, TOP, BELOW = 70, 64, 60
NOTHING: Final = 70  # pixels that a rate of 0 stands before the others

Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]


def heat_map_png(heat: HeatMap, *, title: str, bit_label: str) -> bytes:
    """Nodes downwards, bits across from the highest; each cell its mean drop in per cent."""
    font = ImageFont.load_default(TEXT)
    names = [_short(node) for node in heat.nodes]
    left = 24 + max((int(font.getlength(name)) for name in names), default=0)
    width = max(left + CELL[0] * len(heat.bits) + 16, int(font.getlength(title)) + 32)
    image = Image.new("RGB", (width, TOP + 28 + CELL[1] * len(names) + 16), "white")
    draw = ImageDraw.Draw(image)
    draw.text((16, 14), drawable(title), INK, font)
    draw.text((left - 8, TOP + 12), drawable(bit_label), INK, font, anchor="rm")
    for column, bit in enumerate(heat.bits):
        middle = left + CELL[0] * (column + 0.5)
        draw.text((middle, TOP + 12), str(bit), INK, font, anchor="mm")
    for row, (name, drops) in enumerate(zip(names, heat.mean, strict=True)):
        top = TOP + 28 + CELL[1] * row
        draw.text((left - 8, top + CELL[1] / 2), name, INK, font, anchor="rm")
        for column, drop in enumerate(drops):
            _cell(draw, font, (left + CELL[0] * column, top), drop)
    return _png(image)


def _cell(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    corner: tuple[int, int],
    drop: float | None,
) -> None:
    left, top = corner
    box = (left + 1, top + 1, left + CELL[0] - 2, top + CELL[1] - 2)
    if drop is None:
        draw.rectangle(box, EMPTY)
        return
    colour = heat_colour(drop)
    draw.rectangle(box, colour)
    ink = INK if sum(colour) > 380 else (255, 255, 255)
    middle = (left + CELL[0] / 2, top + CELL[1] / 2)
    draw.text(middle, _per_cent(drop), ink, font, anchor="mm")


def heat_colour(drop: float) -> Colour:
    """From nearly white at 0 to dark red at 1; by the root, so that small drops are seen."""
    part = math.sqrt(min(max(drop, 0.0), 1.0))
    stops = ((255, 250, 240), (253, 187, 132), (215, 48, 31), (103, 0, 13))
    place = part * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    rest = place - low
    ends = zip(stops[low], stops[low + 1], strict=True)
    red, green, blue = (round(start + (end - start) * rest) for start, end in ends)
    return red, green, blue


def curves_png(found: Sequence[Curve], *, title: str, rate_label: str, drop_label: str) -> bytes:
    """The mean drop in per cent over the rate (by its logarithm; 0 stands apart)."""
    font = ImageFont.load_default(TEXT)
    names = [_short(f"{curve.node} ({curve.kind})") for curve in found]
    legend = 40 + max((int(font.getlength(name)) for name in names), default=0)
    height = max(TOP + SIZE[1] + BELOW, TOP + 24 * len(names) + 16)
    image = Image.new("RGB", (LEFT + SIZE[0] + 24 + legend, height), "white")
    draw = ImageDraw.Draw(image)
    draw.text((16, 14), drawable(title), INK, font)
    exponents = _exponents(found)
    _axes(draw, font, exponents, rate_label, drop_label)
    for number, curve in enumerate(found):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            _place(rate, drop, exponents)
            for rate, drop in zip(curve.rates, curve.drops, strict=True)
        ]
        _line(draw, points, colour, dashed=number // len(COLOURS) % 2 == 1)
        right, y = LEFT + SIZE[0] + 20, TOP + 12 + 24 * number
        _line(draw, [(right, y), (right + 24, y)], colour, dashed=number // 8 % 2 == 1)
        draw.text((right + 32, y), names[number], INK, font, anchor="lm")
    return _png(image)


def _exponents(found: Sequence[Curve]) -> tuple[int, int]:
    rates = [rate for curve in found for rate in curve.rates if rate > 0]
    low = math.floor(math.log10(min(rates, default=0.1)))
    high = math.ceil(math.log10(max(rates, default=1.0)))
    return low, max(high, low + 1)


def _place(rate: float, drop: float, exponents: tuple[int, int]) -> Point:
    low, high = exponents
    along = 0.0
    if rate > 0:
        along = NOTHING + (math.log10(rate) - low) / (high - low) * (SIZE[0] - NOTHING)
    return LEFT + along, TOP + (1 - min(max(drop, 0.0), 1.0)) * SIZE[1]


def _axes(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    exponents: tuple[int, int],
    rate_label: str,
    drop_label: str,
) -> None:
    right, bottom = LEFT + SIZE[0], TOP + SIZE[1]
    for tenth in range(0, 11, 2):
        y = bottom - SIZE[1] * tenth / 10
        draw.line((LEFT, y, right, y), GRID)
        draw.text((LEFT - 8, y), f"{tenth * 10} %", INK, font, anchor="rm")
    for rate in (0.0, *(10.0**exponent for exponent in range(exponents[0], exponents[1] + 1))):
        x, _ = _place(rate, 0, exponents)
        draw.line((x, TOP, x, bottom), GRID)
        draw.text((x, bottom + 14), f"{rate:g}", INK, font, anchor="mm")
    draw.line((LEFT, TOP, LEFT, bottom, right, bottom), INK)
    draw.text(((LEFT + right) / 2, bottom + 38), drawable(rate_label), INK, font, anchor="mm")
    draw.text((LEFT, TOP - 8), drawable(drop_label), INK, font, anchor="ls")


def _line(
    draw: ImageDraw.ImageDraw, points: Sequence[Point], colour: Colour, *, dashed: bool
) -> None:
    for start, end in itertools.pairwise(points):
        for piece in _pieces(start, end) if dashed else [(start, end)]:
            draw.line(piece, colour, 3)
    for x, y in points:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), colour)


def _pieces(start: Point, end: Point) -> list[tuple[Point, Point]]:
    """Every other six pixels of a line."""
    steps = max(1, int(math.dist(start, end) // 6))

    def at(step: int) -> Point:
        part = step / steps
        return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part

    return [(at(step), at(step + 1)) for step in range(0, steps, 2)]


def _per_cent(drop: float) -> str:
    """Whole numbers, tenths where they matter."""
    shown = drop * 100
    return f"{shown:.1f}" if 0 < abs(shown) < 10 else f"{shown:.0f}"


def drawable(text: str) -> str:
    """`text` in letters that Pillow's own font has: plain ones."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
