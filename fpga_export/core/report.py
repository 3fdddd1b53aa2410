"""What is known of an export, as JSON: numbers of each layer and of the network, and the proof."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.costs import Cost
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import (
    added,
    answers,
    run_integer,
    saturations,
    sums_of,
    to_values,
)
from fpga_export.core.ir import Add, AveragePool, Codes, Conv, Depthwise, Format, Network, Node
from fpga_export.core.passes import lower
from fpga_export.core.quantise import codes_of
from fpga_export.core.step_values import float_values
from fpga_export.core.summary import histogram
from fpga_export.core.vhdl.cycles import macs
from fpga_export.core.vhdl.figures import Figures
from fpga_export.core.vhdl.figures import figures as of_core

SCHEMA: Final = 1
BATCH: Final = 16  # pictures at once, where there are many


def report(
    graph: FloatGraph,
    network: Network,
    pictures: Sequence[Floats],
    *,
    lanes: int,
    figures: Figures | None = None,
    clock_mhz: float = 100.0,
    verdict: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The report on pictures (H, W, C) as Keras would be given them.

    `figures` are those of a compact core where none are given; `verdict` is what the simulation
    said, `more` what else is known (netlist, estimates, clock).
    """
    codes = np.stack([codes_of(graph, network, one) for one in pictures])
    outputs = run_integer(network, codes)
    floats = _floats(graph, network, pictures)
    clipped = saturations(network, codes)
    core = figures or of_core(network, preset="compact", lanes=lanes)
    simulated = {one["name"]: one["cycles"] for one in (verdict or {}).get("layers", ())}
    layers = []
    for node in network.nodes:
        own = _layer(node, outputs, floats[node.name], core.costs[node.name])
        seen = clipped.get(node.name)
        own |= {
            "saturated": seen.clipped if seen else 0,
            "saturated_share": seen.clipped / seen.codes if seen else 0.0,
            "cycles": core.cycles.get(node.name, 0),
            "simulated_cycles": simulated.get(node.name),
        }
        layers.append(own)
    return {
        "schema": SCHEMA,
        "network": _whole(graph, network, layers, core, lanes=lanes, clock_mhz=clock_mhz),
        "agreement": _agreement(floats[network.answer], answers(network, outputs)),
        "layers": layers,
        "verification": dict(verdict) if verdict else {"label": "not_simulated"},
        **(more or {}),
    }


def agreement(graph: FloatGraph, network: Network, pictures: Sequence[Floats]) -> dict[str, Any]:
    """On how many pictures the integers name the class that floating point names."""
    before: list[int] = []
    now: list[int] = []
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH]
        codes = np.stack([codes_of(graph, network, one) for one in some])
        now += answers(network, run_integer(network, codes)).tolist()
        before += _classes(_floats(graph, network, some)[network.answer]).tolist()
    return _told(np.array(before), np.array(now))


def _floats(graph: FloatGraph, network: Network, pictures: Sequence[Floats]) -> dict[str, Floats]:
    """Each node's values in floating point (N, H, W, C)."""
    until = network.node(network.answer).layers[-1]
    return float_values(graph, lower(graph, until=until), pictures)


def _classes(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(values.reshape(len(values), -1).argmax(axis=1), np.int64)


def _agreement(values: Floats, found: NDArray[np.int64]) -> dict[str, Any]:
    return _told(_classes(values), found)


def _told(before: NDArray[Any], now: NDArray[Any]) -> dict[str, Any]:
    same = int((before == now).sum())
    return {"pictures": len(before), "same": same, "share": same / len(before) if same else 0.0}


def _layer(node: Node, outputs: Mapping[str, Codes], floats: Floats, cost: Cost) -> dict[str, Any]:
    codes, form = outputs[node.name], node.format
    values = to_values(codes, form)
    lost = np.abs(values - floats)
    return {
        "name": node.name,
        "layers": list(node.layers),
        "kind": type(node.operation).__name__,
        "shape": list(node.shape),
        "macs": macs(node),
        "format": _format(form),
        **_weights(node),
        **_sums(node, [outputs[name] for name in node.inputs]),
        "sqnr_db": sqnr_db(floats, values),
        "max_error": float(lost.max()),
        "mean_error": float(lost.mean()),
        "zeros": int((codes == 0).sum()),
        "values": int(codes.size),
        "histogram": {
            "low": form.low,
            "high": form.high,
            "counts": histogram(codes, form.low, form.high + 1),
        },
        "cost": asdict(cost),
    }


def _format(form: Format) -> dict[str, Any]:
    return {
        "text": str(form),
        "bits": form.bits,
        "fraction": form.fraction,
        "signed": form.signed,
        "divisor": form.divisor,
    }


def _weights(node: Node) -> dict[str, Any]:
    if isinstance(node.operation, (Conv, Depthwise)):
        return {"weight_format": _format(node.operation.weight_format)}
    return {"weight_format": None}


def _sums(node: Node, inputs: list[Codes]) -> dict[str, Any]:
    """Bits of a sum that are proven to suffice, and those that these pictures needed."""
    operation = node.operation
    if isinstance(operation, (Conv, Depthwise, AveragePool)):
        sums = sums_of(operation, inputs[0], node.shape)
    elif isinstance(operation, Add):
        sums = added(operation, inputs)
    else:
        return {"sum_bits": None, "sum_bits_used": None, "shift": None}
    low, high = int(sums.min()), int(sums.max())
    used = max(high.bit_length() if high > 0 else 0, (-low - 1).bit_length() if low < 0 else 0) + 1
    return {
        "sum_bits": operation.sum_bits,
        "sum_bits_used": used,
        "shift": operation.rounding.shift,
    }


def sqnr_db(exact: NDArray[Any], values: NDArray[Any]) -> float | None:
    """Power of the signal over that of the error; None where either is nothing."""
    wide = np.asarray(exact, np.float64)
    noise = float(np.square(values - wide).sum())
    power = float(np.square(wide).sum())
    return decibels(power, noise)


def decibels(power: float, noise: float) -> float | None:
    """One over the other; None where either is nothing."""
    return round(10 * math.log10(power / noise), 2) if noise and power else None


def _whole(
    graph: FloatGraph,
    network: Network,
    layers: Sequence[Mapping[str, Any]],
    core: Figures,
    *,
    lanes: int,
    clock_mhz: float,
) -> dict[str, Any]:
    measured = [one for one in layers if one["sqnr_db"] is not None]
    worst = min(measured, key=lambda one: one["sqnr_db"], default=None)
    through = network.node(network.answer).layers[-1]
    return {
        "name": graph.name,
        "parameters": graph.parameters,
        "macs": sum(macs(node) for node in network.nodes),
        "through": through,
        "whole": through == graph.output,
        "preset": core.preset,
        "lanes": lanes,
        "multipliers": sum(core.multipliers.values()),
        "first_cycles": core.first,
        "cycles": core.each,
        "clock_mhz": clock_mhz,
        "latency_us": None if core.first is None else round(core.first / clock_mhz, 3),
        "pictures_per_second": round(clock_mhz * 1e6 / core.each, 2),
        "efficiency": round(core.efficiency, 4),
        "saturated": sum(one["saturated"] for one in layers),
        "worst_layer": worst["name"] if worst else None,
        "worst_sqnr_db": worst["sqnr_db"] if worst else None,
        "cost": asdict(sum(core.costs.values(), start=Cost())),
    }
