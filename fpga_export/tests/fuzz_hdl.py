"""Random networks as compact cores, compared at every layer, and the faults that must show."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from fpga_export.core.integer_run import added, run_integer, shifted, sums_of
from fpga_export.core.ir import (
    Add,
    AveragePool,
    Codes,
    Concat,
    Conv,
    Depthwise,
    Network,
    Node,
    Rounding,
)
from fpga_export.core.vhdl.design import design
from fpga_export.core.vhdl.engines import entity_of
from fpga_export.core.vhdl.wiring import Wiring
from fpga_export.simulators import library, netlist, simulate, write
from fpga_export.tests.random_networks import random_network, random_picture

LANES: Final = (1, 2, 3, 4, 5, 7, 8, 11, 16)
FAULTS: Final = ("bit", "rounding", "cycle")
NAME: Final = "dut"
HALVES_GO_UP: Final = (
    """moved := moved + signed'("0" & wide(nn_max(shift - 1, 0) downto nn_max(shift - 1, 0)));"""
)


def lanes_of(seed: int) -> int:
    """How many lanes the seed's network gets."""
    return LANES[seed % len(LANES)]


def pictures_of(network: Network, seed: int) -> list[Codes]:
    """Two, so that what the first one left behind would show."""
    return [random_picture(network, seed + i) for i in range(2)]


def export(seed: int) -> tuple[Network, dict[str, str]]:
    """The seed's network and its export."""
    network = random_network(seed)
    pictures = pictures_of(network, seed)
    return network, design(
        network, lanes=lanes_of(seed), pictures=pictures, name=NAME, library=library()
    )


def mismatch(seed: int, folder: Path) -> str:
    """What GHDL says against the seed's network; "" where every value and cycle is right."""
    network, files = export(seed)
    write(files, folder)
    verdict = simulate(folder)
    expected = 2 * sum(int(np.prod(node.shape)) for node in network.nodes[1:])
    right = verdict.label == "verified" and verdict.values == expected
    return "" if right else f"seed {seed}: {verdict.label}\n{verdict.log}"


def netlist_mismatch(seed: int, folder: Path) -> str:
    """The same of what synthesis made of it, in Icarus."""
    write(export(seed)[1], folder)
    verdict = netlist(folder)
    return "" if verdict.label == "verified" else f"seed {seed}: {verdict.label}\n{verdict.log}"


def broken(seed: int, fault: str) -> dict[str, str]:
    """Files to write over the export, with one fault; none where it could not show."""
    network = random_network(seed)
    pictures = pictures_of(network, seed)
    texts = library()
    if fault == "cycle":
        # The first engine says a cycle too early that it is done.
        entity = f"{entity_of(network.nodes[1])}.vhd"
        hasty = texts[entity].replace("done <= closing_3;", "done <= closing_2;")
        assert hasty != texts[entity]
        return {f"lib/{entity}": hasty}
    if fault == "rounding":
        if not any(shows_truncation(network, picture) for picture in pictures):
            return {}
        lazy = texts["nn_pkg.vhd"].replace(HALVES_GO_UP, "")
        assert lazy != texts["nn_pkg.vhd"]
        return {"lib/nn_pkg.vhd": lazy}
    flipped = with_flipped_bit(network, pictures, seed)
    if flipped is None:
        return {}
    roms = Wiring(flipped, lanes_of(seed), NAME).roms()
    return {f"rom/{entity}.vhd": text for entity, text in roms.items()}


def with_flipped_bit(network: Network, pictures: list[Codes], seed: int) -> Network | None:
    """The network with one bit of one weight flipped, such that a value somewhere changes."""
    rng = np.random.default_rng(seed)
    batch = np.stack(pictures)
    right = run_integer(network, batch)
    weighted = [node for node in network.nodes if isinstance(node.operation, (Conv, Depthwise))]
    for _ in range(20 if weighted else 0):
        node = weighted[int(rng.integers(len(weighted)))]
        changed = replaced(network, node, _flipped(node, rng))
        wrong = run_integer(changed, batch)
        if any(not np.array_equal(wrong[name], codes) for name, codes in right.items()):
            return changed
    return None


def _flipped(node: Node, rng: np.random.Generator) -> Node:
    operation = node.operation
    assert isinstance(operation, (Conv, Depthwise))
    form, weights = operation.weight_format, operation.weights.copy()
    place = int(rng.integers(weights.size))
    pattern = (int(weights.flat[place]) ^ (1 << int(rng.integers(form.bits)))) & (
        (1 << form.bits) - 1
    )
    weights.flat[place] = pattern - (1 << form.bits) if pattern > form.high else pattern
    return replace(node, operation=replace(operation, weights=weights))


def replaced(network: Network, old: Node, new: Node) -> Network:
    """The network with `new` in the place of `old`."""
    return replace(network, nodes=tuple(new if node is old else node for node in network.nodes))


def shows_truncation(network: Network, picture: Codes) -> bool:
    """Whether rounding down, instead of to the nearest, changes a value of any layer."""
    outputs = {name: codes[None] for name, codes in run_integer(network, picture).items()}
    for node in network.nodes[1:]:
        for sums, rounding in _rounded(node, [outputs[name] for name in node.inputs]):
            if rounding.shift > 0:
                bottomless = replace(rounding, shift=0)
                down = shifted(sums, bottomless) >> rounding.shift
                nearest = shifted(sums, rounding)
                ends = rounding.low, rounding.high
                if not np.array_equal(np.clip(down, *ends), np.clip(nearest, *ends)):
                    return True
    return False


def _rounded(node: Node, inputs: list[Codes]) -> list[tuple[Codes, Rounding]]:
    operation = node.operation
    if isinstance(operation, (Conv, Depthwise, AveragePool)):
        return [(sums_of(operation, inputs[0], node.shape), operation.rounding)]
    if isinstance(operation, Add):
        return [(added(operation, inputs), operation.rounding)]
    if isinstance(operation, Concat):
        return list(zip(inputs, operation.roundings, strict=True))
    return []
