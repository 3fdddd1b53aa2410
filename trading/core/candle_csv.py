"""Candles as CSV: `time,open,high,low,close`, one line a candle, oldest first.

`time` is the candle's start, in unix seconds or as ISO 8601 with its zone. More columns (a volume)
are passed over.
"""

import csv
import io
from datetime import datetime
from typing import Final

import numpy as np

from trading.core.market import Candles

FILE_BYTES: Final = 16 * 2**20
MOST: Final = 200_000
FEWEST: Final = 100
SIZES: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
HEADING: Final = ("time", "open", "high", "low", "close")
LATEST: Final = 4_102_444_800  # the year 2100


class BadCandles(ValueError):
    """A file is no candles; `code` and `facts` (the line) say why."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code, self.facts = code, facts
        super().__init__(f"{code}: {facts}")


def write_candles(candles: Candles) -> str:
    """Every bit of the prices is kept."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADING)
    columns = (candles.open, candles.high, candles.low, candles.close)
    for index in range(len(candles)):
        prices = (repr(float(one[index])) for one in columns)
        writer.writerow([int(candles.start[index]), *prices])
    return out.getvalue()


def read_candles(data: bytes, *, asset: str) -> Candles:
    """Raises `BadCandles`. The size is the least distance of two candles; gaps are multiples."""
    if len(data) > FILE_BYTES:
        raise BadCandles("file_too_large", most=FILE_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadCandles("not_text") from error
    starts: list[int] = []
    prices: list[tuple[float, float, float, float]] = []
    columns = tuple(range(len(HEADING)))
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            if not row:
                continue
            if not starts and number == 1 and _is_heading(row):
                columns = _columns(row)
                continue
            if len(starts) >= MOST:
                raise BadCandles("too_many", most=MOST)
            start, found = _row(row, columns, number)
            if starts and start <= starts[-1]:
                raise BadCandles("not_later", line=number)
            starts.append(start)
            prices.append(found)
    except csv.Error as error:
        raise BadCandles("not_csv", line=number + 1) from error
    if len(starts) < FEWEST:
        raise BadCandles("too_few", least=FEWEST, found=len(starts))
    moments = np.array(starts, np.int64)
    table = np.array(prices, np.float64).T
    return Candles(asset, _size(moments), moments, *table)


def _is_heading(row: list[str]) -> bool:
    return any(cell.strip().lower() in HEADING for cell in row)


def _columns(row: list[str]) -> tuple[int, ...]:
    names = [cell.strip().lower() for cell in row]
    missing = [name for name in HEADING if names.count(name) != 1]
    if missing:
        raise BadCandles("no_column", column=missing[0])
    return tuple(names.index(name) for name in HEADING)


def _row(
    row: list[str], columns: tuple[int, ...], line: int
) -> tuple[int, tuple[float, float, float, float]]:
    try:
        cells = [row[column].strip() for column in columns]
    except IndexError as error:
        raise BadCandles("too_short", line=line) from error
    try:
        opened, high, low, close = (float(cell) for cell in cells[1:])
    except ValueError as error:
        raise BadCandles("not_a_price", line=line) from error
    if not all(0 < one < 1e12 for one in (opened, high, low, close)):
        raise BadCandles("not_a_price", line=line)
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise BadCandles("outside_its_range", line=line)
    return _moment(cells[0], line), (opened, high, low, close)


def _moment(cell: str, line: int) -> int:
    try:
        if cell.isascii() and cell.isdigit():
            found = int(cell[:20])
        else:
            moment = datetime.fromisoformat(cell)
            if moment.tzinfo is None:
                raise BadCandles("no_zone", line=line)
            if moment.microsecond:
                raise BadCandles("not_a_time", line=line)
            found = int(moment.timestamp())
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadCandles):
            raise
        raise BadCandles("not_a_time", line=line) from error
    if not 0 <= found < LATEST:
        raise BadCandles("not_a_time", line=line)
    return found


def _size(starts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    steps = np.diff(starts)
    size = int(steps.min())
    if size not in SIZES:
        raise BadCandles("odd_size", seconds=size, choices=list(SIZES))
    uneven = np.flatnonzero((steps % size != 0) | (starts[1:] % size != starts[0] % size))
    if starts[0] % size or len(uneven):
        candle = int(uneven[0]) + 2 if len(uneven) else 1
        raise BadCandles("off_the_grid", candle=candle, seconds=size)
    return size
