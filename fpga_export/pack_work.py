"""What a child process does with a pack: which pictures calibrate, and which judge."""

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.ir import Network
from fpga_export.core.pack import class_numbers, decoded, read_pack
from fpga_export.core.pack_report import classes_named, judged
from fpga_export.run_folder import Run, as_wanted, calibration

MOST_CALIBRATED: Final = 300
JUDGED_S: Final = 60.0
TELL_EVERY_S: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A pack as the network wants it; the pictures that calibrate judge nothing."""

    held: int  # in the file
    calibration: list[Floats]
    pictures: list[Floats]
    labels: NDArray[np.int64] | None


def loaded(run: Run, graph: FloatGraph) -> Loaded | None:
    """The run's pack; None where none was sent. Raises `PackRefused`."""
    path = run.folder / "pack"
    if not path.exists():
        return None
    run.tell(0.03, "pack")
    pack = read_pack(path)
    shuffled = pack.shuffled(len(pack.files))
    labels = None
    if shuffled.labels is not None:
        last = graph.layer(graph.output).shape
        count = int(np.prod(last))
        labels = class_numbers(shuffled.labels, classes=classes_of(run), count=count)
    pixels = decoded(shuffled, graph.layers[0].shape)
    pictures = [as_wanted(one, graph) for one in pixels]
    share = int(run.asked.get("calibrate", 0))
    kept = min(MOST_CALIBRATED, len(pictures) * share // 100, len(pictures) - 1)
    return Loaded(
        held=len(pack.files),
        calibration=pictures[:kept],
        pictures=pictures[kept:],
        labels=None if labels is None else labels[kept : len(pictures)],
    )


def classes_of(run: Run) -> list[str]:
    """The names of the network's classes, where somebody knows them."""
    return [str(one) for one in run.asked.get("classes") or ()]


def pack_report(
    run: Run, graph: FloatGraph, network: Network, pack: Loaded, *, start: float, end: float
) -> dict[str, Any]:
    """What the pack says of the network, telling its progress from `start` to `end`."""
    began = told = time.monotonic()

    def goes_on(done: int) -> bool:
        nonlocal told
        now = time.monotonic()
        if now - told > TELL_EVERY_S:
            told = now
            part = done / len(pack.pictures)
            run.tell(start + (end - start) * part, f"{done}/{len(pack.pictures)}")
        return now - began < JUDGED_S

    whole = network.node(network.answer).layers[-1] == graph.output
    found = judged(
        graph,
        network,
        pack.pictures,
        labels=pack.labels if whole else None,
        classes=classes_of(run),
        goes_on=goes_on,
    )
    return {"held": pack.held, "calibrated_on": len(pack.calibration), **found}


def picture_of(run: Run, graph: FloatGraph, pack: Loaded | None) -> Floats:
    """The picture that was sent, else the first of the pack."""
    return pack.pictures[0] if pack and not run.has_picture() else run.pixels(graph)


def calibrating(pack: Loaded | None, picture: Floats) -> list[Floats]:
    """What to calibrate on: part of the pack with the picture, else versions of the picture."""
    return [*pack.calibration, picture] if pack and pack.calibration else calibration(picture)


def more(
    run: Run, graph: FloatGraph, network: Network, picture: Floats, pack: Loaded | None
) -> dict[str, Any]:
    """What a report says beyond the layers: the picture's class, and the pack's answers."""
    classes = classes_of(run)
    told: dict[str, Any] = {
        "classes": classes,
        "picture": classes_named(graph, network, picture, classes),
        "pack": None,
    }
    if pack is not None:
        told["pack"] = pack_report(run, graph, network, pack, start=0.9, end=0.99)
    return told
