"""Random integer networks over every operation and width; the same seed, the same network."""

import math
from dataclasses import dataclass, field

import numpy as np

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
    Shape,
    Source,
    Window,
)

KINDS = ("conv", "conv", "depthwise", "max", "mean", "add", "concat", "pad", "reshape", "dense")


@dataclass
class Grower:
    """Adds nodes to a network, each of a random kind and reading random earlier ones."""

    rng: np.random.Generator
    nodes: list[Node] = field(default_factory=list)

    def pick(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def form(self) -> Format:
        return Format(self.pick(4, 16), self.pick(-2, 12), signed=self.rng.random() < 0.6)

    def window(self, shape: Shape, *, most: int = 4) -> Window:
        """One that leaves at least a pixel."""
        kernel = self.pick(1, min(most, shape[0])), self.pick(1, min(most, shape[1]))
        dilation = tuple(
            self.pick(1, 2) if (k - 1) * 2 < size else 1
            for k, size in zip(kernel, shape[:2], strict=True)
        )
        padding = tuple(
            self.pick(0, kernel[i // 2] - 1) if self.rng.random() < 0.5 else 0 for i in range(4)
        )
        stride = self.pick(1, 3), self.pick(1, 3)
        return Window(kernel, stride, (dilation[0], dilation[1]), _sides(padding))

    def rounding(self, form: Format, sum_bits: int) -> Rounding:
        shift = max(-1, sum_bits - form.bits - self.pick(0, 3))
        leak = Leak(self.pick(0, 7), 3) if self.rng.random() < 0.2 else None
        low = 0 if leak is None and self.rng.random() < 0.4 else form.low
        high = self.pick(1, form.high) if self.rng.random() < 0.2 else form.high
        return Rounding(shift + (3 if leak else 0), low, high, leak)

    def add(self, operation: Operation, inputs: list[Node], shape: Shape, form: Format) -> None:
        name = f"n{len(self.nodes)}"
        names = tuple(one.name for one in inputs)
        self.nodes.append(Node(name, (name,), names, shape, form, operation))

    def grow(self, kind: str) -> None:
        """Add a node of that kind, where the chosen input allows it."""
        source = self.nodes[-1] if self.rng.random() < 0.7 else self.rng.choice(self.nodes)  # type: ignore[arg-type]
        if kind in {"conv", "depthwise", "dense"}:
            self._product(kind, source)
        elif kind in {"max", "mean"}:
            self._pool(kind, source)
        elif kind == "add":
            self._sum(source)
        elif kind == "concat":
            self._concat(source)
        elif kind == "pad":
            sides = _sides(tuple(self.pick(0, 2) for _ in range(4)))
            shape = (source.shape[0] + sum(sides[:2]), source.shape[1] + sum(sides[2:]))
            self.add(Pad(sides), [source], (*shape, source.shape[2]), source.format)
        else:
            self.add(Reshape(), [source], _other_shape(source.shape, self.rng), source.format)

    def _product(self, kind: str, source: Node) -> None:
        height, width, channels = source.shape
        window = Window((height, width)) if kind == "dense" else self.window(source.shape)
        form, weights_form = self.form(), Format(self.pick(2, 16), self.pick(0, 12))
        outputs = self.pick(1, 3) if kind == "depthwise" else self.pick(1, 20)
        size = (*window.kernel, channels, outputs)
        weights = self.rng.integers(weights_form.low, weights_form.high + 1, size)
        total = channels * outputs if kind == "depthwise" else outputs
        bias = self.rng.integers(-(2 ** self.pick(1, 14)), 2 ** self.pick(1, 14), total)
        axes = (0, 1) if kind == "depthwise" else (0, 1, 2)
        most = np.abs(weights).sum(axis=axes).ravel() * most_of(source.format) + np.abs(bias)
        bits = int(most.max()).bit_length() + 1
        made = Depthwise if kind == "depthwise" else Conv
        operation = made(window, weights, bias, weights_form, bits, self.rounding(form, bits))
        self.add(operation, [source], _outcome(source.shape, window, total), form)

    def _pool(self, kind: str, source: Node) -> None:
        window = self.window(source.shape)
        if kind == "max":
            # Every window must cover a real pixel.
            window = Window(window.kernel, window.stride, window.dilation)
        shape = _outcome(source.shape, window, source.shape[2])
        if kind == "max":
            self.add(MaxPool(window), [source], shape, source.format)
            return
        cells = math.prod(window.kernel)
        form = self.form()
        multipliers = tuple((n, round(2**10 / n)) for n in range(1, cells + 1))
        bits = source.format.bits + cells.bit_length() + 13
        self.add(
            AveragePool(window, multipliers, bits, self.rounding(form, bits)), [source], shape, form
        )

    def _sum(self, source: Node) -> None:
        alike = [node for node in self.nodes if node.shape == source.shape]
        chosen = [alike[self.pick(0, len(alike) - 1)] for _ in range(self.pick(1, 3))]
        shifts = tuple(self.pick(0, 4) for _ in chosen)
        widest = max(node.format.bits + by for node, by in zip(chosen, shifts, strict=True))
        bits, form = widest + len(chosen), self.form()
        self.add(Add(shifts, bits, self.rounding(form, bits)), chosen, source.shape, form)

    def _concat(self, source: Node) -> None:
        alike = [node for node in self.nodes if node.shape[:2] == source.shape[:2]]
        chosen = [alike[self.pick(0, len(alike) - 1)] for _ in range(self.pick(2, 3))]
        form = self.form()
        roundings = tuple(Rounding(self.pick(-1, 4), form.low, form.high) for _ in chosen)
        total = sum(node.shape[2] for node in chosen)
        self.add(Concat(roundings), chosen, (*source.shape[:2], total), form)


def most_of(form: Format) -> int:
    """The largest code, whatever its sign."""
    return max(-form.low, form.high)


def _sides(values: tuple[int, ...]) -> tuple[int, int, int, int]:
    top, bottom, left, right = values
    return top, bottom, left, right


def _outcome(shape: Shape, window: Window, channels: int) -> Shape:
    top, bottom, left, right = window.padding
    size = []
    for extent, k, step, spread in zip(
        (shape[0] + top + bottom, shape[1] + left + right),
        window.kernel,
        window.stride,
        window.dilation,
        strict=True,
    ):
        size.append((extent - (k - 1) * spread - 1) // step + 1)
    return size[0], size[1], channels


def _other_shape(shape: Shape, rng: np.random.Generator) -> Shape:
    total = math.prod(shape)
    channels = int(rng.choice([n for n in range(1, min(total, 24) + 1) if total % n == 0]))
    rest = total // channels
    height = int(rng.choice([n for n in range(1, rest + 1) if rest % n == 0]))
    return height, rest // height, channels


def random_network(seed: int, *, deepest: int = 5, largest: int = 7) -> Network:
    """A network of up to `deepest` nodes on a picture of up to `largest` squared."""
    grower = Grower(np.random.default_rng(seed))
    shape = (grower.pick(1, largest), grower.pick(1, largest), grower.pick(1, 6))
    grower.add(Source(), [], shape, grower.form())
    for _ in range(grower.pick(1, deepest)):
        if math.prod(grower.nodes[-1].shape) > 600:
            break
        grower.grow(str(grower.rng.choice(KINDS)))
    return Network(f"random {seed}", tuple(grower.nodes), grower.nodes[-1].name)


def random_picture(network: Network, seed: int) -> Codes:
    """Codes over the whole range of the source's format, the ends more often than not."""
    source = network.nodes[0]
    rng = np.random.default_rng(seed)
    codes = rng.integers(source.format.low, source.format.high + 1, source.shape)
    ends = rng.choice([source.format.low, source.format.high], source.shape)
    return np.where(rng.random(source.shape) < 0.2, ends, codes)
