"""A faulted circuit is wrong exactly as the integers say."""

from pathlib import Path

import numpy as np
import pytest

from fpga_export.core.faults import Fault, Kind, Target, run_with_faults
from fpga_export.core.integer_run import run_integer
from fpga_export.core.vhdl.design import design
from fpga_export.core.vhdl.faulty import faulty_design
from fpga_export.simulators import Verdict, library, simulate, write
from fpga_export.tests.ghdl import needs
from fpga_export.tests.random_networks import random_network, random_picture
from fpga_export.tests.small_networks import classifier, pictures


def files_with(faults: list[Fault], seed: int = 0, lanes: int = 3) -> dict[str, str]:
    return faulty_design(
        classifier(),
        faults,
        seed,
        lanes=lanes,
        picture=pictures(1)[0],
        name="hit",
        library=library(),
    )


def simulated(folder: Path, files: dict[str, str]) -> Verdict:
    needs("ghdl")
    write(files, folder)
    return simulate(folder)


@pytest.mark.parametrize("kind", ["bit_flip", "stuck_at_0", "stuck_at_1", "random_noise"])
@pytest.mark.parametrize(
    ("target", "node"),
    [
        ("weights", "conv"),
        ("weights", "dense"),
        ("activations", "picture"),
        ("activations", "pool"),
    ],
)
def test_a_fault_is_confirmed_in_the_simulation(
    tmp_path: Path, kind: Kind, target: Target, node: str
) -> None:
    fault = Fault(kind, target, node, rate=0.1, strength=0.5)
    verdict = simulated(tmp_path, files_with([fault]))
    assert verdict.label == "verified", verdict.log


def test_a_single_bit_of_one_activation_is_confirmed_and_changes_the_class(tmp_path: Path) -> None:
    network, picture = classifier(), pictures(1)[0]
    healthy = run_integer(network, picture)["dense"].ravel()
    loser = int(healthy.argmin())
    fault = Fault("bit_flip", "activations", "dense", positions=(loser,), bits=(7,))
    assert healthy[loser] < 0  # without its sign it is large
    found = run_with_faults(network, picture, [fault], 0)["dense"].ravel()
    assert found[loser] == healthy[loser] + 128
    verdict = simulated(tmp_path, files_with([fault]))
    assert verdict.label == "verified", verdict.log
    assert "fault/nn_hit_dense.vhd" in verdict.files


def test_the_healthy_circuit_does_not_pass_for_the_faulted_one(tmp_path: Path) -> None:
    for number, (target, node) in enumerate((("weights", "conv"), ("activations", "conv"))):
        fault = Fault("bit_flip", target, node, rate=0.2)  # type: ignore[arg-type]
        files = files_with([fault])
        sound = design(
            classifier(), lanes=3, pictures=[pictures(1)[0]], name="hit", library=library()
        )
        mixed = sound | {"sim/hit_vectors.vhd": files["sim/hit_vectors.vhd"]}
        assert simulated(tmp_path / str(number), mixed).label == "mismatch"


@pytest.mark.parametrize("seed", range(12))
def test_faults_all_over_random_networks_are_confirmed(tmp_path: Path, seed: int) -> None:
    network = random_network(seed + 40)
    kinds: list[Kind] = ["bit_flip", "stuck_at_0", "stuck_at_1", "random_noise"]
    faults = []
    for number, node in enumerate(network.nodes):
        faults.append(Fault(kinds[number % 4], "activations", node.name, rate=0.05))
        if hasattr(node.operation, "weights"):
            faults.append(Fault(kinds[seed % 4], "weights", node.name, rate=0.05))
    files = faulty_design(
        network,
        faults,
        seed,
        lanes=(1, 2, 4, 16)[seed % 4],
        picture=random_picture(network, seed),
        name="hit",
        library=library(),
    )
    verdict = simulated(tmp_path, files)
    assert verdict.label == "verified", verdict.log


def test_no_fault_leaves_the_core_as_it_is() -> None:
    sound = design(classifier(), lanes=3, pictures=[pictures(1)[0]], name="hit", library=library())
    files = files_with([])
    assert {name for name in sound if files[name] != sound[name]} == {"README.md"}
    np.testing.assert_equal(set(files), set(sound))


def test_the_export_says_that_it_is_wrong_on_purpose() -> None:
    files = files_with([Fault("stuck_at_1", "weights", "conv", positions=(3,), bits=(2,))], seed=8)
    assert files["README.md"].startswith("# A core with faults in it")
    told = "stuck_at_1 in the weights of `conv`: positions 3, bits 2"
    assert told in files["README.md"]
