"""The preset stream: every node at work at once, on the pixels that the one before it gives.

A node keeps a few rows of its input, and works on the next picture while others are at this one.
Chains alone: a network that joins branches has no such core yet.
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
    Conv,
    Depthwise,
    Format,
    MaxPool,
    Network,
    Node,
    Pad,
    Rounding,
    Window,
)
from fpga_export.core.passes import NotForHardware
from fpga_export.core.vhdl.packing import Memory, bias_memory, full_weights, pack, per_channel

STREAM_LIBRARY: Final = (
    "nn_pkg.vhd",
    "ns_walk.vhd",
    "ns_mac.vhd",
    "ns_pool.vhd",
    "ns_argmax.vhd",
)
ENDING: Final = 8
MOST_CHANNELS: Final = 16  # input channels that a convolution takes in a cycle

Work: TypeAlias = Conv | Depthwise | MaxPool | AveragePool


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A node with the share of its channels that it takes in a cycle."""

    node: Node
    source: Node
    work: Work
    lanes: int  # output channels a cycle
    channels: int  # input channels a cycle

    @property
    def steps(self) -> int:
        """Cycles that a picture takes where nothing makes it wait."""
        height, width, depth = self.node.shape
        taps = math.prod(self.work.window.kernel)
        if not isinstance(self.work, Conv):
            return height * width * taps
        groups = -(-depth // self.lanes)
        return height * width * taps * groups * -(-self.source.shape[2] // self.channels)

    @property
    def multipliers(self) -> int:
        """Products a cycle."""
        if isinstance(self.work, Conv):
            return self.lanes * self.channels
        return self.source.shape[2] if isinstance(self.work, Depthwise) else 0

    @property
    def rows(self) -> int:
        """Rows of the input that it keeps."""
        window = self.work.window
        return (window.kernel[0] - 1) * window.dilation[0] + 1 + 2 * window.stride[0]


def stages(network: Network, *, lanes: int) -> tuple[Stage, ...]:
    """A stage a node, none faster than the slowest needs. Raises `NotForHardware`."""
    found = []
    for before, node in zip(network.nodes, network.nodes[1:], strict=False):
        if node.inputs != (before.name,):
            raise NotForHardware(node.layers[-1], "a stream has no branches yet")
        work = _work(node, before)
        found.append(
            Stage(
                node, before, work, min(lanes, node.shape[2]), min(MOST_CHANNELS, before.shape[2])
            )
        )
    if network.answer != network.nodes[-1].name or not found:
        raise NotForHardware(network.nodes[-1].layers[-1], "a stream ends with its answer")
    slowest = max(math.prod(network.nodes[0].shape[:2]), *(stage.steps for stage in found))
    return tuple(_folded(stage, slowest) for stage in found)


def _work(node: Node, source: Node) -> Work:
    operation, shape = node.operation, source.shape
    if isinstance(operation, (Conv, MaxPool, AveragePool)):
        return operation
    if isinstance(operation, Depthwise):
        if per_channel(operation):
            return operation
        weights = full_weights(operation)
        return Conv(
            operation.window,
            weights,
            operation.bias,
            operation.weight_format,
            operation.sum_bits,
            operation.rounding,
        )
    if isinstance(operation, Pad):
        kept = Rounding(0, node.format.low, node.format.high)
        window = Window((1, 1), padding=operation.padding)
        return _scaled(shape[2], window, 0, source.format.bits + 2, kept)
    if isinstance(operation, Add) and len(operation.left_shifts) == 1:
        shift = operation.left_shifts[0]
        if shift <= 14:
            bits = max(operation.sum_bits, source.format.bits + shift) + 1
            return _scaled(shape[2], Window((1, 1)), shift, bits, operation.rounding)
    kind = type(operation).__name__
    raise NotForHardware(node.layers[-1], f"a stream has no {kind} yet")


def _scaled(channels: int, window: Window, shift: int, bits: int, rounding: Rounding) -> Depthwise:
    """Each code times a power of two."""
    weights = np.full((1, 1, channels, 1), 1 << shift, np.int64)
    bias = np.zeros(channels, np.int64)
    return Depthwise(window, weights, bias, Format(shift + 2, 0), bits, rounding)


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


def interval(found: Sequence[Stage]) -> int:
    """Cycles a picture where all stages are at work: those of the slowest."""
    return max(stage.steps for stage in found)
