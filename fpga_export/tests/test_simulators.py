"""What may be said of an export: no more than the simulation saw."""

import json
import math
import os
from pathlib import Path

import pytest

from fpga_export.confined import Limits, run_confined
from fpga_export.core.ir import Network
from fpga_export.core.vhdl.design import design
from fpga_export.simulators import Verdict, digests, library, simulate, write
from fpga_export.tests.ghdl import needs
from fpga_export.tests.random_networks import random_network, random_picture

SEED = 14  # five nodes of five kinds


def exported(folder: Path, *, seed: int = SEED, lanes: int = 3, pictures: int = 2) -> Network:
    network = random_network(seed)
    chosen = [random_picture(network, seed + i) for i in range(pictures)]
    write(design(network, lanes=lanes, pictures=chosen, name="core", library=library()), folder)
    return network


def test_an_export_is_verified_when_every_value_of_every_layer_was_compared(
    tmp_path: Path,
) -> None:
    needs("ghdl")
    network = exported(tmp_path)
    before = digests(tmp_path)
    verdict = simulate(tmp_path)
    assert (verdict.label, verdict.reason, verdict.pictures) == ("verified", "", 2)
    assert verdict.values == 2 * sum(math.prod(node.shape) for node in network.nodes[1:])
    assert verdict.through == network.nodes[-1].name
    assert [layer.name for layer in verdict.layers] == [node.name for node in network.nodes[1:]]
    assert all(layer.cycles == layer.predicted for layer in verdict.layers)
    assert verdict.tool.startswith("GHDL ")
    assert verdict.files == before == digests(tmp_path)
    assert set(json.loads(json.dumps(verdict.as_json()))) == set(Verdict.__dataclass_fields__)


def test_an_export_that_is_simulated_in_part_says_through_which_layer(tmp_path: Path) -> None:
    needs("ghdl")
    names = [node.name for node in exported(tmp_path).nodes[1:]]
    verdict = simulate(tmp_path, through=names[1])
    assert (verdict.label, verdict.reason) == ("verified_through", "asked")
    assert (verdict.through, verdict.not_simulated) == (names[1], tuple(names[2:]))
    assert (verdict.pictures, len(verdict.layers)) == (1, 2)


def test_a_mismatch_is_never_offered(tmp_path: Path) -> None:
    needs("ghdl")
    exported(tmp_path)
    bench = tmp_path / "sim" / "core_vectors.vhd"
    text = bench.read_text()
    before, start, codes = text.partition('x"')
    bench.write_text(
        text.replace('_CODES : t_n1_words := (\n    x"', '_CODES : t_n1_words := (\n    not x"')
    )
    assert before + start + codes != bench.read_text()
    verdict = simulate(tmp_path)
    assert (verdict.label, verdict.offered) == ("mismatch", False)
    assert "FAIL: n1" in verdict.log


def test_vhdl_that_ghdl_refuses_is_a_mismatch(tmp_path: Path) -> None:
    needs("ghdl")
    exported(tmp_path)
    (tmp_path / "core_core.vhd").write_text("entity core_core is end;\n")
    assert simulate(tmp_path).label == "mismatch"


def test_without_ghdl_an_export_is_not_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = exported(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    verdict = simulate(tmp_path)
    assert (verdict.label, verdict.reason, verdict.values) == ("not_simulated", "no_simulator", 0)
    assert verdict.not_simulated == tuple(node.name for node in network.nodes[1:])


def test_a_simulation_beyond_its_time_claims_only_what_was_seen(tmp_path: Path) -> None:
    needs("ghdl")
    exported(tmp_path)
    verdict = simulate(tmp_path, limits=Limits(wall_seconds=0.001))
    assert (verdict.label, verdict.reason) == ("not_simulated", "limits")


def test_a_program_is_stopped_at_its_processor_time(tmp_path: Path) -> None:
    ran = run_confined(["sh", "-c", "while :; do :; done"], tmp_path, Limits(cpu_seconds=1))
    assert ran.stopped
    assert ran.seconds < 20


def test_a_program_is_stopped_at_its_memory(tmp_path: Path) -> None:
    grab = "head -c 400000000 /dev/zero | tail -c 300000000 | wc -c"
    ran = run_confined(["sh", "-c", grab], tmp_path, Limits(memory=100 << 20))
    assert "300000000" not in ran.said


def test_a_program_is_stopped_at_the_size_of_its_files(tmp_path: Path) -> None:
    ran = run_confined(["head", "-c", "9000000", "/dev/zero"], tmp_path, Limits(file=1 << 20))
    assert ran.stopped


def test_a_program_sees_no_environment_but_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    assert "canary" not in run_confined(["env"], tmp_path, Limits()).said


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    run_confined(["sh", "-c", f"(sleep 1; touch {alive}) & exit 0"], tmp_path, Limits())
    run_confined(["sleep", "1.5"], tmp_path, Limits())
    assert not alive.exists()


def test_an_export_writes_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    for name in ("../outside", "/outside", "a/../../outside"):
        with pytest.raises(ValueError, match="outside"):
            write({name: ""}, tmp_path)


def test_a_program_can_stay_in_the_group_that_is_ended_as_one(tmp_path: Path) -> None:
    group = "cut -d ' ' -f 5 /proc/self/stat"
    together = run_confined(["sh", "-c", group], tmp_path, Limits(own_group=False))
    apart = run_confined(["sh", "-c", group], tmp_path, Limits())
    assert int(together.said) == os.getpgrp() != int(apart.said)
