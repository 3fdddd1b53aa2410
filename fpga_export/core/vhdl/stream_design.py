"""Every file of a stream core's export."""

import json
import math
import re
from collections.abc import Mapping, Sequence

from fpga_export.core.ir import AveragePool, Codes, Depthwise, MaxPool, Network, Rounding
from fpga_export.core.network_json import FILE, network_json
from fpga_export.core.vhdl.cycles import macs
from fpga_export.core.vhdl.design import MANIFEST, makefile, top_name
from fpga_export.core.vhdl.engines import Generics, generic_map
from fpga_export.core.vhdl.packing import address_bits, signed_bits
from fpga_export.core.vhdl.rom import HEAD, rom
from fpga_export.core.vhdl.stream import (
    STREAM_LIBRARY,
    Stage,
    biases_of,
    interval,
    stages,
    weights_of,
)
from fpga_export.core.vhdl.stream_bench import (
    class_bits,
    pixel_bits,
    stream_bench,
    stream_vectors,
)
from fpga_export.core.vhdl.wiring import listed, told, vector


def stream_design(
    network: Network,
    *,
    lanes: int,
    pictures: Sequence[Codes],
    name: str,
    library: Mapping[str, str],
) -> dict[str, str]:
    """{path: text} of the export. `lanes` is the most output channels that a node takes in a cycle;
    `library` the texts of `STREAM_LIBRARY`. Raises `NotForHardware`.
    """
    name, found = top_name(name), stages(network, lanes=lanes)
    roms = {}
    for stage in found:
        if isinstance(stage.work, (MaxPool, AveragePool)):
            continue
        for kind, memory in (("w", weights_of(stage)), ("b", biases_of(stage))):
            entity = f"{name}_{kind}_{stage.node.name}"
            about = f"{'Weights' if kind == 'w' else 'Biases'} of {told(stage.node)}."
            roms[f"rom/{entity}.vhd"] = rom(entity, memory, about=about)
    core = [*(f"lib/{one}" for one in STREAM_LIBRARY), *roms, f"{name}_core.vhd", f"{name}.vhd"]
    bench = [f"sim/{name}_vectors.vhd", f"sim/{name}_tb.vhd"]
    facts = {
        "schema": network.schema,
        "network": network.name,
        "name": name,
        "preset": "stream",
        "lanes": lanes,
        "pictures": len(pictures),
        "interval": interval(found),
        "multipliers": sum(stage.multipliers for stage in found),
        "macs": sum(macs(node) for node in network.nodes),
        "layers": [_facts(stage) for stage in found],
        "core": core,
        "bench": bench,
    }
    return {
        **{f"lib/{one}": library[one] for one in STREAM_LIBRARY},
        **roms,
        f"{name}_core.vhd": _core(network, found, name),
        f"{name}.vhd": _top(network, found, name),
        bench[0]: stream_vectors(network, pictures, name),
        bench[1]: stream_bench(network, found, name),
        "Makefile": _makefile(name, core, bench),
        "README.md": _readme(network, found, name),
        FILE: network_json(network),
        MANIFEST: json.dumps(facts, indent=1) + "\n",
    }


def _makefile(name: str, core: Sequence[str], bench: Sequence[str]) -> str:
    """That of a compact core, less what a stream's test bench has not: THROUGH and a netlist's."""
    text = makefile(name, core, bench)
    text = re.sub(r"# make sim-netlist.*\n|# THROUGH=.*\n", "", text)
    text = re.sub(r"\nsim-netlist:.*\n(\t.*\n)+", "", text).replace(" sim-netlist", "")
    return re.sub(r"( \\\n\t\t)? ?\$\(if \$\(THROUGH\),[^)]*\)\)", "", text)


def _readme(network: Network, found: Sequence[Stage], name: str) -> str:
    source = network.nodes[0]
    height, width, channels = source.shape
    rows = "".join(
        f"| `{stage.node.name}` | {type(stage.node.operation).__name__} "
        f"| {' x '.join(map(str, stage.node.shape))} | {stage.node.format} "
        f"| {stage.steps} | {stage.multipliers} |\n"
        for stage in found
    )
    return f"""# {name}

A core in VHDL whose layers all work at once, each on the pixels of the one before it: a picture
every {interval(found)} cycles, and a little more, once it is under way.

`make sim` (Debian: `apt install ghdl make`) compares every pixel of every layer with the integer
network's, bit for bit, and ends with `PASS`.

Pixels of {height} x {width}, row by row, go into `x_data` where `x_valid` and `x_ready` are both
high: {channels} code(s) of {source.format.bits} bits, {source.format}, the first in the lowest
bits. `done` is high for a cycle when `class_index` is a picture's answer. Synthesise the files of
`design.json` ("core") in their order; the top is `{name}`.

| layer | kind | output | format | cycles a picture | multipliers |
|---|---|---|---|---|---|
{rows}"""


def _facts(stage: Stage) -> dict[str, object]:
    return {
        "name": stage.node.name,
        "layers": list(stage.node.layers),
        "kind": type(stage.node.operation).__name__,
        "shape": list(stage.node.shape),
        "values": math.prod(stage.node.shape),
        "cycles": stage.steps,
        "multipliers": stage.multipliers,
    }


def _ports(network: Network, found: Sequence[Stage], *, debug: bool) -> str:
    lines = ["clk : in  std_logic", "x_valid : in  std_logic", "x_ready : out std_logic"]
    lines.append(f"x_data  : in  {vector(pixel_bits(network, network.nodes[0].name))}")
    lines += ["done : out std_logic", f"class_index : out {vector(class_bits(network))}"]
    for stage in found if debug else ():
        n = stage.node.name
        lines += [f"dbg_{n}_valid, dbg_{n}_stepped : out std_logic"]
        lines += [f"dbg_{n}_data : out {vector(pixel_bits(network, n))}"]
    return ";\n    ".join(lines)


def _generics(stage: Stage) -> Generics:
    work, node, source = stage.work, stage.node, stage.source
    window = work.window
    common: Generics = {
        "IH": source.shape[0],
        "IW": source.shape[1],
        "IC": source.shape[2],
        "OH": node.shape[0],
        "OW": node.shape[1],
        "KH": window.kernel[0],
        "KW": window.kernel[1],
        "SH": window.stride[0],
        "SW": window.stride[1],
        "DH": window.dilation[0],
        "DW": window.dilation[1],
        "PT": window.padding[0],
        "PL": window.padding[2],
        "ROWS": stage.rows,
        "XB": source.format.bits,
        "XS": source.format.signed,
        "YB": node.format.bits,
    }
    rounding = Rounding(0, 0, 0) if isinstance(work, MaxPool) else work.rounding
    leak = rounding.leak
    common |= {"SHIFT": rounding.shift, "LOW": rounding.low, "HIGH": rounding.high}
    common |= {"LEAK_FACTOR": leak.factor if leak else 0, "LEAK_BITS": leak.bits if leak else -1}
    if isinstance(work, (MaxPool, AveragePool)):
        multipliers = [0] * (math.prod(window.kernel) + 1)
        for count, multiplier in work.multipliers if isinstance(work, AveragePool) else ():
            multipliers[count] = multiplier
        return common | {
            "MEAN": isinstance(work, AveragePool),
            "MULTIPLIERS": multipliers,
            "MB": signed_bits(0, max(multipliers)),
            "SB": work.sum_bits if isinstance(work, AveragePool) else 2,
        }
    weights, biases = weights_of(stage), biases_of(stage)
    return common | {
        "OC": node.shape[2],
        "LANES": stage.lanes,
        "CHANNELS": stage.channels,
        "PER_CHANNEL": isinstance(work, Depthwise),
        "WB": work.weight_format.bits,
        "BB": biases.width // stage.lanes,
        "SB": work.sum_bits,
        "WADDR": address_bits(len(weights.words)),
        "BADDR": address_bits(len(biases.words)),
    }


def _core(network: Network, found: Sequence[Stage], name: str) -> str:
    source, last = network.nodes[0], network.nodes[-1]
    signals, parts = "", ""
    for node in network.nodes:
        signals += f"  signal t_{node.name}_valid, t_{node.name}_ready : std_logic;\n"
        signals += f"  signal t_{node.name}_data : {vector(pixel_bits(network, node.name))};\n"
    for stage in found:
        declared, text = _stage(stage, name)
        signals += declared
        parts += text
    pixels_of = last.shape[0] * last.shape[1]
    return f"""-- A stage a node; a pixel moves where valid and ready are both high.
{HEAD}use work.nn_pkg.all;

entity {name}_core is
  port (
    {_ports(network, found, debug=True)}
  );
end entity;

architecture rtl of {name}_core is
{signals}begin
  t_{source.name}_valid <= x_valid;
  x_ready <= t_{source.name}_ready;
  t_{source.name}_data <= x_data;

{parts}  class_finder : entity work.ns_argmax
    generic map (
      PIXELS => {pixels_of}, CHANNELS => {last.shape[2]}, XB => {last.format.bits},
      XS => {str(last.format.signed).lower()},
      CLASS_BITS => {class_bits(network)}
    )
    port map (
      clk => clk, in_valid => t_{last.name}_valid, in_ready => t_{last.name}_ready,
      in_data => t_{last.name}_data, done => done, class_index => class_index
    );
end architecture;
"""


def _stage(stage: Stage, name: str) -> tuple[str, str]:
    """Its signals and its instances."""
    n, before = stage.node.name, stage.source.name
    values = _generics(stage)
    mapped = ["clk => clk", f"in_valid => t_{before}_valid", f"in_ready => t_{before}_ready"]
    mapped += [f"in_data => t_{before}_data", f"stepped => dbg_{n}_stepped"]
    mapped += [f"out_{what} => t_{n}_{what}" for what in ("valid", "ready", "data")]
    signals, roms, entity = "", "", "ns_pool"
    if not isinstance(stage.work, (MaxPool, AveragePool)):
        entity = "ns_mac"
        signals = f"  signal e_{n}_re : std_logic;\n"
        mapped.append(f"re => e_{n}_re")
        for kind, memory in (("w", weights_of(stage)), ("b", biases_of(stage))):
            address = vector(address_bits(len(memory.words)))
            signals += f"  signal {kind}_{n}_ra : {address};\n"
            signals += f"  signal {kind}_{n}_rd : {vector(memory.width)};\n"
            mapped += [f"{kind}_ra => {kind}_{n}_ra", f"{kind}_rd => {kind}_{n}_rd"]
            roms += f"""  rom_{kind}_{n} : entity work.{name}_{kind}_{n}
    port map (clk => clk, re => e_{n}_re, ra => {kind}_{n}_ra, rd => {kind}_{n}_rd);
"""
    return (
        signals,
        f"""  -- {told(stage.node)}: {stage.steps} steps, {stage.multipliers} multipliers
  engine_{n} : entity work.{entity}
    generic map (
      {generic_map(values)}
    )
    port map (
      {listed(mapped)}
    );
{roms}  dbg_{n}_valid <= t_{n}_valid and t_{n}_ready;
  dbg_{n}_data <= t_{n}_data;

""",
    )


def _top(network: Network, found: Sequence[Stage], name: str) -> str:
    own = ["clk", "x_valid", "x_ready", "x_data", "done", "class_index"]
    mapped = [f"{one} => {one}" for one in own]
    for stage in found:
        mapped += [f"dbg_{stage.node.name}_{what} => open" for what in ("valid", "stepped", "data")]
    return f"""-- Pixels go in, all channels of one at a time, row by row, where x_valid and x_ready
-- are both high; done is high for a cycle when class_index is a picture's answer.
{HEAD}
entity {name} is
  port (
    {_ports(network, found, debug=False)}
  );
end entity;

architecture rtl of {name} is
begin
  core : entity work.{name}_core
    port map (
      {listed(mapped)}
    );
end architecture;
"""
