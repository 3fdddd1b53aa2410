"""What yosys and nextpnr say of an export, and what is said where they cannot."""

import json
from pathlib import Path

import numpy as np
import pytest

from fpga_export import synthesis
from fpga_export.confined import Limits
from fpga_export.core.ir import Network
from fpga_export.core.vhdl.design import design
from fpga_export.simulators import clock, estimate, library, netlist, write
from fpga_export.synthesis import Target
from fpga_export.tests.ghdl import needs
from fpga_export.tests.test_hdl_traps import conv, source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one layer with two lanes."""
    picture = source((4, 4, 2))
    network = Network("small", (picture, conv(picture, outputs=4)), "c")
    made = tmp_path_factory.mktemp("export")
    codes = np.arange(32).reshape(4, 4, 2)
    write(design(network, lanes=2, pictures=[codes], name="small", library=library()), made)
    return made


@pytest.mark.parametrize("target", ["xc7", "ice40", "ecp5"])
def test_yosys_counts_the_cells_of_each_family(target: Target, folder: Path) -> None:
    needs("ghdl")
    needs("yosys")
    found = estimate(folder, target)
    assert found.done, found.log
    assert 30 < found.lut < 2000
    assert 50 < found.ff < 1000
    assert found.dsp >= (2 if target != "ecp5" else 0)  # a product a lane
    assert [tool.split()[0] for tool in found.tools] == ["GHDL", "Yosys"]
    assert json.loads(json.dumps(found.as_json()))["target"] == target


def test_nextpnr_says_how_fast_it_is(folder: Path) -> None:
    for program in ("ghdl", "yosys", "nextpnr-ice40"):
        needs(program)
    found = clock(folder)
    assert found.done, found.log
    assert found.fits
    assert found.megahertz > 30
    assert found.logic_cells > 100


def test_a_netlist_that_answers_otherwise_is_a_mismatch(folder: Path, tmp_path: Path) -> None:
    needs("ghdl")
    needs("iverilog")
    files = {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and "build" not in path.parts
    }
    write(files, tmp_path)
    assert netlist(tmp_path).label == "verified"
    codes = tmp_path / "sim" / "netlist" / "t_c.hex"
    first, _, rest = codes.read_text().partition("\n")
    codes.write_text(f"{int(first, 16) ^ 1:x}\n{rest}")
    verdict = netlist(tmp_path)
    assert (verdict.label, verdict.values) == ("mismatch", 0)
    assert "FAIL: t_c" in verdict.log


def test_a_netlist_with_much_to_simulate_goes_to_verilator(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("ghdl", "verilator", "g++", "make"):
        needs(program)
    monkeypatch.setattr(synthesis, "WORTH_COMPILING", 0)
    verdict = netlist(folder)
    assert (verdict.label, verdict.values) == ("verified", 64), verdict.log
    assert verdict.tools[-1].startswith("Verilator")


def test_what_a_limit_stops_is_not_done(folder: Path) -> None:
    needs("ghdl")
    hurried = Limits(wall_seconds=0.001)
    assert not estimate(folder, "xc7", limits=hurried).done
    assert not clock(folder, limits=hurried).done
    assert netlist(folder, limits=hurried).label == "not_simulated"


def test_without_the_programs_nothing_is_claimed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert not estimate(folder, "ice40").done
    assert not clock(folder).done
    assert netlist(folder).label == "not_simulated"
