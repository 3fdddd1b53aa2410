"""How pixels flow through a stream's graph: who reads whom, and how many must wait where.

Where branches meet, the faster one's pixels wait in a FIFO. It is as deep as the slower branch
needs the fork's pixels ahead, so that a full FIFO never stops what the other branch waits for.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.ir import Add, Concat, Network, Reshape, Window
from fpga_export.core.vhdl.stream import Stage

# Pixels that a stage may have under way; so many more may wait for each stage of a branch.
UNDER_WAY: Final = 4
Counts: TypeAlias = NDArray[np.int64]


def readers(found: Sequence[Stage], name: str) -> list[tuple[Stage, int]]:
    """(stage, which of its inputs) of all that read a node."""
    return [
        (stage, place)
        for stage in found
        for place, source in enumerate(stage.sources)
        if source.name == name
    ]


def joins(stage: Stage) -> bool:
    """Whether its inputs wait for each other."""
    return isinstance(stage.work, (Add, Concat)) and len(stage.sources) > 1


def needed(stage: Stage) -> Counts:
    """How many pixels of its input must have come for each pixel of its output."""
    height, width, _ = stage.node.shape
    outputs = np.arange(1, height * width + 1)
    if stage.window is None:
        if isinstance(stage.work, Reshape):
            return -(-outputs * stage.node.shape[2] // stage.source.shape[2])
        return outputs
    return np.asarray(np.maximum.accumulate(taps(stage).max(axis=1)), np.int64)


def taps(stage: Stage) -> Counts:
    """(pixels of the output, taps of the window): how many pixels must have come for each tap.

    Padding waits for the first one.
    """
    assert stage.window is not None
    window, (high, wide, _) = stage.window, stage.source.shape
    height, width, _ = stage.node.shape
    rows = _covered(height, window, 0, window.padding[0], high)[:, None, :, None]
    columns = _covered(width, window, 1, window.padding[2], wide)[None, :, None, :]
    counts = np.where((rows < 0) | (columns < 0), 1, rows * wide + columns + 1)
    return np.asarray(counts.reshape(height * width, -1), np.int64)


def _covered(count: int, window: Window, axis: int, before: int, extent: int) -> Counts:
    """The row (axis 0) or column of each tap at each step of a window; -1 outside."""
    starts = np.arange(count) * window.stride[axis] - before
    places = starts[:, None] + np.arange(window.kernel[axis]) * window.dilation[axis]
    return np.where((places >= 0) & (places < extent), places, -1)


def fifo_depths(network: Network, found: Sequence[Stage]) -> dict[tuple[str, int], int]:
    """Pixels that can wait before each input of a stage that joins branches."""
    by_name = {stage.node.name: stage for stage in found}
    forks = [node for node in network.nodes if len(readers(found, node.name)) > 1]
    depths = {
        (stage.node.name, place): 2
        for stage in found
        if joins(stage)
        for place in range(len(stage.sources))
    }
    for fork in forks:
        ahead, far = _ahead(fork.name, network, by_name)
        for name, place in depths:
            inputs = [source.name for source in by_name[name].sources]
            if inputs[place] not in ahead:
                continue
            mine = ahead[inputs[place]]
            for other, theirs in enumerate(inputs):
                if other != place and theirs in ahead:
                    made = np.searchsorted(mine, ahead[theirs], side="right")
                    waiting = int((made - np.arange(len(made))).max())
                    depth = waiting + UNDER_WAY * max(1, far[theirs])
                    depths[name, place] = max(depths[name, place], depth)
    return depths


def _ahead(
    fork: str, network: Network, by_name: dict[str, Stage]
) -> tuple[dict[str, Counts], dict[str, int]]:
    """How many of the fork's pixels each node behind it needs for each of its own, and how many
    stages away it is."""
    height, width, _ = network.node(fork).shape
    ahead = {fork: np.arange(1, height * width + 1)}
    far = {fork: 0}
    for node in network.nodes[1:]:
        known = [name for name in node.inputs if name in ahead]
        if known:
            counts = needed(by_name[node.name]) - 1
            ahead[node.name] = np.max([ahead[name][counts] for name in known], axis=0)
            far[node.name] = 1 + max(far[name] for name in known)
    return ahead, far
