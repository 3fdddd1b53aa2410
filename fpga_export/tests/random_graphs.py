"""Random float networks over all supported layers, the same for the same seed; no Keras."""

from typing import Any

import numpy as np

from fpga_export.core.graph import FloatGraph, Floats, Layer
from fpga_export.core.outcomes import outcome

Settings = dict[str, Any]


class Growing:
    """A network that layers are put onto, one after another."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        shape = tuple(int(one) for one in self.rng.integers((5, 5, 1), (13, 13, 4)))
        self.layers = [Layer("picture", "InputLayer", (), shape, {}, {}, 0, 0, None)]

    @property
    def last(self) -> Layer:
        return self.layers[-1]

    def pick(self, *options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def put(self, kind: str, *others: Layer, **config: Any) -> Layer:
        """A layer that reads the last one, or those given."""
        inputs = list(others) or [self.last]
        name = f"{kind.lower()}_{len(self.layers)}"
        found = outcome(kind, config, [one.shape for one in inputs], name)
        weights = {key: self._weights(key, size) for key, size in found.weights.items()}
        size = sum(one.size for one in weights.values())
        names = tuple(one.name for one in inputs)
        made = Layer(name, kind, names, found.shape, config, weights, size, found.macs, None)
        self.layers.append(made)
        return made

    def _weights(self, key: str, size: tuple[int, ...]) -> Floats:
        if key in {"gamma", "moving_variance"}:
            return self.rng.uniform(0.5, 1.5, size).astype(np.float32)
        if key in {"bias", "beta", "moving_mean"}:
            return self.rng.normal(0, 0.2, size).astype(np.float32)
        fan = int(np.prod(size[:-1] if key != "depthwise_kernel" else size[:2]))
        return self.rng.normal(0, 1.2 / np.sqrt(fan), size).astype(np.float32)

    def window(self) -> Settings:
        """A kernel, a stride or a dilation, and a padding that leaves something over."""
        high, broad, _ = self.last.shape
        kernel = [int(self.rng.integers(1, min(4, high) + 1)), int(self.rng.integers(1, 4))]
        kernel[1] = min(kernel[1], broad)
        settings: Settings = {"kernel_size": kernel, "padding": self.pick("same", "valid")}
        if settings["padding"] == "same" and self.rng.random() < 0.2:
            return settings | {"dilation_rate": self.pick(1, 2)}
        return settings | {"strides": self.pick(1, 1, 2)}

    def activation(self) -> str:
        return str(self.pick("linear", "relu", "relu6", "leaky_relu"))

    def step(self) -> None:
        """One layer, or a branch and the layer that joins it, on a picture."""
        kind = self.pick(*"cccdsbaalmvzgj+|")
        if kind in "cds":
            self.product(kind)
        elif kind == "b":
            self.put("BatchNormalization", epsilon=1e-3)
        elif kind == "a":
            self.put("Activation", activation=self.activation())
        elif kind == "l":
            self.put("LeakyReLU", negative_slope=self.pick(0.125, 0.3))
        elif kind in "mv":
            pool = {key: value for key, value in self.window().items() if key == "padding"}
            size = [min(self.pick(2, 3), side) for side in self.last.shape[:2]]
            name = "MaxPooling2D" if kind == "m" else "AveragePooling2D"
            self.put(name, pool_size=size, strides=self.pick(1, 2), **pool)
        elif kind == "z":
            self.put("ZeroPadding2D", padding=self.pick(1, [[0, 1], [1, 0]], [[2, 0], [0, 0]]))
        elif kind == "g":
            self.put("Dropout", rate=0.5)
        elif kind == "j":
            high, broad, channels = self.last.shape
            self.put("Reshape", target_shape=[broad, high, channels])
        else:
            self.branch(kind)

    def product(self, kind: str) -> None:
        more = self.window() | {"activation": self.activation(), "use_bias": self.pick(True, False)}
        if kind == "d":
            self.put("DepthwiseConv2D", depth_multiplier=self.pick(1, 2), **more)
        else:
            name = "Conv2D" if kind == "c" else "SeparableConv2D"
            self.put(name, filters=int(self.rng.integers(1, 7)), **more)

    def branch(self, kind: str) -> None:
        start = self.last
        size = {"kernel_size": 3, "padding": "same", "use_bias": True}
        filters = start.shape[2] if kind == "+" else int(self.rng.integers(1, 5))
        side = self.put("Conv2D", filters=filters, activation=self.activation(), **size)
        if kind == "+":
            self.put("Add", side, start)
        else:
            self.put("Concatenate", start, side, axis=-1)

    def end(self) -> None:
        kind = self.pick("flatten", "flatten", "mean", "max", "mean softmax")
        if kind == "flatten":
            self.put("Flatten")
        else:
            self.put("GlobalMaxPooling2D" if kind == "max" else "GlobalAveragePooling2D")
        if kind == "mean softmax":
            self.put("Softmax")
        else:
            self.put("Dense", units=4, activation=self.pick("linear", "softmax"))


def random_graph(seed: int) -> FloatGraph:
    """A network of 4 to 12 layers over a small picture."""
    growing = Growing(seed)
    if growing.rng.random() < 0.4:
        growing.put("Rescaling", scale=0.5, offset=-0.25)
    for _ in range(int(growing.rng.integers(2, 8))):
        growing.step()
    growing.end()
    return FloatGraph(f"random_{seed}", tuple(growing.layers), growing.last.name)


def random_pictures(graph: FloatGraph, count: int, seed: int = 0) -> list[Floats]:
    """Pictures of the network's size, of numbers -1 to 1."""
    rng = np.random.default_rng(seed)
    shape = (count, *graph.layers[0].shape)
    return list(rng.uniform(-1, 1, shape).astype(np.float32))
