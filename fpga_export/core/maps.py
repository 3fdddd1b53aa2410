"""A layer's output to look at: workbooks with its numbers, pictures of its channels.

A map has the shape (height, width, channels); a vector of n numbers is one row of n.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpga_export.core.integer_run import to_values
from fpga_export.core.ir import Codes, Format
from fpga_export.core.names import file_stem
from fpga_export.core.workbook import MOST_COLUMNS, Bold, Grid, Row, Sheet, workbook

MOST_SHEETS: Final = 96  # channels with a sheet of their own; more stand below each other in one
MOST_NUMBERS: Final = 3_000_000  # of one kind in a workbook; the summary counts the rest
SMALLEST: Final = 192  # pixels of a channel's longer side
MOSAIC: Final = (640, 2048)  # pixels of a mosaic's longer side, about
GAP: Final = 1  # pixels of a map between two, before they are enlarged
# Viridis, by S. van der Walt and N. Smith (CC0), at nine places.
VIRIDIS: Final = np.array(
    [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ]
)
BETWEEN: Final = 255  # the mosaic's index for what lies between the maps
PALETTE: Final = (
    np.stack([np.interp(np.linspace(0, 8, 255), range(9), VIRIDIS[:, n]) for n in range(3)], 1)
    .round()
    .astype(np.uint8)
    .tobytes()
    + b"\xff\xff\xff"
)

Maps: TypeAlias = NDArray[np.floating]
Limits: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class IntegerMaps:
    """What the integer network has in the same layer."""

    codes: Codes
    format: Format

    @property
    def values(self) -> NDArray[np.float64]:
        """What the codes stand for."""
        return to_values(self.codes, self.format)


def as_maps(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """(height, width, channels): a vector, also (1, 1, n), is one row of one channel."""
    if values.ndim == 3 and values.shape[:2] != (1, 1):
        return values
    return values.reshape(1, -1, 1)


def feature_workbook(
    layer: str, float_maps: NDArray[np.floating], integer_maps: IntegerMaps | None = None
) -> bytes:
    """`{layer}_feature_maps.xlsx`: a summary, then a sheet a channel; with the integer network's
    codes also sheets of those and of the errors, float less integer. Deep layers have their
    channels below each other in one sheet.
    """
    maps = as_maps(np.asarray(float_maps))
    kinds: list[tuple[str, Grid]] = [("channel", maps)]
    if integer_maps:
        codes = np.asarray(integer_maps.codes).reshape(maps.shape)
        errors = maps - integer_maps.values.reshape(maps.shape)
        kinds += [("integer", codes), ("error", errors.astype(np.float32))]
    shown = max(1, min(maps.shape[2], MOST_NUMBERS // max(maps.shape[0] * maps.shape[1], 1)))
    sheets = [Sheet("summary", _summary(layer, maps, integer_maps, shown))]
    for kind, grids in kinds:
        sheets += _sheets(kind, grids, shown)
    return workbook(sheets)


def _summary(
    layer: str, maps: Maps, integer_maps: IntegerMaps | None, shown: int
) -> list[Row | Grid]:
    height, width, channels = maps.shape
    rows: list[Row | Grid] = [
        ("layer", layer),
        ("height, width, channels", height, width, channels),
    ]
    heads = ["channel", "min", "max", "mean", "zeros", "numbers"]
    table = [_figures(maps)]
    if integer_maps:
        codes = np.asarray(integer_maps.codes).reshape(maps.shape)
        values = integer_maps.values.reshape(maps.shape)
        form = integer_maps.format
        rows.append(("integer format", str(form), form.meaning))
        heads += ["code min", "code max", "code mean", "code zeros", "at the ends", "max error"]
        heads += ["mean error"]
        ends = ((codes == form.low) | (codes == form.high)).sum(axis=(0, 1))
        lost = np.abs(maps - values)
        table.append(_figures(codes.astype(np.float64))[:, :4])
        table.append(np.stack([ends, lost.max(axis=(0, 1)), lost.mean(axis=(0, 1))], axis=1))
    if shown < channels:
        rows.append(("sheets", f"channels 0 to {shown - 1}; more would not fit"))
    figures = np.hstack([np.arange(channels)[:, None], *table])
    return [*rows, (), Bold(heads), figures]


def _figures(maps: Maps) -> NDArray[np.float64]:
    """(channels, 5): smallest, largest, mean, zeros, count."""
    each = (0, 1)
    count = np.full(maps.shape[2], maps.shape[0] * maps.shape[1])
    parts = [maps.min(each), maps.max(each), maps.mean(each, dtype=np.float64)]
    return np.stack([*parts, (maps == 0).sum(each), count], axis=1).astype(np.float64)


def _sheets(kind: str, maps: Grid, shown: int) -> Iterator[Sheet]:
    grids = [_wrapped(maps[:, :, channel]) for channel in range(shown)]
    if shown <= MOST_SHEETS:
        for channel, grid in enumerate(grids):
            yield Sheet(f"{kind}_{channel}", [grid])
        return
    parts: list[Row | Grid] = []
    for channel, grid in enumerate(grids):
        parts += [Bold((f"{kind}_{channel}",)), grid]
    yield Sheet(f"{kind}_0_to_{shown - 1}", parts)


def _wrapped(grid: Grid) -> Grid:
    """A row that is too long for Excel goes on below; the last one is then filled with zeros."""
    if grid.shape[1] <= MOST_COLUMNS:
        return grid
    lines = -(-grid.shape[1] // MOST_COLUMNS)
    filled = np.pad(grid, ((0, 0), (0, lines * MOST_COLUMNS - grid.shape[1])))
    return np.asarray(filled.reshape(-1, MOST_COLUMNS))


def limits_of(values: NDArray[np.floating]) -> Limits:
    """Each channel's smallest and largest number, so that two pictures can share their colours."""
    maps = as_maps(values)
    return maps.min((0, 1)).astype(np.float64), maps.max((0, 1)).astype(np.float64)


def channel_pictures(
    layer: str, values: NDArray[np.floating], limits: Limits | None = None
) -> dict[str, bytes]:
    """`{layer}_channel_{n}.png`: a PNG a channel, from dark at its smallest number to bright."""
    indices = _indices(values, limits)
    height, width = indices.shape[:2]
    scale = max(1, -(-SMALLEST // max(height, width)))
    scaled = indices.repeat(scale, axis=0).repeat(scale, axis=1)
    stem = file_stem(layer)
    return {f"{stem}_channel_{n}.png": _png(scaled[:, :, n]) for n in range(indices.shape[2])}


def mosaic(values: NDArray[np.floating], limits: Limits | None = None) -> bytes:
    """All channels in one PNG, row by row, each with its own colours from dark to bright."""
    indices = _indices(_squared(values), limits)
    height, width, channels = indices.shape
    columns = max(1, min(channels, round(math.sqrt(channels * height / width * 1.6))))
    rows = -(-channels // columns)
    room = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), BETWEEN, np.uint8)
    for n in range(channels):
        top, left = (n // columns) * (height + GAP) + GAP, (n % columns) * (width + GAP) + GAP
        room[top : top + height, left : left + width] = indices[:, :, n]
    least, most = MOSAIC
    scale = max(1, least // max(room.shape))
    step = -(-max(room.shape) // most)
    return _png(room.repeat(scale, axis=0).repeat(scale, axis=1)[::step, ::step])


def _squared(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """A long vector wrapped into rows that are about as many as they are long."""
    maps = as_maps(values)
    if maps.shape[0] > 1 or maps.shape[1] <= 32 or maps.shape[2] > 1:
        return maps
    wide = math.ceil(math.sqrt(maps.shape[1] * 2))
    lines = -(-maps.shape[1] // wide)
    fill = np.full(lines * wide - maps.shape[1], maps.min())
    return np.concatenate([maps.ravel(), fill]).reshape(lines, wide, 1)


def _indices(values: NDArray[np.floating], limits: Limits | None) -> NDArray[np.uint8]:
    """Colours 0 to 254 (height, width, channels); a channel without any difference is dark."""
    maps = np.nan_to_num(as_maps(np.asarray(values)).astype(np.float64))
    low, high = limits or limits_of(maps)
    span = np.where(high > low, high - low, 1.0)
    return np.clip((maps - low) / span * 254 + 0.5, 0, 254).astype(np.uint8)


def _png(indices: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(indices))
    image.putpalette(PALETTE)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()
