"""A Keras network as it was uploaded: layers with shapes, settings and weights; nothing runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class ModelRefused(Exception):
    """The file is no network that can be opened. `code` names why, `facts` are safe to show."""

    def __init__(self, code: str, layer: str | None = None, **facts: object) -> None:
        self.code = code
        self.layer = layer
        self.facts = facts
        told = ", ".join(f"{name} {value}" for name, value in facts.items())
        where = f" at layer {layer}" if layer else ""
        super().__init__(f"{code}{where}{': ' if told else ''}{told}")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer. Shapes are without the batch."""

    name: str
    kind: str  # Keras's class name
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    config: Mapping[str, Any]
    weights: Mapping[str, Floats]
    parameters: int
    macs: int
    unsupported: str | None  # why no core can hold it


@dataclass(frozen=True, slots=True, eq=False)
class FloatGraph:
    """Layers in an order in which each comes after its inputs; the first is the picture."""

    name: str
    layers: tuple[Layer, ...]
    output: str

    @property
    def parameters(self) -> int:
        """All weights, those that training does not change included."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Products that one picture takes."""
        return sum(layer.macs for layer in self.layers)

    def layer(self, name: str) -> Layer:
        """The layer of that name. Raises `KeyError`."""
        return {layer.name: layer for layer in self.layers}[name]
