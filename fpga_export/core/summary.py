"""What is told of a network before anything runs: its layers, its weights, what hardware takes."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import FloatGraph, Layer
from fpga_export.core.passes import NotForHardware
from fpga_export.core.quantise import hardware_prefix

BARS: Final = 32


def model_summary(graph: FloatGraph) -> dict[str, Any]:
    """JSON of the network and of each layer, weights with their histograms."""
    return {
        "name": graph.name,
        "parameters": graph.parameters,
        "macs": graph.macs,
        "input_shape": list(graph.layers[0].shape),
        "output_shape": list(graph.layer(graph.output).shape),
        "output": graph.output,
        "hardware": hardware(graph),
        "layers": [layer_summary(layer) for layer in graph.layers],
    }


def hardware(graph: FloatGraph) -> dict[str, Any]:
    """Up to which layer a core can be made, and what stops it there."""
    try:
        through, stop = hardware_prefix(graph)
    except NotForHardware as error:
        return {"whole": False, "through": None, "layer": error.layer, "reason": error.reason}
    if stop is None:
        return {"whole": True, "through": through, "layer": None, "reason": None}
    return {"whole": False, "through": through, "layer": stop.layer, "reason": stop.reason}


def layer_facts(layer: Layer) -> dict[str, Any]:
    """JSON of one layer without its weights."""
    return {
        "name": layer.name,
        "type": layer.kind,
        "inputs": list(layer.inputs),
        "output_shape": list(layer.shape),
        "parameters": layer.parameters,
        "macs": layer.macs,
        "unsupported": layer.unsupported,
    }


def layer_summary(layer: Layer) -> dict[str, Any]:
    """JSON of one layer and of how its weights are spread."""
    return layer_facts(layer) | {
        "weights": [
            {"name": name, "shape": list(values.shape), **statistics(values)}
            for name, values in layer.weights.items()
        ],
    }


def statistics(values: NDArray[Any], bars: int = BARS) -> dict[str, Any]:
    """Smallest, largest, mean, deviation and zeros of finite numbers, and how they are spread."""
    if values.size == 0 or not np.isfinite(values).all():
        return {"count": int(values.size), "finite": values.size == 0}
    exact = np.asarray(values, np.float64)
    low, high = float(exact.min()), float(exact.max())
    return {
        "count": int(values.size),
        "finite": True,
        "min": low,
        "max": high,
        "mean": float(exact.mean()),
        "deviation": float(exact.std()),
        "zeros": int((exact == 0).sum()),
        "histogram": {"low": low, "high": high, "counts": histogram(exact, low, high, bars)},
    }


def histogram(values: NDArray[Any], low: float, high: float, bars: int = BARS) -> list[int]:
    """How many values fall into each of `bars` equal parts; into the first, where all are equal."""
    if high <= low:
        return [int(values.size)] + [0] * (bars - 1)
    scaled = (np.asarray(values, np.float64).ravel() - low) * (bars / (high - low))
    found = np.bincount(np.clip(scaled.astype(np.int64), 0, bars - 1), minlength=bars)
    return [int(one) for one in found]
