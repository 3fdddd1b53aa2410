"""Every file of a stream core's export."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Final

from fpga_export.core.ir import Codes, Network
from fpga_export.core.network_json import FILE, network_json
from fpga_export.core.vhdl.cycles import macs
from fpga_export.core.vhdl.design import MANIFEST, makefile, top_name
from fpga_export.core.vhdl.rom import rom
from fpga_export.core.vhdl.stream import (
    STREAM_LIBRARY,
    Stage,
    biases_of,
    interval,
    stages,
    weighted,
    weights_of,
)
from fpga_export.core.vhdl.stream_bench import stream_bench, stream_vectors
from fpga_export.core.vhdl.stream_core import StreamWiring
from fpga_export.core.vhdl.stream_readme import stream_readme
from fpga_export.core.vhdl.stream_timing import Timing, timing
from fpga_export.core.vhdl.stream_verilog import stream_verilog
from fpga_export.core.vhdl.wiring import told

PICTURES: Final = 3  # that it is timed with: the third no longer knows of the start


def stream_design(
    network: Network,
    *,
    lanes: int,
    pictures: Sequence[Codes],
    name: str,
    library: Mapping[str, str],
) -> dict[str, str]:
    """{path: text} of the export. `lanes` is the most output channels that a node takes in a cycle;
    `library` the texts of `STREAM_LIBRARY`. Raises `NotForStream`.
    """
    name, found = top_name(name), stages(network, lanes=lanes)
    wiring = StreamWiring(network, found, name)
    when = timing(network, found, pictures=max(PICTURES, len(pictures)))
    roms = stream_roms(found, name)
    core = [*(f"lib/{one}" for one in STREAM_LIBRARY), *roms, f"{name}_core.vhd", f"{name}.vhd"]
    bench = [f"sim/{name}_vectors.vhd", f"sim/{name}_tb.vhd"]
    facts = _manifest(wiring, when, lanes=lanes, pictures=len(pictures))
    return {
        **stream_verilog(wiring, pictures),
        **{f"lib/{one}": library[one] for one in STREAM_LIBRARY},
        **roms,
        f"{name}_core.vhd": wiring.core(),
        f"{name}.vhd": wiring.top(),
        bench[0]: stream_vectors(wiring, pictures),
        bench[1]: stream_bench(wiring, when, len(pictures)),
        "Makefile": makefile(name, core, bench),
        "README.md": stream_readme(wiring, when, facts),
        FILE: network_json(network),
        MANIFEST: json.dumps(facts | {"core": core, "bench": bench}, indent=1) + "\n",
    }


def stream_roms(found: Sequence[Stage], name: str) -> dict[str, str]:
    """The memories of weights and biases by their path."""
    roms = {}
    for stage in filter(weighted, found):
        for kind, memory in (("w", weights_of(stage)), ("b", biases_of(stage))):
            entity = f"{name}_{kind}_{stage.node.name}"
            about = f"{'Weights' if kind == 'w' else 'Biases'} of {told(stage.node)}."
            roms[f"rom/{entity}.vhd"] = rom(entity, memory, about=about)
    return roms


def _manifest(
    wiring: StreamWiring, when: Timing, *, lanes: int, pictures: int
) -> dict[str, object]:
    network, found = wiring.network, wiring.found
    return {
        "schema": network.schema,
        "network": network.name,
        "name": wiring.name,
        "preset": "stream",
        "lanes": lanes,
        "pictures": pictures,
        "first": when.answers[0] if when.answers else None,
        "cycles": when.each or interval(found),
        "multipliers": sum(stage.multipliers for stage in found),
        "macs": sum(macs(node) for node in network.nodes),
        "layers": [_facts(stage) for stage in found],
    }


def _facts(stage: Stage) -> dict[str, object]:
    form = stage.node.format
    return {
        "name": stage.node.name,
        "layers": list(stage.node.layers),
        "kind": type(stage.node.operation).__name__,
        "shape": list(stage.node.shape),
        "format": [form.bits, form.fraction],
        "signed": form.signed,
        "values": math.prod(stage.node.shape),
        "macs": macs(stage.node),
        "cycles": stage.steps,
        "multipliers": stage.multipliers,
    }
