"""From floating point to the integer network: formats and weights by calibration, sums by proof."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.feedback import rounded_weights, seen, shifted_mean
from fpga_export.core.float_run import run_float
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import cells_inside, to_codes, to_values
from fpga_export.core.integer_run import step as answer_of
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
from fpga_export.core.passes import NotForHardware, Step, lower
from fpga_export.core.step_values import float_values, until_layer

CANDIDATES: Final = 4  # fractions tried, from the widest range that clips nothing
ANSWER_BITS: Final = 16  # nothing multiplies the answer, and equal numbers would hide the class
MANY: Final = 100  # pictures from which the widest values are known; of fewer some lie beyond
SPARE: Final = 1.3  # times the widest: for few pictures, or for many bits
FINE: Final = 12  # bits from which a clipped value always costs more than a coarser step
MOST_VALUES: Final = 20_000_000  # of all layers and pictures together
SAMPLE: Final = 200_000  # values looked at for a format
LEAK_BITS: Final = 8
MOST_SHIFT: Final = 48
MOST_BIAS_BITS: Final = 48
MOST_BITS: Final = 62  # of a sum: the model counts in 64 bits

BYTE: Final = Format(8, 0, signed=False, divisor=255)

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Widths:
    """Bits of weights and of activations, and for single layers others."""

    weights: int = 8
    activations: int = 8
    layers: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, step: Step, *, last: bool = False) -> tuple[int, int]:
        """Bits of the step's weights and of its result."""
        for name in (*step.layers, step.name):
            if name in self.layers:
                return self.layers[name]
        return self.weights, ANSWER_BITS if last else self.activations


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
    values = sum(math.prod(step.shape) for step in steps)
    some = pictures[: max(1, MOST_VALUES // values)]
    builder = Builder(widths, float_values(graph, steps, some), steps[-1].name, _only(steps))
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
    values = run_float(until_layer(graph, source.layers[-1]), picture)[source.layers[-1]]
    return to_codes(values, source.format)


def _only(steps: Sequence[Step]) -> bool:
    """Whether products alone read the picture, so that its unit can go into their weights."""
    alike = {steps[0].name}
    for step in steps[1:]:
        if step.kind in {"max", "pad", "reshape"} and step.inputs[0] in alike:
            alike.add(step.name)
        elif step.kind not in {"conv", "depthwise"} and alike.intersection(step.inputs):
            return False
    return steps[-1].name not in alike


def best_format(
    values: NDArray[np.floating[Any]], bits: int, *, signed: bool = True, spare: float = 1.0
) -> Format:
    """The fraction with the least mean squared error, from the widest range that is needed.

    With a range of `spare` times the widest value nothing is clipped.
    """
    flat = np.asarray(values, np.float64).ravel()
    if flat.size > SAMPLE:
        flat = flat[:: -(-flat.size // SAMPLE)]
    most = float(np.abs(values).max(initial=0.0))
    if not most or not math.isfinite(most):
        return Format(bits, bits - 1, signed)
    start = math.floor(math.log2(Format(bits, 0, signed).high / (most * spare)))
    start = min(max(start, -30), 60)
    formats = [Format(bits, start + more, signed) for more in range(CANDIDATES)]
    if spare > 1:
        return formats[0]
    errors = [float(np.mean((to_values(to_codes(flat, one), one) - flat) ** 2)) for one in formats]
    return formats[int(np.argmin(errors))]


def room(pictures: int, bits: int) -> float:
    """By how much wider a range is than the widest value that some pictures had."""
    if pictures < MANY:
        return 2.0 if bits >= FINE else SPARE
    return SPARE if bits >= FINE else 1.0


@dataclass(slots=True)
class Builder:
    """The nodes so far, and the codes that each can say."""

    widths: Widths
    seen: Mapping[str, Floats]
    answer: str
    bytes_fit: bool  # a picture's bytes may be its codes
    codes: dict[str, Codes] = field(default_factory=dict)  # of the pictures
    nodes: dict[str, Node] = field(default_factory=dict)
    ranges: dict[str, Range] = field(default_factory=dict)

    def build(self, step: Step) -> None:
        """Add the step's node."""
        form = self._format(step)
        operation, span = self._operation(step, form)
        node = Node(step.name, step.layers, step.inputs, step.shape, form, operation)
        self.nodes[step.name] = node
        self.ranges[step.name] = span
        if step.kind == "source":
            self.codes[step.name] = to_codes(self.seen[step.name], form)
        else:
            self.codes[step.name] = answer_of(node, [self.codes[name] for name in step.inputs])

    def _format(self, step: Step) -> Format:
        if step.kind in {"max", "pad", "reshape"}:
            return self.nodes[step.inputs[0]].format
        values = self.seen[step.name]
        bits = self.widths.of(step, last=step.name == self.answer)[1]
        if step.kind == "source" and self.bytes_fit and bits >= BYTE.bits and of_bytes(values):
            return BYTE
        spare = 1.0 if step.kind == "source" else room(len(values), bits)
        return best_format(values, bits, signed=not self._positive(step), spare=spare)

    def _positive(self, step: Step) -> bool:
        """Whether no value can be negative."""
        if step.kind == "source":
            return float(self.seen[step.name].min()) >= 0
        if step.bend and step.bend.low is not None:
            return step.bend.low >= 0
        alike = step.kind in {"mean", "add", "concat"}
        return alike and not any(self.nodes[name].format.signed for name in step.inputs)

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
        exact = np.asarray(step.weights, np.float64) / source.format.divisor
        weight_format = self._weight_format(step, exact, source.format, form)
        fraction = source.format.fraction + weight_format.fraction
        scaled = np.asarray(step.bias, np.float64) * 2.0**fraction
        weights, correction = self._rounded_weights(
            step, exact * weight_format.scale, weight_format
        )
        bias = np.floor(scaled + correction + 0.5).astype(np.int64)
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

    def _rounded_weights(
        self, step: Step, exact: NDArray[np.float64], form: Format
    ) -> tuple[Codes, NDArray[np.float64]]:
        """Codes of weights in units of a code, and what each output's bias is to add."""
        assert step.window is not None
        name, deep = step.inputs[0], step.kind == "depthwise"
        source = self.nodes[name].format
        found = seen(
            self.codes[name], self.seen[name], source, step.window, step.shape, depthwise=deep
        )
        channels, outputs = exact.shape[2:]
        if not deep:
            flat = exact.reshape(-1, outputs)
            codes = rounded_weights(flat, found, form)
            return codes.reshape(exact.shape), shifted_mean(flat, codes, found)
        parts = np.moveaxis(exact, 2, 0).reshape(channels, -1, outputs)
        codes = rounded_weights(parts, found, form)
        back = np.moveaxis(codes.reshape(channels, *exact.shape[:2], outputs), 0, 2)
        return np.ascontiguousarray(back), shifted_mean(parts, codes, found)

    def _weight_format(
        self, step: Step, exact: NDArray[np.float64], before: Format, form: Format
    ) -> Format:
        """The best one, unless weights next to nothing would make the bias or the shift endless."""
        best = best_format(exact, self.widths.of(step)[0])
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


def of_bytes(values: Floats) -> bool:
    """Whether these are bytes by 255, as pictures are."""
    if float(values.min()) < 0 or float(values.max()) > 1:
        return False
    return bool((np.abs(values * 255 - np.rint(values * 255)) < 1e-3).all())


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
