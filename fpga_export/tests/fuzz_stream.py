"""Random networks as streams: the same checks as of compact cores, and the same faults."""

from pathlib import Path
from typing import Final

import numpy as np

from fpga_export.core.ir import Network
from fpga_export.core.vhdl.stream import STREAM_LIBRARY, stages
from fpga_export.core.vhdl.stream_design import stream_design, stream_roms
from fpga_export.simulators import library, netlist, simulate, write
from fpga_export.tests.fuzz_hdl import (
    HALVES_GO_UP,
    NAME,
    lanes_of,
    pictures_of,
    shows_truncation,
    with_flipped_bit,
)
from fpga_export.tests.random_networks import random_network

DEEPEST: Final = 8
# The search for the class then takes the first code of a pixel for granted, a cycle less.
ALL_CODES: Final = "          c := 0;\n"
FIRST_CODE_LESS: Final = "          c := 1;\n          seen := seen + 1;\n"


def stream_network(seed: int) -> Network:
    """The seed's network; deeper than those of compact cores, for more forks and joins."""
    return random_network(seed, deepest=DEEPEST)


def stream_export(seed: int) -> tuple[Network, dict[str, str]]:
    """The seed's network and its export."""
    network = stream_network(seed)
    pictures = pictures_of(network, seed)
    texts = library(STREAM_LIBRARY)
    return network, stream_design(
        network, lanes=lanes_of(seed), pictures=pictures, name=NAME, library=texts
    )


def stream_mismatch(seed: int, folder: Path) -> str:
    """What GHDL says against the seed's stream; "" where every value and cycle is right."""
    network, files = stream_export(seed)
    write(files, folder)
    verdict = simulate(folder)
    expected = 2 * sum(int(np.prod(node.shape)) for node in network.nodes[1:])
    right = verdict.label == "verified" and verdict.values == expected
    return "" if right else f"stream {seed}: {verdict.label}\n{verdict.log}"


def stream_netlist_mismatch(seed: int, folder: Path) -> str:
    """The same of what synthesis made of it."""
    write(stream_export(seed)[1], folder)
    verdict = netlist(folder)
    return "" if verdict.label == "verified" else f"stream {seed}: {verdict.label}\n{verdict.log}"


def stream_broken(seed: int, fault: str) -> dict[str, str]:
    """Files to write over the export, with one fault; none where it could not show."""
    network = stream_network(seed)
    pictures = pictures_of(network, seed)
    texts = library(STREAM_LIBRARY)
    if fault == "cycle":
        hasty = texts["ns_argmax.vhd"].replace(ALL_CODES, FIRST_CODE_LESS)
        assert hasty != texts["ns_argmax.vhd"]
        return {"lib/ns_argmax.vhd": hasty}
    if fault == "rounding":
        if not any(shows_truncation(network, picture) for picture in pictures):
            return {}
        lazy = texts["nn_pkg.vhd"].replace(HALVES_GO_UP, "")
        assert lazy != texts["nn_pkg.vhd"]
        return {"lib/nn_pkg.vhd": lazy}
    flipped = with_flipped_bit(network, pictures, seed)
    if flipped is None:
        return {}
    return stream_roms(stages(flipped, lanes=lanes_of(seed)), NAME)
