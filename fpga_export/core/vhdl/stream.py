"""The preset stream: every node at work at once, on the pixels that the ones before it give.

A node keeps a few rows of its input, and works on the next picture while others are at this one.
Where branches meet again, pixels of the faster one wait in a FIFO.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from fpga_export.core.ir import (
    Add,
    AveragePool,
    Codes,
    Concat,
    Conv,
    Depthwise,
    Format,
    MaxPool,
    Network,
    Node,
    Pad,
    Reshape,
    Rounding,
    Window,
)
from fpga_export.core.vhdl.packing import (
    Memory,
    bias_memory,
    full_weights,
    pack,
    per_channel,
    signed_bits,
)

STREAM_LIBRARY: Final = (
    "nn_pkg.vhd",
    "ns_fifo.vhd",
    "ns_walk.vhd",
    "ns_mac.vhd",
    "ns_pool.vhd",
    "ns_add.vhd",
    "ns_concat.vhd",
    "ns_reshape.vhd",
    "ns_argmax.vhd",
)
ENDING: Final = 8
MOST_CHANNELS: Final = 16  # input channels that a convolution takes in a cycle
WIDEST: Final = 16_384  # bits of a pixel

Walking: TypeAlias = Conv | Depthwise | MaxPool | AveragePool
Work: TypeAlias = Walking | Add | Concat | Reshape


class NotForStream(Exception):
    """A layer that no stream takes, though a compact core does. `code` and `facts` say why."""

    def __init__(self, code: str, layer: str, **facts: object) -> None:
        self.code = f"stream_{code}"
        self.facts = {"layer": layer, **facts}
        super().__init__(f"{layer}: {code} {facts}")


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A node with the share of its channels that it takes in a cycle."""

    node: Node
    sources: tuple[Node, ...]
    work: Work
    lanes: int  # output channels a cycle
    channels: int  # input channels a cycle

    @property
    def source(self) -> Node:
        """The first input; of most the only one."""
        return self.sources[0]

    @property
    def window(self) -> Window | None:
        """What walks over the input's rows, if anything does."""
        return None if isinstance(self.work, (Add, Concat, Reshape)) else self.work.window

    @property
    def each(self) -> int:
        """Cycles that a pixel of the output takes; of a reshape, one of the input."""
        if self.window is None:
            return self.source.shape[2] // self.share if isinstance(self.work, Reshape) else 1
        taps = math.prod(self.window.kernel)
        if not isinstance(self.work, Conv):
            return taps
        chunks = -(-self.source.shape[2] // self.channels)
        return taps * chunks * -(-self.node.shape[2] // self.lanes)

    @property
    def share(self) -> int:
        """Channels that a reshape moves in a cycle."""
        return math.gcd(self.source.shape[2], self.node.shape[2])

    @property
    def steps(self) -> int:
        """Cycles that a picture takes where nothing makes it wait."""
        paced = self.source if isinstance(self.work, Reshape) else self.node
        return math.prod(paced.shape[:2]) * self.each

    @property
    def multipliers(self) -> int:
        """Products a cycle."""
        if isinstance(self.work, Conv):
            return self.lanes * self.channels
        return self.source.shape[2] if isinstance(self.work, (Depthwise, AveragePool)) else 0

    @property
    def rows(self) -> int:
        """Rows of the input that it keeps."""
        window = self.window
        if window is None:
            return 0
        return (window.kernel[0] - 1) * window.dilation[0] + 1 + 2 * window.stride[0]


def stages(network: Network, *, lanes: int) -> tuple[Stage, ...]:
    """A stage a node, none faster than the slowest needs. Raises `NotForStream`."""
    found = []
    by_name = {node.name: node for node in network.nodes}
    for node in network.nodes:
        bits = node.shape[2] * node.format.bits
        if bits > WIDEST:
            raise NotForStream("too_wide", node.layers[-1], bits=bits, most=WIDEST)
    for node in network.nodes[1:]:
        sources = tuple(by_name[name] for name in node.inputs)
        own, most = min(lanes, node.shape[2]), min(MOST_CHANNELS, sources[0].shape[2])
        found.append(Stage(node, sources, _work(node, sources[0]), own, most))
    slowest = max(math.prod(network.nodes[0].shape[:2]), *(stage.steps for stage in found), 1)
    return tuple(_folded(stage, slowest) for stage in found)


def _work(node: Node, source: Node) -> Work:
    operation = node.operation
    if isinstance(operation, (Conv, MaxPool, AveragePool, Add, Concat, Reshape)):
        return operation
    if isinstance(operation, Depthwise):
        return operation if per_channel(operation) else _filled(operation)
    if isinstance(operation, Pad):
        return _framed(operation, node, source)
    raise TypeError(f"no stage for {operation!r}")


def _filled(operation: Depthwise) -> Conv:
    """A depthwise convolution with several outputs a channel, as one with zeros in it."""
    return Conv(
        operation.window,
        full_weights(operation),
        operation.bias,
        operation.weight_format,
        operation.sum_bits,
        operation.rounding,
    )


def _framed(operation: Pad, node: Node, source: Node) -> Depthwise:
    """Each code times one, with zeros around."""
    channels = source.shape[2]
    return Depthwise(
        Window((1, 1), padding=operation.padding),
        np.ones((1, 1, channels, 1), np.int64),
        np.zeros(channels, np.int64),
        Format(2, 0),
        source.format.bits + 2,
        Rounding(0, node.format.low, node.format.high),
    )


def _folded(stage: Stage, slowest: int) -> Stage:
    """The stage with the fewest multipliers that are fast enough."""
    if not isinstance(stage.work, Conv):
        return replace(stage, lanes=stage.node.shape[2], channels=1)
    choices = [
        replace(stage, lanes=lanes, channels=channels)
        for lanes in range(1, stage.lanes + 1)
        for channels in range(1, stage.channels + 1)
    ]
    # One that needs the whole picture for its only pixel takes no other one while it ends.
    limit = slowest if math.prod(stage.node.shape[:2]) > 1 else slowest // ENDING
    enough = [one for one in choices if one.steps <= limit] or [stage]
    return min(enough, key=lambda one: (one.multipliers, one.steps))


def weights_of(stage: Stage) -> Memory:
    """In the order of `ns_walk`'s steps; of a word the first output's channels come first."""
    assert isinstance(stage.work, (Conv, Depthwise))
    bits = stage.work.weight_format.bits
    if isinstance(stage.work, Depthwise):
        rows = stage.work.weights[:, :, :, 0].reshape(-1, stage.source.shape[2])
        return Memory(tuple(pack(rows, bits=bits, pack=rows.shape[1])), bits * rows.shape[1])
    high, wide, inputs, outputs = stage.work.weights.shape
    chunks, groups = -(-inputs // stage.channels), -(-outputs // stage.lanes)
    full = np.zeros((high, wide, chunks * stage.channels, groups * stage.lanes), np.int64)
    full[:, :, :inputs, :outputs] = stage.work.weights
    split = full.reshape(high, wide, chunks, stage.channels, groups, stage.lanes)
    width = stage.lanes * stage.channels
    rows = split.transpose(4, 0, 1, 2, 5, 3).reshape(-1, width)
    return Memory(tuple(pack(rows, bits=bits, pack=width)), bits * width)


def biases_of(stage: Stage) -> Memory:
    """A word a group of output channels."""
    assert isinstance(stage.work, (Conv, Depthwise))
    return bias_memory(stage.work, stage.lanes)


def pixels(codes: Codes, bits: int) -> list[int]:
    """A tensor as the stream carries it: a word a pixel, the first channel at the right end."""
    return pack(codes.reshape(-1, codes.shape[2]), bits=bits, pack=codes.shape[2])


def sizes_of(stage: Stage) -> tuple[tuple[int, int], tuple[int, int]]:
    """(words, bits of a word) of its weights and of its biases."""
    assert isinstance(stage.work, (Conv, Depthwise))
    bias = signed_bits(int(stage.work.bias.min()), int(stage.work.bias.max()))
    groups = -(-stage.work.bias.size // stage.lanes)
    width = stage.multipliers * stage.work.weight_format.bits
    return (stage.each, width), (groups, bias * stage.lanes)


def interval(found: Sequence[Stage]) -> int:
    """Cycles a picture where all stages are at work: those of the slowest."""
    return max(stage.steps for stage in found)


def weighted(stage: Stage) -> bool:
    """Whether it has weights and biases."""
    return isinstance(stage.work, (Conv, Depthwise))
