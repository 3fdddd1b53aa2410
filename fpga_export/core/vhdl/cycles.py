"""How many clock cycles the compact core takes: not an estimate, the test bench insists on it."""

import math
from typing import Final

from fpga_export.core.ir import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Depthwise,
    MaxPool,
    Network,
    Node,
    Pad,
    Reshape,
)
from fpga_export.core.vhdl.packing import pack_of, per_channel, words_of

# From the last step of an engine to the first of the next: read, sum, round, write, done.
DRAIN: Final = 4
ARGMAX_DRAIN: Final = 2
CLASS: Final = "(class)"  # no node can be named so


def predict(network: Network, *, lanes: int) -> dict[str, int]:
    """Cycles of each node but the source, and of the search for the class under `CLASS`."""
    found = {node.name: steps(network, node, lanes) + DRAIN for node in network.nodes[1:]}
    answer = network.node(network.answer)
    return found | {CLASS: math.prod(answer.shape) + ARGMAX_DRAIN}


def steps(network: Network, node: Node, lanes: int) -> int:
    """Steps that the node's engine makes, one a cycle."""
    operation = node.operation
    height, width, channels = node.shape
    words = words_of(node.shape, lanes)
    if isinstance(operation, Conv) or (
        isinstance(operation, Depthwise) and not per_channel(operation)
    ):
        source = network.node(node.inputs[0])
        return words * math.prod(operation.window.kernel) * source.shape[2]
    if isinstance(operation, (Depthwise, MaxPool, AveragePool)):
        return words * math.prod(operation.window.kernel)
    if isinstance(operation, Add):
        return words
    if isinstance(operation, (Concat, Pad, Reshape)):
        return height * width * channels
    raise TypeError(f"no engine for {operation!r}")


def macs(node: Node) -> int:
    """Products of a weight and a code that the layer needs, whatever the core does."""
    operation = node.operation
    if isinstance(operation, Conv):
        return math.prod(node.shape) * math.prod(operation.weights.shape[:3])
    if isinstance(operation, Depthwise):
        return math.prod(node.shape) * math.prod(operation.window.kernel)
    return 0


def efficiency(network: Network, *, lanes: int) -> float:
    """The share of the multipliers' cycles, over the whole run, in which they do needed work.

    A layer has as many multipliers as it has lanes: no more than its output channels.
    """
    cycles = predict(network, lanes=lanes)
    needed = sum(macs(node) for node in network.nodes)
    offered = sum(pack_of(node, lanes) * cycles[node.name] for node in network.nodes[1:])
    return needed / (offered + cycles[CLASS]) if offered else 0.0
