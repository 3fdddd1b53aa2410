"""What a core takes: bits of memory and multipliers, from the sizes alone.

Block memories are counted as if each memory were made of one kind of block and of nothing else, in
the shape that needs the fewest; tools put small memories into logic. Sources: AMD UG473 (RAMB18,
RAMB36), Intel MNL-1051 and CV-5V2 (M9K, M10K), Lattice FPGA-TN-02002 (EBR of 4 kbit).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from fpga_export.core.ir import AveragePool, Conv, Depthwise, Network, Node
from fpga_export.core.vhdl.packing import pack_of, per_channel, signed_bits, words_of

# {kind: (words, bits of a word) of each shape that a block can have}
BLOCKS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "ramb18": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "ramb36": ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1)),
    "m9k": ((256, 36), (512, 18), (1024, 9), (2048, 4), (4096, 2), (8192, 1)),
    "m10k": ((256, 40), (512, 20), (1024, 10), (2048, 5), (4096, 2), (8192, 1)),
    "ebr": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one node, or of several together."""

    parameters: int = 0  # weights and biases
    weight_bits: int = 0  # of the weights alone, without what fills words up
    rom_bits: int = 0
    ram_bits: int = 0
    multipliers: int = 0  # one DSP block each up to 18 x 18 bits
    ramb18: int = 0
    ramb36: int = 0
    m9k: int = 0
    m10k: int = 0
    ebr: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        mine, theirs = asdict(self), asdict(other)
        return Cost(**{name: mine[name] + theirs[name] for name in mine})


def cost_of(node: Node, *, lanes: int) -> Cost:
    """What the node's engine and the memory of its tensor take, in a compact core."""
    own = pack_of(node, lanes)
    operation = node.operation
    weighted = operation if isinstance(operation, (Conv, Depthwise)) else None
    return cost_with(
        weighted,
        rams=[(words_of(node.shape, lanes), own * node.format.bits)],
        roms=_roms(weighted, own) if weighted else [],
        multipliers=own if isinstance(operation, (Conv, Depthwise, AveragePool)) else 0,
    )


def cost_with(
    operation: Conv | Depthwise | None,
    *,
    rams: Sequence[tuple[int, int]],
    roms: Sequence[tuple[int, int]],
    multipliers: int,
) -> Cost:
    """Of memories, (words, bits of a word) each, and multipliers; `operation` has the weights."""
    blocks = {
        kind: sum(blocks_of(depth, width, kind) for depth, width in (*rams, *roms))
        for kind in BLOCKS
    }
    return Cost(
        parameters=int(operation.weights.size + operation.bias.size) if operation else 0,
        weight_bits=int(operation.weights.size) * operation.weight_format.bits if operation else 0,
        rom_bits=sum(max(depth, 2) * width for depth, width in roms),
        ram_bits=sum(max(depth, 2) * width for depth, width in rams),
        multipliers=multipliers,
        **blocks,
    )


def costs(network: Network, *, lanes: int) -> dict[str, Cost]:
    """The cost of every node."""
    return {node.name: cost_of(node, lanes=lanes) for node in network.nodes}


def _roms(operation: Conv | Depthwise, own: int) -> list[tuple[int, int]]:
    """(words, bits of a word) of weights and biases, as `packing` lays them out."""
    taps = math.prod(operation.window.kernel)
    if not per_channel(operation):
        taps *= operation.weights.shape[2]
    groups = -(-operation.bias.size // own)
    bias = signed_bits(int(operation.bias.min()), int(operation.bias.max()))
    return [(taps * groups, operation.weight_format.bits * own), (groups, bias * own)]


def blocks_of(depth: int, width: int, kind: str) -> int:
    """Blocks of one kind for a memory of that many words of that many bits."""
    return min(-(-width // bits) * -(-depth // words) for words, bits in BLOCKS[kind])
