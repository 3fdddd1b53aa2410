"""How tensors, weights and biases lie in the words of a memory.

A word holds the first channels of a pixel, `pack` of them, the first at the right end; the next
word the next ones. Where the channels run out the word is filled up with zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fpga_export.core.ir import Codes, Conv, Depthwise, Node, Shape


@dataclass(frozen=True, slots=True)
class Memory:
    """Words of one width."""

    words: tuple[int, ...]
    width: int  # bits


def pack_of(node: Node, lanes: int) -> int:
    """Channels in a word of the node's tensor."""
    return min(lanes, node.shape[2])


def words_of(shape: Shape, lanes: int) -> int:
    """Words that a tensor takes."""
    height, width, channels = shape
    return height * width * -(-channels // min(lanes, channels))


def address_bits(words: int) -> int:
    """Bits of an address, for a memory of at least two words."""
    return max(1, (max(words, 2) - 1).bit_length())


def signed_bits(low: int, high: int) -> int:
    """Bits of the narrowest two's complement number for both."""
    return max(2, (high if high > 0 else 0).bit_length() + 1, (-low - 1).bit_length() + 1)


def pack(rows: Codes, *, bits: int, pack: int) -> list[int]:
    """(n, channels) codes to words, row by row."""
    count, channels = rows.shape
    groups = -(-channels // pack)
    filled = np.zeros((count, groups * pack), np.int64)
    filled[:, :channels] = rows
    masked = (filled & ((1 << bits) - 1)).reshape(-1, pack)
    return [_joined(word, bits) for word in masked.tolist()]


def _joined(codes: Sequence[int], bits: int) -> int:
    word = 0
    for code in reversed(codes):
        word = (word << bits) | code
    return word


def tensor_words(codes: Codes, *, bits: int, lanes: int) -> list[int]:
    """A tensor (H, W, C) as its memory holds it."""
    channels = codes.shape[2]
    return pack(codes.reshape(-1, channels), bits=bits, pack=min(lanes, channels))


def full_weights(operation: Conv | Depthwise) -> Codes:
    """(KH, KW, in, out); a depthwise kernel becomes one with zeros between channels."""
    if isinstance(operation, Conv):
        return operation.weights
    height, width, channels, multiplier = operation.weights.shape
    full = np.zeros((height, width, channels, channels * multiplier), np.int64)
    for channel in range(channels):
        start = channel * multiplier
        full[:, :, channel, start : start + multiplier] = operation.weights[:, :, channel]
    return full


def per_channel(operation: Conv | Depthwise) -> bool:
    """Whether each output channel reads its own input channel alone, in the same lane."""
    return isinstance(operation, Depthwise) and operation.weights.shape[3] == 1


def weight_memory(operation: Conv | Depthwise, lanes: int) -> Memory:
    """Weights in the order in which `nn_walk` asks for them, `lanes` output channels a word."""
    bits = operation.weight_format.bits
    alone = per_channel(operation)
    taps = operation.weights[:, :, :, 0] if alone else full_weights(operation)
    outputs = taps.shape[-1]
    groups = -(-outputs // lanes)
    filled = np.zeros((*taps.shape[:-1], groups * lanes), np.int64)
    filled[..., :outputs] = taps
    rows = filled.reshape(-1, groups, lanes).transpose(1, 0, 2).reshape(-1, lanes)
    return Memory(tuple(pack(rows, bits=bits, pack=lanes)), bits * lanes)


def bias_memory(operation: Conv | Depthwise, lanes: int) -> Memory:
    """Biases, `lanes` output channels a word."""
    bits = signed_bits(int(operation.bias.min()), int(operation.bias.max()))
    return Memory(tuple(pack(operation.bias[None], bits=bits, pack=lanes)), bits * lanes)
