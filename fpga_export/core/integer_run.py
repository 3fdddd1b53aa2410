"""What the integer network answers: the golden model that hardware must equal, code for code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

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
    Shape,
    Source,
    Window,
)

Number = TypeVar("Number", bound=np.generic)
LOWEST: Final = np.iinfo(np.int64).min
# Products of codes up to this wide, summed in float64, are exact: BLAS multiplies no integers.
EXACT_BITS: Final = 53


@dataclass(frozen=True, slots=True)
class Saturation:
    """How many codes of a tensor were clipped at the ends of its format."""

    clipped: int
    codes: int


def to_codes(picture: NDArray[np.floating], form: Format) -> Codes:
    """The nearest codes of `picture` (any shape), halves up, clipped at both ends."""
    scaled = np.floor(np.asarray(picture, np.float64) * form.scale + 0.5)
    return np.clip(scaled, form.low, form.high).astype(np.int64)


def to_values(codes: Codes, form: Format) -> NDArray[np.float64]:
    """What the codes stand for."""
    return np.asarray(codes / form.scale, np.float64)


def rounded(sums: Codes, rounding: Rounding) -> Codes:
    """`sums` (any shape) after leak, shift and clip."""
    return np.clip(shifted(sums, rounding), rounding.low, rounding.high)


def shifted(sums: Codes, rounding: Rounding) -> Codes:
    """`sums` (any shape) after leak and shift, before the clip."""
    if rounding.leak:
        sloped = sums * rounding.leak.factor
        sums = np.where(sums < 0, sloped, sums << rounding.leak.bits)
    if rounding.shift <= 0:
        return np.asarray(sums << -rounding.shift)
    return np.asarray((sums + (1 << (rounding.shift - 1))) >> rounding.shift)


def run_integer(network: Network, codes: Codes) -> dict[str, Codes]:
    """The codes of every node for a picture (H, W, C), or for several (N, H, W, C).

    Raises `ValueError` for another shape and for codes outside of the source's format.
    """
    return Run(network, codes).everything()


class Run:
    """One pass over the nodes; keeps the sums before rounding where asked."""

    def __init__(self, network: Network, codes: Codes) -> None:
        source = network.nodes[0]
        self.network = network
        self.single = codes.ndim == 3
        batch = codes[None] if self.single else codes
        if batch.shape[1:] != source.shape:
            raise ValueError(f"the picture is {batch.shape[1:]}, the network wants {source.shape}")
        if batch.min() < source.format.low or batch.max() > source.format.high:
            raise ValueError(f"codes outside of {source.format.low} to {source.format.high}")
        self.done: dict[str, Codes] = {source.name: batch.astype(np.int64)}

    def everything(self) -> dict[str, Codes]:
        for node in self.network.nodes[1:]:
            self.done[node.name] = step(node, [self.done[name] for name in node.inputs])
        if self.single:
            return {name: codes[0] for name, codes in self.done.items()}
        return self.done


def answers(network: Network, outputs: Mapping[str, Codes]) -> NDArray[np.int64]:
    """The class of each picture: the largest code, the lowest index where several are."""
    codes = outputs[network.answer]
    flat = codes.reshape((len(codes), -1) if codes.ndim == 4 else (1, -1))
    return np.asarray(np.argmax(flat, axis=1))


def step(node: Node, inputs: list[Codes]) -> Codes:
    """The node's codes (N, H, W, C) from those of its inputs."""
    operation = node.operation
    if isinstance(operation, (Conv, Depthwise, AveragePool)):
        return rounded(sums_of(operation, inputs[0], node.shape), operation.rounding)
    if isinstance(operation, MaxPool):
        windows = windows_of(inputs[0], operation.window, node.shape, fill=LOWEST)
        return np.asarray(windows.max(axis=(3, 4)))
    if isinstance(operation, Add):
        return rounded(added(operation, inputs), operation.rounding)
    if isinstance(operation, Concat):
        parts = zip(inputs, operation.roundings, strict=True)
        return np.concatenate([rounded(codes, one) for codes, one in parts], axis=-1)
    if isinstance(operation, Pad):
        return padded(inputs[0], operation.padding, fill=0)
    if isinstance(operation, Reshape):
        return inputs[0].reshape(len(inputs[0]), *node.shape)
    if isinstance(operation, Source):
        return inputs[0]
    raise TypeError(f"no such operation: {operation!r}")


def sums_of(operation: Conv | Depthwise | AveragePool, codes: Codes, shape: Shape) -> Codes:
    """The exact sums (N, H, W, C) before rounding."""
    windows = windows_of(codes, operation.window, shape, fill=0)
    if isinstance(operation, Conv):
        return _dot(windows, operation.weights, operation.sum_bits) + operation.bias
    if isinstance(operation, Depthwise):
        sums = np.einsum("nyxijc,ijcm->nyxcm", windows, operation.weights, optimize=False)
        return np.asarray(sums.reshape(*sums.shape[:3], -1) + operation.bias)
    multipliers = dict(operation.multipliers)
    counts = cells_inside(codes.shape[1:3], operation.window, shape)
    scale = np.vectorize(multipliers.__getitem__, otypes=[np.int64])(counts)
    return np.asarray(windows.sum(axis=(3, 4)) * scale[None, :, :, None])


def added(operation: Add, inputs: list[Codes]) -> Codes:
    """The exact sum of the shifted inputs."""
    parts = [codes << by for codes, by in zip(inputs, operation.left_shifts, strict=True)]
    return np.asarray(sum(parts[1:], start=parts[0]))


def padded(
    codes: NDArray[Number], padding: tuple[int, int, int, int], *, fill: int
) -> NDArray[Number]:
    """(N, H, W, C) with that many rows and columns of `fill` around each picture."""
    top, bottom, left, right = padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(codes, around, constant_values=fill)


def windows_of(
    codes: NDArray[Number], window: Window, shape: Shape, *, fill: int
) -> NDArray[Number]:
    """A view (N, OH, OW, KH, KW, C): what the kernel covers at each output pixel."""
    wide = padded(codes, window.padding, fill=fill)
    (down, across), (high, broad) = window.stride, window.kernel
    spread, reach = window.dilation
    span = ((high - 1) * spread + 1, (broad - 1) * reach + 1)
    views = np.lib.stride_tricks.sliding_window_view(wide, span, axis=(1, 2))
    taken = views[:, ::down, ::across, :, ::spread, ::reach][:, : shape[0], : shape[1]]
    return np.moveaxis(taken, 3, 5)


def cells_inside(size: tuple[int, ...], window: Window, shape: Shape) -> NDArray[np.int64]:
    """(OH, OW): how many cells of each window lie inside of a picture of `size`."""
    ones = np.ones((1, size[0], size[1], 1), np.int64)
    return np.asarray(windows_of(ones, window, shape, fill=0).sum(axis=(3, 4, 5))[0])


def _dot(windows: Codes, weights: Codes, sum_bits: int) -> Codes:
    if sum_bits > EXACT_BITS:
        return np.asarray(np.einsum("nyxijc,ijco->nyxo", windows, weights))
    lines = windows.reshape(-1, int(np.prod(weights.shape[:3]))).astype(np.float64)
    sums = lines @ weights.reshape(-1, weights.shape[3]).astype(np.float64)
    return sums.astype(np.int64).reshape(*windows.shape[:3], -1)


def saturations(network: Network, codes: Codes) -> dict[str, Saturation]:
    """For each node that rounds, the codes that its format could not hold.

    A ReLU's zero and a ReLU6's six are what the layer means, and are not counted.
    """
    outputs = run_integer(network, codes[None] if codes.ndim == 3 else codes)
    found = {}
    for node in network.nodes[1:]:
        inputs = [outputs[name] for name in node.inputs]
        values = _unclipped(node, inputs)
        if values is not None:
            beyond = (values > node.format.high) & (_ceiling(node) == node.format.high)
            beyond |= (values < node.format.low) & (_floor(node) == node.format.low < 0)
            found[node.name] = Saturation(int(beyond.sum()), int(values.size))
    return found


def _unclipped(node: Node, inputs: list[Codes]) -> Codes | None:
    operation = node.operation
    if isinstance(operation, (Conv, Depthwise, AveragePool)):
        return shifted(sums_of(operation, inputs[0], node.shape), operation.rounding)
    if isinstance(operation, Add):
        return shifted(added(operation, inputs), operation.rounding)
    return None


def _ceiling(node: Node) -> int:
    assert isinstance(node.operation, (Conv, Depthwise, AveragePool, Add))
    return node.operation.rounding.high


def _floor(node: Node) -> int:
    assert isinstance(node.operation, (Conv, Depthwise, AveragePool, Add))
    return node.operation.rounding.low
