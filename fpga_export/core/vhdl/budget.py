"""How much of a core GHDL can simulate in a given time: pictures, and through which node."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fpga_export.core.ir import AveragePool, Conv, Depthwise, Network, Node
from fpga_export.core.vhdl.cycles import macs, predict
from fpga_export.core.vhdl.packing import pack_of
from fpga_export.core.vhdl.stream import Stage, stages
from fpga_export.core.vhdl.stream_timing import Timing, timing

# Microseconds of one core a cycle, of GHDL 2.0 (mcode) on a machine of 2022: measured on networks
# of 1 to 32 engines, 1 to 16 lanes, 8 and 16 bits.
CYCLE: Final = 3.0
LANE: Final = 2.0
WIDE_LANE: Final = 8.0  # sums of more than 31 bits
IDLE: Final = 0.45  # each engine sees the clock, at work or not
# The same of a stream: of a product, and of a step of any stage.
PRODUCT: Final = 1.7
WIDE_PRODUCT: Final = 5.0
STEP: Final = 6.0
SHARE: Final = 0.5  # of the limit that is planned for: machines differ
LARGE: Final = 5_000_000  # multiplications, beyond which one picture is enough
MOST_PICTURES: Final = 3
MOST_STREAMED: Final = 2  # the second one while the first is still at work


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate."""

    pictures: int
    through: str | None  # None: everything; else the last node that there is time for
    seconds: float  # expected


def plan(network: Network, *, lanes: int, cpu_seconds: float = 60.0) -> Plan:
    """As many pictures, and as many nodes, as there is time for; at least the first node."""
    limit = cpu_seconds * SHARE
    costs = list(_costs(network, lanes))
    each = sum(costs)
    if each > limit:
        spent, through = 0.0, network.nodes[1].name
        for node, cost in zip(network.nodes[1:], costs, strict=True):
            if spent + cost > limit:
                break
            spent, through = spent + cost, node.name
        return Plan(1, through, max(spent, costs[0]))
    large = sum(macs(node) for node in network.nodes) > LARGE
    pictures = 1 if large else max(1, min(MOST_PICTURES, int(limit / max(each, 1e-9))))
    return Plan(pictures, None, pictures * each)


def plan_stream(network: Network, *, lanes: int, cpu_seconds: float = 60.0) -> Plan:
    """The same of a stream, whose stages all work at once. Raises `NotForStream`."""
    limit = cpu_seconds * SHARE
    found = stages(network, lanes=lanes)
    costs = {stage.node.name: _streamed(stage) for stage in found}
    each = sum(costs.values())
    if each <= limit:
        large = sum(macs(node) for node in network.nodes) > LARGE
        pictures = 1 if large else max(1, min(MOST_STREAMED, int(limit / max(each, 1e-9))))
        return Plan(pictures, None, pictures * each)
    when = timing(network, found, pictures=1)
    spent, through, reached = 0.0, found[0].node.name, 0
    for name in costs:
        if not when.ends[name]:
            break
        reached = max(reached, when.ends[name][0])
        cost = sum(one * _share(when, other, reached) for other, one in costs.items())
        if cost > limit:
            break
        spent, through = cost, name
    return Plan(1, through, spent or costs[through])


def _streamed(stage: Stage) -> float:
    """Seconds that a stage takes for a picture."""
    product = WIDE_PRODUCT if _wide(stage.node) else PRODUCT
    return stage.steps * (STEP + stage.multipliers * product) * 1e-6


def _share(when: Timing, name: str, edge: int) -> float:
    """How much of its first picture a stage has done by then."""
    if not when.ends[name]:
        return 0.5 if edge > when.begins.get(name, edge) else 0.0  # nobody knows when it ends
    begins, ends = when.begins[name], when.ends[name][0]
    if edge <= begins:
        return float(edge >= ends)
    return min(1.0, (edge - begins) / (ends - begins)) if ends > begins else 1.0


def _costs(network: Network, lanes: int) -> Iterator[float]:
    """Seconds of each node, of one picture."""
    cycles = predict(network, lanes=lanes)
    idle = IDLE * len(network.nodes)
    for node in network.nodes[1:]:
        busy = CYCLE + pack_of(node, lanes) * (WIDE_LANE if _wide(node) else LANE)
        yield cycles[node.name] * (busy + idle) * 1e-6


def _wide(node: Node) -> bool:
    operation = node.operation
    return isinstance(operation, (Conv, Depthwise, AveragePool)) and operation.sum_bits > 31
