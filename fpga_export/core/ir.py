"""The integer network: one description, read by the interpreter, the VHDL writer and the report.

Arithmetic. A tensor holds codes, two's complement numbers or, where no value is ever negative,
plain binary ones; value = code * 2**-fraction / divisor.
Every tensor has the shape (height, width, channels); a vector is (1, 1, n). Codes are stored row by
row, pixel by pixel, channel by channel, so that flattening moves nothing.

An operation computes exactly, in integers as wide as it takes, and only its `Rounding` makes codes
of its result: `clip((a + 2**(shift - 1)) >> shift, low, high)`, an arithmetic shift that rounds
halves up; `shift` 0 is `clip(a, low, high)` and a negative one shifts left. A leak comes before it:
where `a` is negative it becomes `a * factor`, elsewhere `a << bits`, and `shift` counts those bits.

Padding lies outside of the input's edges: zeros for a product or a sum, nothing for a maximum, and
an average divides by the cells that are inside.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

SCHEMA: Final = 2

Codes: TypeAlias = NDArray[np.int64]
Shape: TypeAlias = tuple[int, int, int]  # height, width, channels
Pair: TypeAlias = tuple[int, int]  # vertical, horizontal
Sides: TypeAlias = tuple[int, int, int, int]  # top, bottom, left, right


@dataclass(frozen=True, slots=True)
class Format:
    """Fixed point; value = code * 2**-fraction / divisor."""

    bits: int  # 2 to 16 for what is stored, the sign included
    fraction: int  # may be negative, and may exceed `bits`
    signed: bool = True
    divisor: int = 1  # 255 for a picture's own bytes; the weights that read them have it in

    @property
    def low(self) -> int:
        """The smallest code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The largest code."""
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    @property
    def scale(self) -> float:
        """Codes a unit."""
        return 2.0**self.fraction * self.divisor

    @property
    def meaning(self) -> str:
        """What a code stands for, in words of arithmetic."""
        over = f" / {self.divisor}" if self.divisor != 1 else ""
        return f"value = code * 2**{-self.fraction}{over}"

    def wrapped(self, patterns: Codes) -> Codes:
        """The codes that patterns of `bits` bits are."""
        sign = 1 << (self.bits - 1) if self.signed else 0
        return np.asarray((patterns ^ sign) - sign)

    def __str__(self) -> str:
        over = f"/{self.divisor}" if self.divisor != 1 else ""
        kind = "Q" if self.signed else "UQ"
        return f"{kind}{self.bits - self.fraction}.{self.fraction}{over}"


@dataclass(frozen=True, slots=True)
class Leak:
    """The slope of negative numbers, factor * 2**-bits."""

    factor: int  # 0 <= factor < 2**bits
    bits: int


@dataclass(frozen=True, slots=True)
class Rounding:
    """From an exact sum to a code of the output's format."""

    shift: int
    low: int  # 0 makes a ReLU
    high: int  # round(6 * 2**fraction) makes a ReLU6
    leak: Leak | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """How a kernel walks over an input."""

    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """The picture, already in codes."""


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """Sums over a window and all channels. Dense is one whose kernel covers the whole input."""

    window: Window
    weights: Codes  # (kernel height, kernel width, channels in, channels out)
    bias: Codes  # (channels out,), fraction = that of the input + that of the weights
    weight_format: Format
    sum_bits: int  # every sum that any input can cause fits, the bias included
    rounding: Rounding


@dataclass(frozen=True, slots=True, eq=False)
class Depthwise:
    """Sums over a window of one channel each; output channel c * multiplier + m is from input c."""

    window: Window
    weights: Codes  # (kernel height, kernel width, channels in, multiplier)
    bias: Codes  # (channels in * multiplier,)
    weight_format: Format
    sum_bits: int
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest code in a window; the format stays."""

    window: Window


@dataclass(frozen=True, slots=True)
class AveragePool:
    """The mean of a window: sum * multiplier, rounded."""

    window: Window
    multipliers: tuple[tuple[int, int], ...]  # (cells inside, multiplier), every count that occurs
    sum_bits: int  # of sum * multiplier
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of tensors of one shape, each shifted left first; of one alone, an activation."""

    left_shifts: tuple[int, ...]  # one an input, all >= 0
    sum_bits: int
    rounding: Rounding


@dataclass(frozen=True, slots=True)
class Concat:
    """Tensors side by side along the channels, each rounded into the output's format."""

    roundings: tuple[Rounding, ...]  # one an input, no leak


@dataclass(frozen=True, slots=True)
class Pad:
    """Zeros around a picture, where no convolution could take them as its padding."""

    padding: Sides


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same codes in the same order under another shape."""


Operation: TypeAlias = (
    Source | Conv | Depthwise | MaxPool | AveragePool | Add | Concat | Pad | Reshape
)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation and the tensor that it makes."""

    name: str  # a VHDL identifier in lower case, unique in the network
    layers: tuple[str, ...]  # the Keras layers that it does the work of, the last one's name last
    inputs: tuple[str, ...]  # names of earlier nodes
    shape: Shape
    format: Format
    operation: Operation


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Nodes in an order in which each comes after its inputs; the first is the source."""

    name: str
    nodes: tuple[Node, ...]
    answer: str  # the node whose largest code is the class; the lowest index wins a tie
    schema: int = SCHEMA

    def node(self, name: str) -> Node:
        """The node of that name. Raises `KeyError`."""
        return {node.name: node for node in self.nodes}[name]
