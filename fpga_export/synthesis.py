"""Takes an export past synthesis: the netlist simulated, its size and its clock estimated.

GHDL writes Verilog, Icarus or Verilator simulates it, yosys and nextpnr place it: jobs for the
background.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from fpga_export.confined import Limits, ProgramMissing, Ran, run_confined
from fpga_export.core.vhdl.design import MANIFEST
from fpga_export.core.vhdl.verilog_bench import FOLDER

BUILD: Final = "build"
TAIL: Final = 30  # lines of a log that are kept
BACKGROUND: Final = Limits(cpu_seconds=300, memory=2 << 30, wall_seconds=600.0)
# Products of all pictures from which Verilator is faster, which compiles for some ten seconds
# before it starts: Icarus takes some 17 microseconds a product.
WORTH_COMPILING: Final = 600_000
SHOW: Final = "tail -n 20 synthesis.log; exit 1"

Target: TypeAlias = Literal["xc7", "ice40", "ecp5"]
PASSES: Final[dict[str, str]] = {
    "xc7": "synth_xilinx -family xc7 -flatten",
    "ice40": "synth_ice40 -dsp",
    "ecp5": "synth_ecp5",
}
# What each target's cells are counted as.
CELLS: Final[dict[str, dict[str, str]]] = {
    "xc7": {"lut": r"LUT\d|RAM\d+M|RAM\d+X1[SD]", "ff": r"FD[RSCP]E.*", "dsp": r"DSP48E1"}
    | {"block_ram": r"RAMB\d+E1"},
    "ice40": {"lut": r"SB_LUT4", "ff": r"SB_DFF.*", "dsp": r"SB_MAC16", "block_ram": r"SB_RAM40.*"},
    "ecp5": {"lut": r"LUT4|TRELLIS_DPR16X4", "ff": r"TRELLIS_FF", "dsp": r"MULT18X18D"}
    | {"block_ram": r"DP16KD|PDPW16KD"},
}


@dataclass(frozen=True, slots=True)
class NetlistVerdict:
    """Whether what synthesis made of an export still answers bit for bit."""

    label: Literal["verified", "not_simulated", "mismatch"]
    values: int  # compared, over all pictures and layers
    tools: tuple[str, ...]  # names and versions
    commands: tuple[str, ...]
    seconds: float
    log: str

    def as_json(self) -> dict[str, Any]:
        """For a row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What yosys makes of an export for one family of devices."""

    target: Target
    done: bool  # False: a limit stopped it, or a program is missing; the counts are 0
    lut: int
    ff: int
    dsp: int
    block_ram: int
    cells: dict[str, int]  # every kind of cell
    tools: tuple[str, ...]
    seconds: float
    log: str

    def as_json(self) -> dict[str, Any]:
        """For a row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Clock:
    """How fast nextpnr places an export on an iCE40 HX8K, in the ct256 package."""

    done: bool
    fits: bool
    megahertz: float  # 0 where it does not fit
    logic_cells: int
    block_rams: int
    tools: tuple[str, ...]
    seconds: float
    log: str

    def as_json(self) -> dict[str, Any]:
        """For a row."""
        return asdict(self)


def netlist(folder: Path, *, limits: Limits = BACKGROUND) -> NetlistVerdict:
    """Simulate what `ghdl --synth` makes of the export; every value of every layer is compared.

    In Verilator where that is worth its compiling, else, or where it cannot be used, in Icarus.
    """
    facts = json.loads((folder / MANIFEST).read_text("utf-8"))
    ran, missing = _run_all(_to_verilog(facts), folder, limits)
    program = "iverilog"
    if ran and ran[-1].code == 0 and facts["macs"] * facts["pictures"] >= WORTH_COMPILING:
        built, absent = _run_all([_verilated(facts["name"])], folder, limits)
        if not absent and built[-1].code == 0:
            program, ran = "verilator", [*ran, *built]
    if ran and ran[-1].code == 0:
        simulated, missing = _run_all(_simulation(program, facts["name"]), folder, limits)
        ran = [*ran, *simulated]
    last = ran[-1] if ran else None
    passed = not missing and last is not None and "PASS" in last.said.splitlines()
    label: Literal["verified", "not_simulated", "mismatch"] = "verified" if passed else "mismatch"
    if not passed and (missing or (last is not None and last.stopped)):
        label = "not_simulated"
    values = facts["pictures"] * sum(layer["values"] for layer in facts["layers"])
    return NetlistVerdict(
        label, values if passed else 0, _versions(folder, "ghdl", program), *_record(ran)
    )


def _verilated(name: str) -> list[str]:
    """The bench as a program. Lint is for those who write Verilog; nobody wrote this."""
    options = ["--binary", "--timing", "-Wno-fatal", "-Wno-lint", "--Mdir", "verilated", "-j", "2"]
    bench = f"../{FOLDER}/netlist_tb.v"
    return ["verilator", *options, "--top-module", "netlist_tb", bench, f"{name}.v"]


def _simulation(program: str, name: str) -> list[list[str]]:
    if program == "verilator":
        return [["sh", "-c", "exec verilated/Vnetlist_tb"]]
    bench = f"../{FOLDER}/netlist_tb.v"
    compiled = ["iverilog", "-g2005", "-o", "netlist.vvp", bench, f"{name}.v"]
    return [compiled, ["vvp", "-n", "netlist.vvp"]]


def estimate(folder: Path, target: Target, *, limits: Limits = BACKGROUND) -> Estimate:
    """Count the cells that yosys needs for the export."""
    facts = json.loads((folder / MANIFEST).read_text("utf-8"))
    name = facts["name"]
    script = f"read_verilog {name}.v; {PASSES[target]} -top {name}; "
    script += f"write_json {name}_{target}.json; tee -o {target}.stat.json stat -json"
    ran, missing = _run_all([*_to_verilog(facts), ["yosys", "-q", "-p", script]], folder, limits)
    report = folder / BUILD / f"{target}.stat.json"
    done = not missing and ran[-1].code == 0 and report.exists()
    cells = _cells(report.read_text("utf-8")) if done else {}
    counts = {
        what: sum(number for kind, number in cells.items() if re.fullmatch(pattern, kind))
        for what, pattern in CELLS[target].items()
    }
    _, seconds, log = _record(ran)
    return Estimate(
        target=target,
        done=done,
        **counts,
        cells=cells,
        tools=_versions(folder, "ghdl", "yosys"),
        seconds=seconds,
        log=log,
    )


def clock(folder: Path, *, limits: Limits = BACKGROUND) -> Clock:
    """Place the export on an iCE40 HX8K, which has no multipliers, and say how fast it is."""
    facts = json.loads((folder / MANIFEST).read_text("utf-8"))
    name = facts["name"]
    script = f"read_verilog {name}.v; synth_ice40 -top {name} -json {name}_hx8k.json"
    placed = ["nextpnr-ice40", "--hx8k", "--package", "ct256", "--json", f"{name}_hx8k.json"]
    placed += ["--pcf-allow-unconstrained", "--freq", "50", "--seed", "1", "--timing-allow-fail"]
    ran, missing = _run_all(
        [*_to_verilog(facts), ["yosys", "-q", "-p", script], placed], folder, limits
    )
    said = ran[-1].said if ran else ""
    speeds = re.findall(r"Max frequency for clock\s+'[^']*': ([\d.]+) MHz", said)
    stopped = missing or any(one.stopped for one in ran)
    _, seconds, log = _record(ran)
    return Clock(
        done=not stopped and bool(speeds or "nextpnr" in ran[-1].command),
        fits=bool(speeds) and ran[-1].code == 0,
        megahertz=float(speeds[-1]) if speeds else 0.0,
        logic_cells=_used(said, "ICESTORM_LC"),
        block_rams=_used(said, "ICESTORM_RAM"),
        tools=_versions(folder, "ghdl", "yosys", "nextpnr-ice40"),
        seconds=seconds,
        log=log,
    )


def _to_verilog(facts: dict[str, Any]) -> list[list[str]]:
    name = facts["name"]
    analysed = ["ghdl", "-a", "--std=08", *(f"../{one}" for one in facts["core"])]
    # Its messages and its Verilog part ways.
    written = f'ghdl --synth --std=08 --out=verilog "$1" > "$1.v" 2> synthesis.log || {{ {SHOW}; }}'
    return [analysed, ["sh", "-c", written, "sh", name]]


def _run_all(
    steps: Sequence[Sequence[str]], folder: Path, limits: Limits
) -> tuple[list[Ran], bool]:
    """Run until one fails; also whether a program is missing."""
    (folder / BUILD).mkdir(exist_ok=True)
    ran: list[Ran] = []
    try:
        for step in steps:
            ran.append(run_confined(step, folder / BUILD, limits))
            if ran[-1].code != 0:
                break
    except ProgramMissing:
        return ran, True
    return ran, False


def _record(ran: Sequence[Ran]) -> tuple[tuple[str, ...], float, str]:
    said = "".join(one.said for one in ran).splitlines()
    seconds = round(sum(one.seconds for one in ran), 3)
    return tuple(one.command for one in ran), seconds, "\n".join(said[-TAIL:])


def _versions(folder: Path, *programs: str) -> tuple[str, ...]:
    flags = {"iverilog": "-V", "yosys": "-V"}
    found = []
    for program in programs:
        try:
            said = run_confined([program, flags.get(program, "--version")], folder, Limits()).said
        except ProgramMissing:
            continue
        lines = [line for line in said.splitlines() if re.search(r"\d+\.\d+", line)]
        found.append(lines[0].strip() if lines else program)
    return tuple(found)


def _cells(report: str) -> dict[str, int]:
    facts = json.loads(report[report.index("{") :])
    return {str(kind): int(n) for kind, n in facts["design"]["num_cells_by_type"].items()}


def _used(said: str, what: str) -> int:
    found = re.findall(rf"{what}:\s+(\d+)/", said)
    return int(found[-1]) if found else 0
