"""The export's README: how to use the core, how to check it, what each layer is."""

from collections.abc import Mapping

from fpga_export.core.ir import Conv, Depthwise
from fpga_export.core.memories import remark
from fpga_export.core.vhdl.cycles import DRAIN, steps
from fpga_export.core.vhdl.packing import pack_of, words_of
from fpga_export.core.vhdl.wiring import Wiring


def readme(wiring: Wiring, facts: Mapping[str, object]) -> str:
    """Markdown; what strangers named stands in code spans."""
    network, lanes, name = wiring.network, wiring.lanes, wiring.name
    source = network.nodes[0]
    pack = pack_of(source, lanes)
    rows = "".join(_row(wiring, position) for position in range(1, len(network.nodes)))
    height, width, channels = source.shape
    return f"""# {name}

{_code(network.name)} as a core in VHDL: {lanes} lane(s), {facts["cycles"]} cycles a picture from
`start` to `done`, {facts["macs"]} multiplications. Layer after layer, each with its own engine and
memory; weights and biases are in `rom/`. No vendor's parts, no vendor's tools.

## Check it

    make sim

with GHDL (`apt install ghdl make` on Debian) simulates {facts["pictures"]} picture(s) and ends
with `PASS` if every value of every layer is the integer network's, bit for bit, and every layer
takes exactly the cycles of the table below. `make sim-nvc`, `make sim-modelsim` and
`make sim-xsim` do the same elsewhere. `make sim THROUGH=3` stops after the third engine, with the
first picture: for networks that take long.

`make netlist` writes Verilog with GHDL's synthesis, for tools that read no VHDL, and
`make sim-netlist` compares every value again in that, with Icarus (`apt install iverilog`).

## Use it

Synthesise `lib/*.vhd`, `rom/*.vhd`, `{name}_core.vhd` and `{name}.vhd` as VHDL-2008, in the order
of `design.json` ("core"); the top is `{name}`. `network.json` is the same network for programs:
every node with its integers, formats and roundings.

| port | direction | what |
|---|---|---|
| `clk` | in | everything happens at its rising edge |
| `x_we`, `x_wa`, `x_wd` | in | write the picture's words, {words_of(source.shape, lanes)} of them |
| `start` | in | high for a cycle, when the picture is written |
| `done` | out | high for a cycle; then `class_index` is the answer, until the next `done` |
| `class_index` | out | the largest output; the lowest index where several are equal |

The picture is {height} x {width} x {channels} (rows, columns, channels), a code of
{source.format.bits} bits each, {source.format}: {source.format.meaning}. A word
holds {pack} channel(s) of a pixel, the first in the lowest bits; the words go channel group by
channel group, pixel by pixel, row by row. There is no reset: `start` sets every engine back.

## Layers

Formats are Qm.n, two's complement, or UQm.n, never negative, n bits after the point. A sum has as
many bits as any picture can need, so none overflows; it is rounded half up and clipped into the
output's format.

| engine | layer | kind | output | format | weights | sum bits | cycles |
|---|---|---|---|---|---|---|---|
{rows}| {len(network.nodes)} | | class | 1 | | | | {facts["class_cycles"]} |
"""


def _row(wiring: Wiring, position: int) -> str:
    node = wiring.network.nodes[position]
    operation = node.operation
    weights = str(operation.weight_format) if isinstance(operation, (Conv, Depthwise)) else ""
    bits = getattr(operation, "sum_bits", "")
    layers = ", ".join(_code(one) for one in node.layers)
    shape = " x ".join(map(str, node.shape))
    cycles = steps(wiring.network, node, wiring.lanes) + DRAIN
    return (
        f"| {position} | {layers} | {type(operation).__name__} | {shape} | {node.format} "
        f"| {weights} | {bits} | {cycles} |\n"
    )


def _code(text: str) -> str:
    return f"`{remark(text).replace('`', '').replace('|', '')}`"
