"""Where the boxes of a network's graph stand: a row for each step away from the picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 232
HEIGHT: Final = 62
ACROSS: Final = 30  # between two boxes of a row
DOWN: Final = 26  # between two rows


@dataclass(frozen=True, slots=True)
class Box:
    """A layer's box, its left upper corner in pixels."""

    name: str
    kind: str
    told: str
    x: int
    y: int
    unsupported: bool
    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes, and lines from the foot of one to the head of another as x1, y1, x2, y2."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[tuple[int, int, int, int], ...]
    box_width: int = WIDTH
    box_height: int = HEIGHT


def diagram(layers: Sequence[Mapping[str, Any]]) -> Diagram:
    """`layers` in order, as `summary.layer_facts` tells of each."""
    depth: dict[str, int] = {}
    rows: dict[int, list[str]] = {}
    for layer in layers:
        row = 1 + max((depth[name] for name in layer["inputs"]), default=-1)
        depth[layer["name"]] = row
        rows.setdefault(row, []).append(layer["name"])
    widest = max(len(names) for names in rows.values())
    width = widest * (WIDTH + ACROSS) - ACROSS
    places = {}
    for row, names in rows.items():
        start = (width - (len(names) * (WIDTH + ACROSS) - ACROSS)) // 2
        for column, name in enumerate(names):
            places[name] = (start + column * (WIDTH + ACROSS), row * (HEIGHT + DOWN))
    boxes = tuple(
        Box(
            layer["name"],
            layer["type"],
            " × ".join(str(size) for size in layer["output_shape"]),
            *places[layer["name"]],
            bool(layer["unsupported"]),
            int(layer["parameters"]),
            int(layer["macs"]),
        )
        for layer in layers
    )
    lines = tuple(
        (
            places[name][0] + WIDTH // 2,
            places[name][1] + HEIGHT,
            places[layer["name"]][0] + WIDTH // 2,
            places[layer["name"]][1],
        )
        for layer in layers
        for name in layer["inputs"]
    )
    return Diagram(width, len(rows) * (HEIGHT + DOWN) - DOWN, boxes, lines)


def bars(
    counts: Sequence[int], *, width: int = 320, height: int = 96
) -> list[tuple[int, int, int]]:
    """A histogram as left edge, top and height of each bar."""
    most, each = max([*counts, 1]), width // max(len(counts), 1)
    tall = [round(height * count / most) for count in counts]
    return [(i * each, height - one, one) for i, one in enumerate(tall)]
