"""From floating point to the integer network: formats by calibration, sums by proof."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.float_run import CannotRun, run_float
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import cells_inside, to_codes, to_values
from fpga_export.core.ir import (
    Add,
    AveragePool,
    Codes,
    Concat,
    Conv,
    Depthwise,
    Format,
    Leak,
    MaxPool,
    Network,
    Node,
    Operation,
    Pad,
    Reshape,
    Rounding,
    Source,
)
from fpga_export.core.kinds import activation_of
from fpga_export.core.passes import DEPTHWISE, NotForHardware, Step, lower

CANDIDATES: Final = 4  # fractions tried, from the widest range that clips nothing
SAMPLE: Final = 200_000  # values looked at for a format
LEAK_BITS: Final = 8
MOST_SHIFT: Final = 48
MOST_BIAS_BITS: Final = 48
MOST_BITS: Final = 62  # of a sum: the model counts in 64 bits

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Widths:
    """Bits of weights and of activations, and for single layers others."""

    weights: int = 8
    activations: int = 8
    layers: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, step: Step) -> tuple[int, int]:
        """Bits of the step's weights and of its result."""
        for name in (*step.layers, step.name):
            if name in self.layers:
                return self.layers[name]
        return self.weights, self.activations


def quantise(
    graph: FloatGraph,
    pictures: Sequence[Floats],
    *,
    weight_bits: int = 8,
    activation_bits: int = 8,
    per_layer: Mapping[str, tuple[int, int]] | None = None,
    until: str | None = None,
) -> Network:
    """The integer network, calibrated on `pictures` (H, W, C) as Keras would be given them.

    Raises `NotForHardware`, `ValueError` for widths beyond 2 to 16 (weights) and 4 to 16
    (activations), for no picture, and for sums of more than `MOST_BITS`.
    """
    widths = Widths(weight_bits, activation_bits, per_layer or {})
    for weights, activations in [(weight_bits, activation_bits), *widths.layers.values()]:
        if not 2 <= weights <= 16 or not 4 <= activations <= 16:
            raise ValueError("weights take 2 to 16 bits, activations 4 to 16")
    if not len(pictures):
        raise ValueError("no picture to calibrate on")
    steps = lower(graph, until=until)
    builder = Builder(widths, float_values(graph, steps, pictures))
    for step in steps:
        builder.build(step)
    return Network(graph.name, tuple(builder.nodes.values()), steps[-1].name)


def hardware_prefix(graph: FloatGraph) -> tuple[str, NotForHardware | None]:
    """The last layer up to which a core can be made, and what stops it there."""
    try:
        lower(graph)
    except NotForHardware as error:
        if error.after is None:
            raise
        return error.after, error
    return graph.output, None


def codes_of(graph: FloatGraph, network: Network, picture: Floats) -> Codes:
    """The core's input for a picture as Keras would be given it: after a leading Rescaling."""
    source = network.nodes[0]
    values = run_float(_until(graph, source.layers[-1]), picture)[source.layers[-1]]
    return to_codes(values, source.format)


def _until(graph: FloatGraph, last: str) -> FloatGraph:
    names = [layer.name for layer in graph.layers]
    return replace(graph, layers=graph.layers[: names.index(last) + 1])


def float_values(
    graph: FloatGraph, steps: Sequence[Step], pictures: Sequence[Floats]
) -> dict[str, Floats]:
    """A sample of the values of each step, as the float network has them."""
    outputs = _outputs(graph, np.stack([np.asarray(one, np.float32) for one in pictures]))
    found: dict[str, Floats] = {}
    for step in steps:
        name = _before_softmax(graph, step)
        values = outputs[name] if name in outputs else _recomputed(step, found)
        found[step.name] = values.reshape(len(pictures), *step.shape)
    return found


def _outputs(graph: FloatGraph, batch: Floats) -> dict[str, Floats]:
    try:
        return run_float(graph, batch)
    except CannotRun as error:
        names = [layer.name for layer in graph.layers]
        return run_float(_until(graph, names[max(names.index(error.layer) - 1, 0)]), batch)


def _before_softmax(graph: FloatGraph, step: Step) -> str | None:
    """The layer that answers what the step computes; None where none says it before a softmax."""
    if step.layers[-1].endswith(DEPTHWISE):
        return None
    last = graph.layer(step.layers[-1])
    if last.kind == "Softmax" or (
        last.kind == "Activation" and activation_of(last.config) == "softmax"
    ):
        return step.layers[-2] if len(step.layers) > 1 else None
    return None if activation_of(last.config) == "softmax" else last.name


def _recomputed(step: Step, found: Mapping[str, Floats]) -> Floats:
    """The values of a step that is no whole Keras layer: before a softmax, or half a separable."""
    assert step.weights is not None or step.kind in {"pad", "reshape", "add"}
    inputs = [found[name].astype(np.float64) for name in step.inputs]
    if step.kind == "add":
        return np.asarray(sum(inputs[1:], start=inputs[0]), np.float32)
    if step.kind == "pad":
        top, bottom, left, right = step.padding
        around = ((0, 0), (top, bottom), (left, right), (0, 0))
        return np.asarray(np.pad(inputs[0], around), np.float32)
    if step.kind == "reshape":
        return np.asarray(inputs[0], np.float32)
    return _product(step, inputs[0])


def _product(step: Step, x: NDArray[np.float64]) -> Floats:
    assert step.window is not None
    assert step.weights is not None
    assert step.bias is not None
    top, bottom, left, right = step.window.padding
    wide = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    (high, broad), (down, across) = step.window.kernel, step.window.stride
    spread, reach = step.window.dilation
    span = ((high - 1) * spread + 1, (broad - 1) * reach + 1)
    views = np.lib.stride_tricks.sliding_window_view(wide, span, axis=(1, 2))
    views = np.moveaxis(views[:, ::down, ::across, :, ::spread, ::reach], 3, 5)
    if step.kind == "conv":
        return np.asarray(np.tensordot(views, step.weights, axes=3) + step.bias, np.float32)
    sums = np.einsum("nyxijc,ijcm->nyxcm", views, step.weights)
    return np.asarray(sums.reshape(*sums.shape[:3], -1) + step.bias, np.float32)


def best_format(values: Floats, bits: int) -> Format:
    """The fraction with the least mean squared error, from the widest range that is needed."""
    flat = np.asarray(values, np.float64).ravel()
    if flat.size > SAMPLE:
        flat = flat[:: -(-flat.size // SAMPLE)]
    most = float(np.abs(values).max(initial=0.0))
    if not most or not math.isfinite(most):
        return Format(bits, bits - 1)
    start = math.floor(math.log2((2 ** (bits - 1) - 1) / most))
    start = min(max(start, -30), 60)
    formats = [Format(bits, start + more) for more in range(CANDIDATES)]
    errors = [float(np.mean((to_values(to_codes(flat, one), one) - flat) ** 2)) for one in formats]
    return formats[int(np.argmin(errors))]


@dataclass(slots=True)
class Builder:
    """The nodes so far, and the codes that each can say."""

    widths: Widths
    seen: Mapping[str, Floats]
    nodes: dict[str, Node] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)

    def build(self, step: Step) -> None:
        """Add the step's node."""
        form = self._format(step)
        operation, span = self._operation(step, form)
        node = Node(step.name, step.layers, step.inputs, step.shape, form, operation)
        self.nodes[step.name] = node
        self.ranges[step.name] = span

    def _format(self, step: Step) -> Format:
        if step.kind in {"max", "pad", "reshape"}:
            return self.nodes[step.inputs[0]].format
        return best_format(self.seen[step.name], self.widths.of(step)[1])

    def _operation(self, step: Step, form: Format) -> tuple[Operation, Range]:
        before = self.ranges[step.inputs[0]] if step.inputs else (form.low, form.high)
        if step.kind == "source":
            return Source(), before
        if step.kind in {"conv", "depthwise"}:
            return self._weighted(step, form)
        if step.kind == "max":
            assert step.window is not None
            return MaxPool(step.window), before
        if step.kind == "mean":
            return self._mean(step, form)
        if step.kind == "add":
            return self._sum(step, form)
        if step.kind == "concat":
            return self._joined(step, form)
        wider = (min(before[0], 0), max(before[1], 0))
        return (Pad(step.padding), wider) if step.kind == "pad" else (Reshape(), before)

    def _weighted(self, step: Step, form: Format) -> tuple[Operation, Range]:
        assert step.weights is not None
        assert step.bias is not None
        assert step.window is not None
        source = self.nodes[step.inputs[0]]
        weight_format = self._weight_format(step, source.format, form)
        weights = to_codes(step.weights, weight_format)
        fraction = source.format.fraction + weight_format.fraction
        bias = np.floor(np.asarray(step.bias, np.float64) * 2.0**fraction + 0.5).astype(np.int64)
        kind = Conv if step.kind == "conv" else Depthwise
        axes = (0, 1, 2) if step.kind == "conv" else (0, 1)
        low, high = self._zero_in(step.inputs[0])
        up, down = np.maximum(weights, 0), np.minimum(weights, 0)
        most = (up.sum(axis=axes) * high + down.sum(axis=axes) * low).ravel() + bias
        least = (up.sum(axis=axes) * low + down.sum(axis=axes) * high).ravel() + bias
        bits = sum_bits(
            step.name, int(min(least.min(), bias.min())), int(max(most.max(), bias.max()))
        )
        rounding = rounding_of(step, fraction, form)
        operation = kind(step.window, weights, bias, weight_format, bits, rounding)
        return operation, (rounding.low, rounding.high)

    def _weight_format(self, step: Step, before: Format, form: Format) -> Format:
        """The best one, unless weights next to nothing would make the bias or the shift endless."""
        assert step.weights is not None
        best = best_format(step.weights, self.widths.of(step)[0])
        most = float(np.abs(step.bias).max(initial=0.0)) if step.bias is not None else 0.0
        finest = form.fraction + MOST_SHIFT
        if most:
            finest = min(finest, MOST_BIAS_BITS - math.ceil(math.log2(most)))
        return Format(best.bits, min(best.fraction, finest - before.fraction))

    def _zero_in(self, name: str) -> Range:
        """The codes that a node can say, with the zero of the padding."""
        low, high = self.ranges[name]
        return min(low, 0), max(high, 0)

    def _mean(self, step: Step, form: Format) -> tuple[Operation, Range]:
        assert step.window is not None
        source = self.nodes[step.inputs[0]]
        counts = sorted(
            set(cells_inside(source.shape[:2], step.window, step.shape).ravel().tolist())
        )
        more = form.bits + 1 + max(counts).bit_length()
        multipliers = tuple((n, math.floor(2**more / n + 0.5)) for n in counts)
        low, high = self._zero_in(step.inputs[0])
        most = max(n * multiplier for n, multiplier in multipliers)
        bits = sum_bits(step.name, low * most, high * most)
        rounding = rounding_of(step, source.format.fraction + more, form)
        operation = AveragePool(step.window, multipliers, bits, rounding)
        return operation, (rounding.low, rounding.high)

    def _sum(self, step: Step, form: Format) -> tuple[Operation, Range]:
        fractions = [self.nodes[name].format.fraction for name in step.inputs]
        finest = max(fractions)
        shifts = tuple(finest - fraction for fraction in fractions)
        low = sum(self._zero_in(n)[0] << by for n, by in zip(step.inputs, shifts, strict=True))
        high = sum(self._zero_in(n)[1] << by for n, by in zip(step.inputs, shifts, strict=True))
        bits = sum_bits(step.name, low, high)
        rounding = rounding_of(step, finest, form)
        return Add(shifts, bits, rounding), (rounding.low, rounding.high)

    def _joined(self, step: Step, form: Format) -> tuple[Operation, Range]:
        fractions = [self.nodes[name].format.fraction for name in step.inputs]
        shifts = [fraction - form.fraction for fraction in fractions]
        roundings = tuple(Rounding(shift, form.low, form.high) for shift in shifts)
        return Concat(roundings), (form.low, form.high)


def sum_bits(name: str, low: int, high: int) -> int:
    """Bits of the narrowest two's complement number for both. Raises `ValueError` beyond 62."""
    bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
    if bits > MOST_BITS:
        raise ValueError(f"{name}: sums of {bits} bits")
    return max(bits, 2)


def rounding_of(step: Step, fraction: int, form: Format) -> Rounding:
    """From sums with `fraction` to `form`, with the step's activation."""
    shift, low, high, leak = fraction - form.fraction, form.low, form.high, None
    bend = step.bend
    if bend:
        if bend.low is not None:
            low = max(low, round(bend.low * 2.0**form.fraction))
        if bend.high is not None:
            high = min(high, math.floor(bend.high * 2.0**form.fraction + 0.5))
        if bend.slope is not None:
            leak = leak_of(step, bend.slope)
            shift += leak.bits
    return Rounding(shift, low, high, leak)


def leak_of(step: Step, slope: float) -> Leak:
    """The slope as factor * 2**-bits: exact where it is a power of two. Raises `NotForHardware`."""
    if not 0 <= slope < 1:
        raise NotForHardware(step.layers[-1], "a slope outside of 0 to 1")
    for bits in range(1, LEAK_BITS):
        if slope == 2.0**-bits:
            return Leak(1, bits)
    return Leak(min(round(slope * 2**LEAK_BITS), 2**LEAK_BITS - 1), LEAK_BITS)
