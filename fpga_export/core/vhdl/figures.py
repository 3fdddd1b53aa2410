"""Cycles and sizes of a core, whichever preset it is of: what report and page tell."""

from dataclasses import dataclass
from typing import Final

from fpga_export.core.costs import Cost, cost_with, costs
from fpga_export.core.ir import Conv, Depthwise, Network
from fpga_export.core.vhdl.cycles import efficiency, macs, predict
from fpga_export.core.vhdl.packing import pack_of
from fpga_export.core.vhdl.stream import Stage, interval, sizes_of, stages
from fpga_export.core.vhdl.stream_flow import fifo_depths
from fpga_export.core.vhdl.stream_timing import timing

PRESETS: Final = ("compact", "stream")
PICTURES: Final = 3  # that a stream is timed with: the third no longer knows of the start


@dataclass(frozen=True, slots=True)
class Figures:
    """What is predicted of a core; the simulation insists on the cycles."""

    preset: str
    cycles: dict[str, int]  # of each node but the source, at work on a picture
    multipliers: dict[str, int]  # of each node but the source
    costs: dict[str, Cost]
    first: int | None  # cycles from a picture's start to its answer; None: too many to predict
    each: int  # cycles from one answer to the next
    efficiency: float  # share of the multipliers' cycles in which they do needed work


def figures(network: Network, *, preset: str, lanes: int) -> Figures:
    """Of the network as a core. Raises `NotForStream`."""
    if preset == "stream":
        return _of_stream(network, stages(network, lanes=lanes))
    cycles = predict(network, lanes=lanes)
    total = sum(cycles.values())
    return Figures(
        preset=preset,
        cycles=cycles,
        multipliers={node.name: pack_of(node, lanes) for node in network.nodes[1:]},
        costs=costs(network, lanes=lanes),
        first=total,
        each=total,
        efficiency=efficiency(network, lanes=lanes),
    )


def _of_stream(network: Network, found: tuple[Stage, ...]) -> Figures:
    when = timing(network, found, pictures=PICTURES)
    each = when.each or interval(found)
    offered = sum(stage.multipliers for stage in found) * each
    needed = sum(macs(node) for node in network.nodes)
    depths = fifo_depths(network, found)
    taken = {network.nodes[0].name: Cost()}
    for stage in found:
        waiting = [
            (depth, source.shape[2] * source.format.bits)
            for place, source in enumerate(stage.sources)
            if (depth := depths.get((stage.node.name, place)))
        ]
        taken[stage.node.name] = _cost(stage, waiting)
    return Figures(
        preset="stream",
        cycles={stage.node.name: stage.steps for stage in found},
        multipliers={stage.node.name: stage.multipliers for stage in found},
        costs=taken,
        first=when.answers[0] if when.answers else None,
        each=each,
        efficiency=needed / offered if offered else 0.0,
    )


def _cost(stage: Stage, waiting: list[tuple[int, int]]) -> Cost:
    """Of a stage with the FIFOs before it: (pixels, bits of one) each."""
    source = stage.source
    if stage.window is not None:
        waiting = [(stage.rows * source.shape[1], source.shape[2] * source.format.bits)]
    work = stage.work if isinstance(stage.work, (Conv, Depthwise)) else None
    return cost_with(
        work,
        rams=waiting,
        roms=sizes_of(stage) if work else [],
        multipliers=stage.multipliers,
    )
