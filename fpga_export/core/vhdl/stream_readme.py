"""A stream export's README: how to use the core, how to check it, what each layer is."""

from collections.abc import Mapping

from fpga_export.core.memories import remark
from fpga_export.core.vhdl.stream import Stage, interval
from fpga_export.core.vhdl.stream_core import StreamWiring
from fpga_export.core.vhdl.stream_timing import Timing


def stream_readme(wiring: StreamWiring, when: Timing, facts: Mapping[str, object]) -> str:
    """Markdown; what strangers named stands in code spans."""
    network, found, name = wiring.network, wiring.found, wiring.name
    source = network.nodes[0]
    height, width, channels = source.shape
    first = f"the first answer comes after {when.answers[0]} cycles, " if when.answers else ""
    rows = "".join(_row(place, stage) for place, stage in enumerate(found, start=1))
    waits = "".join(
        f"- `{node}`, input {place + 1}: {depth} pixels\n"
        for (node, place), depth in wiring.depths.items()
    )
    return f"""# {name}

{_code(network.name)} as a core in VHDL whose layers all work at once, each on the pixels of those
before it: {first}and each other one {when.each or interval(found)} cycles after
the one before it.
{facts["multipliers"]} multipliers, {facts["macs"]} multiplications a picture. Weights and biases
are in `rom/`. No vendor's parts, no vendor's tools.

## Check it

    make sim

with GHDL (`apt install ghdl make` on Debian) sends {facts["pictures"]} picture(s) and ends with
`PASS` if every pixel of every layer is the integer network's, bit for bit, and every layer made
exactly the steps of the table below and gave the last pixel of each picture at the predicted cycle.
`make sim-nvc`, `make sim-modelsim` and `make sim-xsim` do the same elsewhere. `make sim THROUGH=3`
stops when the first three layers are done with the first picture; the generic `GAPS` lets cycles
pass between pixels, and then only values and steps are compared.

`make netlist` writes Verilog with GHDL's synthesis, for tools that read no VHDL, and
`make sim-netlist` compares every value again in that, with Icarus (`apt install iverilog`).

## Use it

Synthesise `lib/*.vhd`, `rom/*.vhd`, `{name}_core.vhd` and `{name}.vhd` as VHDL-2008, in the order
of `design.json` ("core"); the top is `{name}`.

| port | direction | what |
|---|---|---|
| `clk` | in | everything happens at its rising edge |
| `x_valid`, `x_data` | in | a pixel is there |
| `x_ready` | out | it is taken, where `x_valid` is high too |
| `done` | out | high for a cycle; then `class_index` is a picture's answer, until the next `done` |
| `class_index` | out | the largest output; the lowest index where several are equal |

The picture is {height} x {width} x {channels} (rows, columns, channels). A pixel is all its
channels, a code of {source.format.bits} bits each, {source.format}: {source.format.meaning}; the
first channel is in the lowest bits, and pixels go row by row. Pictures follow each other without a
mark and without a pause. There is no reset: it starts empty.

## Layers

Formats are Qm.n, two's complement, or UQm.n, never negative, n bits after the point. A sum has as
many bits as any picture can need, so none overflows; it is rounded half up and clipped into the
output's format. A layer keeps the rows of its input that its window needs and two strides more.

| stage | layer | kind | output | format | cycles a picture | multipliers | rows kept |
|---|---|---|---|---|---|---|---|
{rows}
{"Where branches meet, pixels wait:" if waits else ""}

{waits}"""


def _row(place: int, stage: Stage) -> str:
    node = stage.node
    layers = ", ".join(_code(one) for one in node.layers)
    return (
        f"| {place} | {layers} | {type(node.operation).__name__} "
        f"| {' x '.join(map(str, node.shape))} | {node.format} "
        f"| {stage.steps} | {stage.multipliers} | {stage.rows} |\n"
    )


def _code(text: str) -> str:
    return f"`{remark(text).replace('`', '').replace('|', '')}`"
