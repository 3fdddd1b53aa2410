"""Where things lie in the pictures of a report. All in whole units of a picture's own square."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from predictions.core.metrics import wilson_interval
from predictions.core.report_view import ReportTable

FEW: Final = 10  # rows of a bin below which its place says little
MANY_CLASSES: Final = 12  # a cell of more is too small for its count
LIGHT, DARK = (4, 34), (86, 100)  # % of tint: under text in ink, and under light text


@dataclass(frozen=True, slots=True)
class Cell:
    """What was answered to a truth; `share` is of the row."""

    truth: str
    answer: str
    count: int
    share: float
    x: int
    y: int
    opacity: str  # , 0 to 1
    strong: bool  # under light text

    @property
    def label(self) -> str:
        """The share in whole %."""
        return "<1" if self.share < 0.005 else str(round(100 * self.share))


@dataclass(frozen=True, slots=True)
class Label:
    name: str
    at: int  # the middle of its row or column


@dataclass(frozen=True, slots=True)
class Matrix:
    """The confusion matrix; the labels stand left of it and above."""

    side: int  # of a cell
    left: int
    top: int
    width: int
    height: int
    rows: tuple[Label, ...]
    columns: tuple[Label, ...]
    cells: tuple[Cell, ...]
    counts: bool  # whether a cell is large enough for its count


@dataclass(frozen=True, slots=True)
class Point:
    """A bin of confidence; `high` lies above `low` on the page, so it is the smaller number."""

    x: int
    y: int
    low: int
    high: int
    few: bool
    bar_x: int
    bar_y: int
    bar_height: int
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Tick:
    label: str  # in %
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidence to the right, accuracy upwards, and below how many rows a bin has."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    floor: int  # of the counts
    bar: int  # their width
    points: tuple[Point, ...]
    ticks: tuple[Tick, ...]


def matrix(table: ReportTable) -> Matrix:
    """The picture of a `confusion` table."""
    names = [str(row["truth"]) for row in table.rows]
    many = len(names) > MANY_CLASSES
    side, left, top = (24, 34, 34) if many else (64, 112, 92)
    cells: list[Cell] = []
    for row, line in enumerate(table.rows):
        counts = [int(cast("int", line[name])) for name in names]
        whole = sum(counts)
        for column, count in enumerate(counts):
            share = count / whole if whole else 0.0
            opacity, strong = tint(share)
            x, y = left + column * side, top + row * side
            cells.append(Cell(names[row], names[column], count, share, x, y, opacity, strong))
    places = [number * side + side // 2 for number in range(len(names))]
    return Matrix(
        side=side,
        left=left,
        top=top,
        width=left + side * len(names) + (2 if many else 56),  # a slanted label reaches beyond
        height=top + side * len(names) + 2,
        rows=tuple(Label(name, top + at) for name, at in zip(names, places, strict=True)),
        columns=tuple(Label(name, left + at) for name, at in zip(names, places, strict=True)),
        cells=tuple(cells),
        counts=not many,
    )


def tint(share: float) -> tuple[str, bool]:
    """The opacity of a cell's colour, and whether its text must be light; nothing has none.

    The middle is left out: no text is read well on it, neither dark nor light.
    """
    if share <= 0:
        return "0", False
    if share < 0.5:
        return f"{_between(LIGHT, share * 2):.2f}", False
    return f"{_between(DARK, share * 2 - 1):.2f}", True


def _between(ends: tuple[int, int], part: float) -> float:
    return (ends[0] + (ends[1] - ends[0]) * part) / 100


def reliability(table: ReportTable) -> Reliability:
    """The picture of a `reliability` table, with Wilson's interval around each accuracy."""
    left, top, side, floor, high = 64, 14, 400, 510, 70
    rows: Sequence[Any] = table.rows
    most = max((row["n"] for row in rows), default=1)
    bar = 20
    points = []
    for row in rows:
        low_end, high_end = wilson_interval(round(row["accuracy"] * row["n"]), row["n"])
        x = left + round(side * row["confidence"])
        tall = max(1, round(high * row["n"] / most))
        middle = left + round(side * (row["low"] + row["high"]) / 2)
        points.append(
            Point(
                x=x,
                y=top + round(side * (1 - row["accuracy"])),
                low=top + round(side * (1 - low_end)),
                high=top + round(side * (1 - high_end)),
                few=row["n"] < FEW,
                bar_x=middle - bar // 2,
                bar_y=floor - tall,
                bar_height=tall,
                n=row["n"],
                confidence=row["confidence"],
                accuracy=row["accuracy"],
            )
        )
    ticks = [
        Tick(str(share), left + side * share // 100, top + side * (100 - share) // 100)
        for share in range(0, 101, 20)
    ]
    return Reliability(
        width=left + side + 24,
        height=floor + 34,
        left=left,
        right=left + side,
        top=top,
        bottom=top + side,
        floor=floor,
        bar=bar,
        points=tuple(points),
        ticks=tuple(ticks),
    )
