"""Simulates an export with GHDL, and says no more of it than was seen."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, TypeAlias

from fpga_export.confined import Limits, ProgramMissing, Ran, run_confined
from fpga_export.core.vhdl.design import LIBRARY, MANIFEST
from fpga_export.synthesis import clock as clock
from fpga_export.synthesis import estimate as estimate
from fpga_export.synthesis import netlist as netlist

Label: TypeAlias = Literal["verified", "verified_through", "not_simulated", "mismatch"]
# Why less than everything was simulated, or what went wrong.
Reason: TypeAlias = Literal["", "asked", "limits", "no_simulator", "failed"]

HDL: Final = Path(__file__).resolve().parent / "hdl"
BUILD: Final = "build"  # what simulating leaves in the folder; no part of the export
TAIL: Final = 40  # lines of the log that a verdict keeps
LAYER: Final = re.compile(r"LAYER (\w+) words (\d+) wrong (\d+) cycles (\d+)")


@dataclass(frozen=True, slots=True)
class LayerSeen:
    """What the simulation said of one node, of all pictures that it saw."""

    name: str
    layers: tuple[str, ...]  # the Keras layers that it does the work of
    values: int  # compared
    words_wrong: int
    cycles: int  # simulated, of one picture
    predicted: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of an export. `mismatch` is never offered to anybody."""

    label: Label
    through: str  # the last node of which every value was compared; "" where none was
    not_simulated: tuple[str, ...]  # nodes of which no value was compared
    reason: Reason
    pictures: int
    values: int  # compared, over all pictures and layers
    layers: tuple[LayerSeen, ...]
    tool: str  # name and version
    commands: tuple[str, ...]
    seconds: float
    log: str  # its last lines
    files: Mapping[str, str]  # {path: SHA-256} of each file of the export

    @property
    def offered(self) -> bool:
        """Whether a user may have the export."""
        return self.label != "mismatch"

    def as_json(self) -> dict[str, Any]:
        """For a manifest or a row."""
        return asdict(self)


def library(names: Sequence[str] = LIBRARY) -> dict[str, str]:
    """The hand-written VHDL, for `design(library=...)`."""
    return {name: (HDL / name).read_text("utf-8") for name in names}


def write(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Write an export's files below `folder`."""
    for name, text in files.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"outside of the export: {name}")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))


def digests(folder: Path) -> dict[str, str]:
    """{path: SHA-256} of every file below `folder` but what simulating left there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != BUILD:
            found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def simulate(folder: Path, *, through: str | None = None, limits: Limits | None = None) -> Verdict:
    """Simulate the export in `folder`, as far as the node `through` if given.

    Whatever the limits cut off is named in the verdict. It leaves `build` behind.
    """
    limits = limits or Limits()
    facts = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / BUILD).mkdir(exist_ok=True)
    names = [layer["name"] for layer in facts["layers"]]
    top = f"{facts['name']}_tb"
    generic = [] if through in {None, names[-1]} else [f"-gTHROUGH={names.index(through) + 1}"]
    sources = [f"../{one}" for one in [*facts["core"], *facts["bench"]]]
    ran: list[Ran] = []
    try:
        version = run_confined(["ghdl", "--version"], folder, Limits()).said.splitlines()[0]
        for command in (
            ["ghdl", "-a", "--std=08", *sources],
            ["ghdl", "-e", "--std=08", top],
            ["ghdl", "-r", "--std=08", top, "--ieee-asserts=disable-at-0", *generic],
        ):
            ran.append(run_confined(command, folder / BUILD, limits))
            if ran[-1].code != 0:
                break
    except ProgramMissing:
        version = ""
    return _verdict(facts, ran, version, digests(folder), asked=bool(generic))


def _verdict(
    facts: dict[str, Any], ran: list[Ran], version: str, files: dict[str, str], *, asked: bool
) -> Verdict:
    said = "".join(one.said for one in ran)
    seen, pictures = _seen(facts, said)
    done = bool(ran) and ran[-1].code == 0 and "PASS:" in ran[-1].said
    stopped = bool(ran) and ran[-1].stopped
    wrong = any(layer.words_wrong or layer.cycles != layer.predicted for layer in seen)
    names = [layer["name"] for layer in facts["layers"]]
    label: Label = "not_simulated"
    reason: Reason = ""
    if not version:
        reason = "no_simulator"
    elif wrong or "FAIL" in said or not (done or stopped):
        label, reason = "mismatch", "failed"
    elif done and not asked:
        label = "verified"
    else:
        label = "verified_through" if seen else "not_simulated"
        reason = "asked" if done else "limits"
    return Verdict(
        label=label,
        through=seen[-1].name if seen else "",
        not_simulated=tuple(names[len(seen) :]),
        reason=reason,
        pictures=pictures,
        values=sum(layer.values for layer in seen),
        layers=tuple(seen),
        tool=version,
        commands=tuple(one.command for one in ran),
        seconds=round(sum(one.seconds for one in ran), 3),
        log="\n".join(said.splitlines()[-TAIL:]),
        files=files,
    )


def _seen(facts: dict[str, Any], said: str) -> tuple[list[LayerSeen], int]:
    """Each layer that was judged, in order, and how many pictures went through all of them."""
    rows: dict[str, list[tuple[int, int, int]]] = {}
    for name, *numbers in LAYER.findall(said):
        words, wrong, cycles = map(int, numbers)
        rows.setdefault(name, []).append((words, wrong, cycles))
    found = []
    for layer in facts["layers"]:
        if layer["name"] not in rows:
            break
        judged = rows[layer["name"]]
        found.append(
            LayerSeen(
                name=layer["name"],
                layers=tuple(layer["layers"]),
                values=layer["values"] * len(judged),
                words_wrong=judged[-1][1],
                cycles=judged[-1][2],
                predicted=layer["cycles"],
            )
        )
    return found, min((len(rows[layer.name]) for layer in found), default=0)
