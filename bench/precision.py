"""`python -m bench.precision DATA`: the shipped letter network in integers, on real photographs.

DATA is a pack of hands (.npz) or a folder with `asl.npz` in it. Calibrated on rows that the network
learnt from, or on versions of one of them, and judged by those that it did not.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.loader import read_model
from fpga_export.core.pack import UNPACKED_BYTES, Pack, class_numbers, decoded
from fpga_export.core.pack_report import judged
from fpga_export.core.quantise import quantise
from fpga_export.run_folder import as_wanted, calibration
from predictions.core.labels import LETTERS
from predictions.core.packs import Columns, read_columns

MODEL: Final = (
    Path(__file__).resolve().parent.parent / "predictions" / "ml_models" / "letters-small-v1.keras"
)
BITS: Final = (8, 10, 16)
CALIBRATED: Final = 300
HEAD: Final = (
    f"{'bits':>4} {'calibrated on':>13} {'rows':>5} {'n':>4} {'agreement':>10} {'at 95 %':>17}"
    f" {'float':>7} {'integer':>8} {'least SQNR':>11}"
)


def rows_of(columns: Columns, split: str, graph: FloatGraph) -> "Rows":
    """Pictures of a split, as an export reads them, with their labels, in an order of chance."""
    rows = np.flatnonzero(columns["split"] == split.encode())
    rows = np.random.default_rng(0).permutation(rows)
    data, offsets = columns["data"], columns["offsets"]
    files = [data[offsets[row] : offsets[row + 1]].tobytes() for row in rows]
    labels = [label.decode() for label in columns["label"][rows]]
    pixels = decoded(Pack(files, [f"row {row}" for row in rows], labels), graph.layers[0].shape)
    return Rows(split, [as_wanted(one, graph) for one in pixels], labels)


@dataclass(frozen=True)
class Rows:
    """Pictures with their labels, none of which calibrated."""

    split: str
    pictures: list[Floats]
    labels: list[str]


def line(graph: FloatGraph, bits: int, name: str, some: Sequence[Floats], rows: Rows) -> str:
    """A line of the table: calibrated on `some`, judged by `rows`."""
    network = quantise(graph, some, weight_bits=bits, activation_bits=bits)
    right = class_numbers(rows.labels, classes=LETTERS, count=len(LETTERS))
    found = judged(graph, network, rows.pictures, labels=right)
    same = found["agreement"]
    between = f"{same['low']:.2%} to {same['high']:.2%}"
    return (
        f"{bits:>4} {name:>13} {rows.split:>5} {same['pictures']:>4} {same['share']:>10.2%}"
        f" {between:>17} {found['accuracy_float']['share']:>7.2%}"
        f" {found['accuracy_integer']['share']:>8.2%} {found['worst_sqnr_db']:>8.1f} dB"
        f" {found['worst_layer']}"
    )


def main(place: Path) -> int:
    path = place / "asl.npz" if place.is_dir() else place
    columns = read_columns(path, most=UNPACKED_BYTES)
    graph = read_model(MODEL, filename=MODEL.name)
    learnt = rows_of(columns, "train", graph).pictures[:CALIBRATED]
    judges = [rows_of(columns, split, graph) for split in ("val", "test")]
    print(HEAD)
    for bits in BITS:
        for name, some in (("one picture", calibration(learnt[0])), (f"{CALIBRATED} rows", learnt)):
            for rows in judges:
                print(line(graph, bits, name, some, rows), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
