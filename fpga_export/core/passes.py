"""From Keras layers to the few operations that hardware has, still in floating point.

Batch normalisation and rescaling go into the weights before them, activations into the operation
before them, zero padding into the convolutions after it; a Dense after Flatten becomes a
convolution whose kernel covers the picture; what does nothing is left out.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from fpga_export.core.float_run import normalisation, rescaling, slope_of
from fpga_export.core.graph import FloatGraph, Floats, Layer
from fpga_export.core.ir import Shape, Sides, Window
from fpga_export.core.kinds import IDENTITIES, activation_of, sides
from fpga_export.core.names import identifier
from fpga_export.core.windows import outer, window_of

CONVOLUTIONS: Final = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D"}
NONE: Final = (0, 0, 0, 0)
DEPTHWISE: Final = " (depthwise)"  # the first half of a separable convolution


class NotForHardware(Exception):
    """A layer that no core can hold, and why. `after` names the last one that one can."""

    def __init__(self, layer: str, reason: str, after: str | None = None) -> None:
        self.layer = layer
        self.reason = reason
        self.after = after
        super().__init__(f"{layer}: {reason}")


@dataclass(frozen=True, slots=True)
class Bend:
    """An activation: what is below `low` and above `high` is cut, negatives are multiplied."""

    low: float | None = None
    high: float | None = None
    slope: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation; `kind` is a class of `ir`, in lower case."""

    name: str
    layers: tuple[str, ...]
    kind: str
    inputs: tuple[str, ...]
    shape: Shape
    window: Window | None = None
    weights: Floats | None = None  # as in `ir`
    bias: Floats | None = None
    bend: Bend | None = None
    padding: Sides = NONE


@dataclass(slots=True)
class Lowering:
    """The steps so far, and which of them speaks for each Keras layer."""

    graph: FloatGraph
    steps: dict[str, Step] = field(default_factory=dict)
    speaks: dict[str, str] = field(default_factory=dict)  # Keras layer to step
    flat: set[str] = field(default_factory=set)  # layers whose step is not flattened itself
    waiting: dict[str, Sides] = field(default_factory=dict)  # padding that convolutions will take
    shared: set[str] = field(default_factory=set)  # layers whose value others read too
    readers: dict[str, list[Layer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for layer in self.graph.layers:
            for name in layer.inputs:
                self.readers.setdefault(name, []).append(layer)

    def lonely(self, name: str) -> bool:
        """Whether one layer alone reads that layer, and each that its step speaks for."""
        return len(self.readers.get(name, [])) <= 1 and name not in self.shared

    def put(self, layer: Layer, step: Step) -> None:
        """Add a step that speaks for the layer."""
        self.steps[step.name] = step
        self.speaks[layer.name] = step.name

    def follow(self, layer: Layer) -> None:
        """Let the step of the layer's input speak for the layer too."""
        before = layer.inputs[0]
        step = self.steps[self.speaks[before]]
        self.steps[step.name] = replace(step, layers=(*step.layers, layer.name))
        self.speaks[layer.name] = step.name
        if not self.lonely(before):
            self.shared.add(layer.name)
        if before in self.flat:
            self.flat.add(layer.name)
        if before in self.waiting:
            self.waiting[layer.name] = self.waiting[before]

    def fresh(self, layer: Layer, suffix: str = "") -> str:
        """A VHDL name for the layer's step, whose signals clash with those of no other."""
        return self.named(f"{layer.name}{suffix}")

    def named(self, wanted: str) -> str:
        taken = {"x", "class", "dbg", "core", "picture_codes"} | set(self.steps)
        ends = ("w", "b", "x", "words", "codes")
        taken |= {f"{name}_{end}" for name in taken for end in ends}
        name = identifier(wanted, taken)
        while any(f"{name}_{end}" in self.steps for end in ends):
            taken.add(name)
            name = identifier(wanted, taken)
        return name


def lower(graph: FloatGraph, *, until: str | None = None) -> tuple[Step, ...]:
    """The steps, the picture's first. Raises `NotForHardware`.

    With `until` the network ends with that layer.
    """
    work = Lowering(graph)
    last = None
    for layer in _needed(graph, until or graph.output):
        try:
            _lower(work, layer)
        except NotForHardware as error:
            raise NotForHardware(layer.name, error.reason, last) from error
        last = layer.name
    _settle(work, until or graph.output)
    return tuple(work.steps.values())


def _needed(graph: FloatGraph, output: str) -> list[Layer]:
    """The layers that the output depends on, in order."""
    wanted = {output}
    for layer in reversed(graph.layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
    return [layer for layer in graph.layers if layer.name in wanted]


def three(shape: tuple[int, ...]) -> Shape:
    """A Keras shape as height, width, channels."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 1:
        return 1, 1, shape[0]
    raise NotForHardware("", "a tensor of two or four axes")


def _lower(work: Lowering, layer: Layer) -> None:
    if layer.unsupported:
        raise NotForHardware(layer.name, layer.unsupported)
    kind = layer.kind
    if kind == "InputLayer":
        work.put(layer, Step(work.fresh(layer), (layer.name,), "source", (), three(layer.shape)))
    elif kind in IDENTITIES:
        work.follow(layer)
    elif kind in CONVOLUTIONS:
        _convolution(work, layer)
    elif kind == "Dense":
        _dense(work, layer)
    elif kind in {"BatchNormalization", "Rescaling"}:
        _affine(work, layer)
    elif kind in {"Activation", "ReLU", "LeakyReLU", "Softmax"}:
        _activation(work, layer)
    elif kind == "ZeroPadding2D":
        _padding(work, layer)
    elif kind == "Flatten":
        _flatten(work, layer)
    elif "Pooling" in kind:
        _pool(work, layer)
    else:
        _joint(work, layer)


def _source_of(work: Lowering, layer: Layer, index: int = 0) -> Step:
    """The step behind an input, with a Reshape or a Pad put in where the layer needs it done."""
    name = layer.inputs[index]
    step = work.steps[work.speaks[name]]
    shape = three(work.graph.layer(name).shape)
    if name in work.waiting:
        top, bottom, left, right = work.waiting[name]
        size = (step.shape[0] + top + bottom, step.shape[1] + left + right, step.shape[2])
        made = work.named(f"{step.name}_pad")
        step = Step(made, (name,), "pad", (step.name,), size, padding=(top, bottom, left, right))
        work.steps[made] = step
        work.speaks[name] = made
        del work.waiting[name]
        work.flat.discard(name)
    elif name in work.flat and step.shape != shape:
        made = work.named(f"{step.name}_flat")
        step = Step(made, (name,), "reshape", (step.name,), shape)
        work.steps[made] = step
        work.speaks[name] = made
        work.flat.discard(name)
    return step


def _convolution(work: Lowering, layer: Layer) -> None:
    name = layer.inputs[0]
    before = work.graph.layer(name).shape
    window = window_of(layer, (before[0], before[1]))
    if name in work.waiting and name not in work.flat:
        source = work.steps[work.speaks[name]]
        window = replace(window, padding=outer(window.padding, work.waiting[name]))
    else:
        source = _source_of(work, layer)
    height, width, channels = three(layer.shape)
    weights, zero = layer.weights, np.zeros(channels, np.float32)
    bias = weights.get("bias", zero)
    made = work.fresh(layer)
    if layer.kind == "SeparableConv2D":
        deep = weights["depthwise_kernel"]
        inner = deep.shape[2] * deep.shape[3]
        first = work.named(f"{layer.name}_depthwise")
        work.steps[first] = Step(
            first,
            (f"{layer.name}{DEPTHWISE}",),
            "depthwise",
            (source.name,),
            (height, width, inner),
            window,
            deep,
            np.zeros(inner, np.float32),
        )
        made = work.fresh(layer)
        step = Step(made, (layer.name,), "conv", (first,), (height, width, channels))
        step = replace(step, window=Window((1, 1)), weights=weights["pointwise_kernel"], bias=bias)
    else:
        deep_only = layer.kind == "DepthwiseConv2D"
        key = "depthwise_kernel" if deep_only else "kernel"
        kind = "depthwise" if deep_only else "conv"
        step = Step(made, (layer.name,), kind, (source.name,), (height, width, channels))
        step = replace(step, window=window, weights=weights[key], bias=bias)
    work.put(layer, step)
    _own_activation(work, layer)


def _dense(work: Lowering, layer: Layer) -> None:
    name = layer.inputs[0]
    kernel = layer.weights["kernel"]
    step = work.steps[work.speaks[name]]
    if name in work.flat and name not in work.waiting:
        size = step.shape
    else:
        step = _source_of(work, layer)
        size = (1, 1, step.shape[2])
    weights = kernel.reshape(*size, kernel.shape[1])
    bias = layer.weights.get("bias", np.zeros(kernel.shape[1], np.float32))
    made = Step(work.fresh(layer), (layer.name,), "conv", (step.name,), three(layer.shape))
    window = Window((size[0], size[1]))
    work.put(layer, replace(made, window=window, weights=weights, bias=bias))
    _own_activation(work, layer)


def _affine(work: Lowering, layer: Layer) -> None:
    """Into the weights before, or into the picture's own codes, or a depthwise step of its own."""
    channels = layer.shape[-1]
    if layer.kind == "BatchNormalization":
        scale, offset = normalisation(layer)
    else:
        scale, offset = rescaling(layer, channels)
    scale = np.broadcast_to(scale, (channels,))
    offset = np.broadcast_to(offset, (channels,))
    name = layer.inputs[0]
    step = work.steps[work.speaks[name]]
    alone = work.lonely(name) and name not in work.waiting and name not in work.flat
    if alone and step.kind in {"conv", "depthwise"} and step.bend is None:
        assert step.weights is not None
        assert step.bias is not None
        if step.kind == "conv":
            weights = step.weights * scale
        else:
            weights = step.weights * scale.reshape(step.weights.shape[2:])
        bias = step.bias * scale + offset
        work.steps[step.name] = replace(step, weights=weights, bias=bias)
        work.follow(layer)
    elif alone and step.kind == "source" and layer.kind == "Rescaling":
        work.follow(layer)
    else:
        source = _source_of(work, layer)
        weights = scale.reshape(1, 1, channels, 1)
        made = Step(work.fresh(layer), (layer.name,), "depthwise", (source.name,), source.shape)
        work.put(layer, replace(made, window=Window((1, 1)), weights=weights, bias=offset))


def _own_activation(work: Lowering, layer: Layer) -> None:
    """The activation in a layer's own settings."""
    name = activation_of(layer.config)
    _softmax_ends(work, layer, name)
    bend = bend_of(name, layer)
    if bend:
        name = work.speaks[layer.name]
        work.steps[name] = replace(work.steps[name], bend=bend)


def _softmax_ends(work: Lowering, layer: Layer, activation: str) -> None:
    if activation == "softmax" and work.readers.get(layer.name):
        raise NotForHardware(layer.name, "softmax before the end")


def bend_of(name: str, layer: Layer) -> Bend | None:
    """What an activation cuts and bends; None for one that changes no answer."""
    config = layer.config
    if name in {"linear", "softmax"}:  # the largest stays the largest
        return None
    if name == "relu6":
        return Bend(low=0.0, high=6.0)
    if name == "leaky_relu":
        return Bend(slope=slope_of(config))
    most = config.get("max_value")
    slope = float(config.get("negative_slope") or 0)
    high = None if most is None else float(most)
    return Bend(high=high, slope=slope) if slope else Bend(low=0.0, high=high)


def _activation(work: Lowering, layer: Layer) -> None:
    kinds = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "Softmax": "softmax"}
    name = kinds.get(layer.kind) or activation_of(layer.config)
    _softmax_ends(work, layer, name)
    bend = bend_of(name, layer)
    if bend is None:
        work.follow(layer)
        return
    before = layer.inputs[0]
    step = work.steps[work.speaks[before]]
    alone = work.lonely(before) and before not in work.waiting
    if alone and step.bend is None and step.kind in {"conv", "depthwise", "mean", "add"}:
        work.steps[step.name] = replace(step, bend=bend)
        work.follow(layer)
        return
    source = _source_of(work, layer)
    made = Step(work.fresh(layer), (layer.name,), "add", (source.name,), source.shape, bend=bend)
    work.put(layer, made)


def _padding(work: Lowering, layer: Layer) -> None:
    around = sides(layer.config.get("padding", 1))
    if layer.inputs[0] in work.waiting:
        around = outer(around, work.waiting[layer.inputs[0]])
    readers = work.readers.get(layer.name, [])
    if readers and all(one.kind in CONVOLUTIONS for one in readers):
        work.speaks[layer.name] = work.speaks[layer.inputs[0]]
        work.waiting[layer.name] = around
        work.shared.add(layer.name)
        return
    source = _source_of(work, layer)
    step = Step(work.fresh(layer), (layer.name,), "pad", (source.name,), three(layer.shape))
    own = sides(layer.config.get("padding", 1))
    work.put(layer, replace(step, padding=own))


def _flatten(work: Lowering, layer: Layer) -> None:
    if layer.inputs[0] in work.waiting:
        _source_of(work, layer)
    work.follow(layer)
    work.flat.add(layer.name)


def _pool(work: Lowering, layer: Layer) -> None:
    source = _source_of(work, layer)
    if layer.kind.startswith("Global"):
        window = Window((source.shape[0], source.shape[1]))
    else:
        window = window_of(layer, (source.shape[0], source.shape[1]))
    kind = "mean" if "Average" in layer.kind else "max"
    shape = three(layer.shape)
    work.put(layer, Step(work.fresh(layer), (layer.name,), kind, (source.name,), shape, window))


def _joint(work: Lowering, layer: Layer) -> None:
    """Add, Concatenate and Reshape."""
    kind = {"Add": "add", "Concatenate": "concat", "Reshape": "reshape"}[layer.kind]
    inputs = tuple(_source_of(work, layer, i).name for i in range(len(layer.inputs)))
    shape = three(layer.shape)
    work.put(layer, Step(work.fresh(layer), (layer.name,), kind, inputs, shape))


def _settle(work: Lowering, output: str) -> None:
    """A network that ends in the middle of a Flatten or a padding still says what it computed."""
    work.flat.discard(output)
    work.waiting.pop(output, None)
