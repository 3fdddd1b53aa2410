"""Random networks in hardware: every value of every layer, every cycle, and faults that show.

`make fuzz-hdl` does the same with more of them.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fpga_export.core.vhdl.cycles import DRAIN, predict, steps
from fpga_export.core.vhdl.design import design, top_name
from fpga_export.simulators import library, simulate, write
from fpga_export.tests.fuzz_hdl import (
    FAULTS,
    broken,
    export,
    lanes_of,
    mismatch,
    netlist_mismatch,
)
from fpga_export.tests.fuzz_stream import stream_export
from fpga_export.tests.ghdl import needs
from fpga_export.tests.random_networks import random_network, random_picture

EACH = 30
NETLISTS = 12


@pytest.mark.parametrize("first", range(0, 120, EACH))
def test_random_networks_equal_the_integer_network_at_every_layer(
    first: int, tmp_path: Path
) -> None:
    needs("ghdl")
    seeds = range(first, first + EACH)
    assert list(filter(None, (mismatch(seed, tmp_path / str(seed)) for seed in seeds))) == []


@pytest.mark.parametrize("first", range(200, 224, NETLISTS))
def test_random_networks_are_the_same_after_synthesis(first: int, tmp_path: Path) -> None:
    needs("ghdl")
    needs("iverilog")
    seeds = range(first, first + NETLISTS)
    wrong = (netlist_mismatch(seed, tmp_path / str(seed)) for seed in seeds)
    assert list(filter(None, wrong)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_an_export_fails_its_simulation(fault: str, tmp_path: Path) -> None:
    needs("ghdl")
    tried = 0
    for seed in range(300, 316):
        files = export(seed)[1]
        if changed := broken(seed, fault):
            folder = tmp_path / str(seed)
            write({**files, **changed}, folder)
            assert simulate(folder).label == "mismatch", f"seed {seed}"
            tried += 1
    assert tried >= 8


def test_every_layer_takes_its_steps_and_the_time_to_drain(tmp_path: Path) -> None:
    network = random_network(4)
    found = predict(network, lanes=2)
    for node in network.nodes[1:]:
        assert found[node.name] == steps(network, node, 2) + DRAIN


def test_an_export_says_pass_with_nothing_but_ghdl_and_make(tmp_path: Path) -> None:
    """A machine without Python: an empty environment, and a path with a few programs alone."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("make", "sh", "mkdir", "dirname"):
        (programs / program).symlink_to(needs(program))
    for backend in Path(needs("ghdl")).parent.glob("ghdl*"):  # Debian's is a script for several
        (programs / backend.name).symlink_to(backend)
    folder = tmp_path / "export"
    write(export(7)[1], folder)
    done = subprocess.run(
        [needs("make"), "sim"],
        cwd=folder,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "PASS: 2 picture(s)" in done.stdout
    assert shutil.which("python3", path=str(programs)) is None


def test_make_sim_fails_where_an_export_is_wrong(tmp_path: Path) -> None:
    needs("ghdl")
    write({**export(7)[1], **broken(7, "cycle")}, tmp_path)
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["make", "sim"], cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert b"PASS" not in done.stdout


def test_the_makefile_s_netlist_passes_in_icarus(tmp_path: Path) -> None:
    needs("ghdl")
    needs("iverilog")
    write(export(7)[1], tmp_path)
    done = subprocess.run(
        ["make", "sim-netlist"], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]


@pytest.mark.parametrize("made", [export, stream_export])
def test_every_simulator_is_given_all_files_in_the_order_that_ghdl_reads(
    made: Callable[[int], tuple[object, dict[str, str]]], tmp_path: Path
) -> None:
    """The makers' manuals: `nvc --std=2008`, `vcom -2008` and `xvhdl -2008` are VHDL-2008."""
    files = made(7)[1]
    write(files, tmp_path)

    def said(target: str, *words: str) -> list[str]:
        done = subprocess.run(
            [needs("make"), "-n", target, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.replace("\\\n", " ").splitlines()

    def sources(line: str) -> list[str]:
        return [word.removeprefix("../") for word in line.split() if word.endswith(".vhd")]

    (wanted,) = (sources(line) for line in said("sim") if "ghdl -a" in line)
    assert sorted(wanted) == sorted(name for name in files if name.endswith(".vhd"))
    for target, begins in (
        ("sim-nvc", "nvc --std=2008 -a"),
        ("sim-modelsim", "vcom -2008"),
        ("sim-xsim", "xvhdl -2008"),
    ):
        (line,) = (one for one in said(target) if one.startswith(begins))
        assert sources(line) == wanted
        assert any("THROUGH=2" in one for one in said(target, "THROUGH=2"))
        assert not any("THROUGH" in one for one in said(target))


def test_an_export_tells_its_reader_what_each_layer_is() -> None:
    network, files = export(7)
    for node in network.nodes[1:]:
        assert f"`{node.layers[-1]}`" in files["README.md"]
    assert f"{lanes_of(7)} lane(s)" in files["README.md"]


def test_the_library_is_copied_byte_for_byte() -> None:
    files = export(7)[1]
    for name, text in library().items():
        assert files[f"lib/{name}"] == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [("nn_mac", "core_nn_mac"), ("NN", "core_nn"), ("Ein Netz!", "ein_netz"), ("", "n")],
)
def test_a_core_is_never_named_like_the_library_s_entities(given: str, expected: str) -> None:
    assert top_name(given) == expected


@pytest.mark.parametrize("lanes", [0, 65])
def test_a_core_has_one_to_64_lanes(lanes: int) -> None:
    network = random_network(7)
    with pytest.raises(ValueError, match="lanes"):
        design(network, lanes=lanes, pictures=[random_picture(network, 1)], name="x", library={})
