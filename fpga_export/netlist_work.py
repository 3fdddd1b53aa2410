"""A finished design past synthesis, in a child: bit exact still, how large, how fast."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fpga_export.confined import Limits
from fpga_export.core.vhdl.design import MANIFEST
from fpga_export.synthesis import Target, clock, estimate, netlist

TARGETS: Final[tuple[Target, ...]] = ("xc7", "ice40", "ecp5")
LONGEST_S: Final = 900.0  # of all of it
ENOUGH_S: Final = 600.0  # after which nothing more is begun
# Each program stays in the child's group, which is ended as one.
EACH: Final = Limits(cpu_seconds=200, memory=2 << 30, wall_seconds=240.0, own_group=False)

Tell = Callable[[float, str], None]
Write = Callable[[str, str, str | bytes], None]


def past_synthesis(folder: Path, *, tell: Tell, write: Write) -> dict[str, Any]:
    """What came of the design in `folder`; writes its netlist and a JSON of the estimates.

    `label` is that of the netlist's simulation; an estimate that a limit stopped has `done` False.
    """
    began = time.monotonic()
    facts = json.loads((folder / MANIFEST).read_text("utf-8"))
    tell(0.05, "netlist")
    verdict = netlist(folder, limits=EACH)
    made = folder / "build" / f"{facts['name']}.v"
    if verdict.label == "verified":
        write("hdl_designs", made.name, made.read_bytes())
    estimates: list[dict[str, Any]] = []
    for place, target in enumerate(TARGETS):
        if time.monotonic() - began < ENOUGH_S:
            tell(0.2 + 0.18 * place, target)
            estimates.append(estimate(folder, target, limits=EACH).as_json())
    placed = None
    if time.monotonic() - began < ENOUGH_S:
        tell(0.75, "clock")
        placed = clock(folder, limits=EACH).as_json()
    shutil.rmtree(folder / "build", ignore_errors=True)
    result = {
        "label": verdict.label,
        "name": facts["name"],
        "preset": facts["preset"],
        "cycles": facts["cycles"],
        "netlist": verdict.as_json(),
        "estimates": estimates,
        "clock": placed,
        "milliseconds": facts["cycles"] / placed["megahertz"] / 1e3
        if placed and placed["megahertz"]
        else None,
    }
    write("hdl_designs", "estimates.json", json.dumps(result, indent=1))
    return result
