"""The weights of each layer as ROM entities and raw memories, in fixed point that tells its error.

A tensor gets one power of two for all of its numbers: of the finest scale that clips nothing and
finer ones that clip, the one with the least squared error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.integer_run import to_codes, to_values
from fpga_export.core.ir import Format
from fpga_export.core.memories import RAW_WRITERS, Words, raw_files, write_header
from fpga_export.core.memory_vhdl import rom
from fpga_export.core.names import file_stem, identifier

LEAST_BITS: Final = 2
MOST_BITS: Final = 16
FINER: Final = 4  # how many more scales are tried
KINDS: Final = (*RAW_WRITERS, "h")
AXES: Final = {1: ("out",), 2: ("in", "out"), 4: ("row", "column", "in", "out")}


class Weighted(Protocol):
    """A layer with a name and its weights by name."""

    @property
    def name(self) -> str: ...
    @property
    def weights(self) -> Mapping[str, NDArray[np.float32]]: ...


class WeightedGraph(Protocol):
    """Whatever has layers with weights."""

    @property
    def layers(self) -> Sequence[Weighted]: ...


class NotFinite(Exception):
    """A weight is infinite or no number."""

    code = "weight_not_finite"

    def __init__(self, *, layer: str, weight: str) -> None:
        self.facts = {"layer": layer, "weight": weight}
        super().__init__(f"layer {layer!r}: {weight} has numbers that are not finite")


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """One tensor's memory and what rounding did to it."""

    layer: str
    weight: str
    entity: str
    file: str  # the ROM; the raw formats differ by their ending
    shape: tuple[int, ...]
    count: int
    format: Format
    largest_error: float  # |weight - code * 2**-fraction|
    mean_error: float  # of absolute values
    sqnr_db: float | None  # None where nothing was lost, or all weights are zero
    clipped: int
    zeros: int  # codes that are zero
    zeros_before: int  # weights that are zero


@dataclass(frozen=True, slots=True, eq=False)
class WeightFiles:
    """What a model's weights became."""

    files: dict[str, str | bytes]
    facts: tuple[WeightFacts, ...]


def weight_memories(
    graph: WeightedGraph, *, bits: int = 8, kinds: Sequence[str] = KINDS
) -> WeightFiles:
    """`{layer}_weights.txt`, `{layer}_bias.txt` and so on as ROM entities, and the raw formats.

    Works for every layer with weights. Raises `NotFinite`, and `ValueError` for other widths.
    """
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise ValueError(f"{bits} bits; weights have {LEAST_BITS} to {MOST_BITS}")
    files: dict[str, str | bytes] = {}
    facts: list[WeightFacts] = []
    stems: set[str] = set()
    entities: set[str] = set()
    for layer in graph.layers:
        for weight, values in layer.weights.items():
            if values.size == 0:
                continue
            stem = file_stem(f"{layer.name}_{short_name(weight, layer.weights)}", stems)
            stems.add(stem)
            entity = identifier(stem, entities)
            entities.add(entity)
            found, codes = _quantised(layer.name, weight, values, bits, stem, entity)
            facts.append(found)
            files |= _files(found, codes, stem, kinds)
    return WeightFiles(files, tuple(facts))


def short_name(weight: str, among: Mapping[str, Any]) -> str:
    """What a file calls a tensor: a layer's only kernel is its "weights"."""
    plain = weight.split("/")[-1].partition(":")[0]
    kernels = [name for name in among if "kernel" in name]
    if "kernel" in plain:
        return "weights" if len(kernels) == 1 else plain.replace("kernel", "weights")
    return plain


def best_fraction(values: NDArray[np.floating], bits: int) -> int:
    """The fraction of a format of `bits` with the least squared error; all zeros get `bits` - 1."""
    exact = np.asarray(values, np.float64)
    largest = float(np.abs(exact).max(initial=0.0))
    if largest == 0.0:
        return bits - 1
    widest = bits - 2 - math.ceil(math.log2(largest))  # a power of two clips at one more
    errors = {
        fraction: float(np.square(exact - _rounded(exact, bits, fraction)).sum())
        for fraction in range(widest, widest + FINER + 1)
    }
    return min(errors, key=lambda fraction: (errors[fraction], fraction))


def _rounded(values: NDArray[np.float64], bits: int, fraction: int) -> NDArray[np.float64]:
    scale, form = 2.0**fraction, Format(bits, fraction)
    return np.clip(np.floor(values * scale + 0.5), form.low, form.high) / scale


def _quantised(
    layer: str, weight: str, values: NDArray[np.float32], bits: int, stem: str, entity: str
) -> tuple[WeightFacts, NDArray[np.int64]]:
    if not np.isfinite(values).all():
        raise NotFinite(layer=layer, weight=weight)
    exact = np.asarray(values, np.float64)
    form = Format(bits, best_fraction(exact, bits))
    codes = to_codes(exact, form)
    lost = np.abs(exact - to_values(codes, form))
    power, noise = float(np.square(exact).sum()), float(np.square(lost).sum())
    scaled = exact * 2.0**form.fraction
    found = WeightFacts(
        layer=layer,
        weight=weight,
        entity=entity,
        file=f"{stem}.txt",
        shape=tuple(values.shape),
        count=int(values.size),
        format=form,
        largest_error=float(lost.max()),
        mean_error=float(lost.mean()),
        sqnr_db=10 * math.log10(power / noise) if power and noise else None,
        clipped=int(((scaled >= form.high + 0.5) | (scaled < form.low - 0.5)).sum()),
        zeros=int((codes == 0).sum()),
        zeros_before=int((exact == 0).sum()),
    )
    return found, codes


def _files(
    facts: WeightFacts, codes: NDArray[np.int64], stem: str, kinds: Sequence[str]
) -> dict[str, str | bytes]:
    words, about = Words(codes, facts.format.bits), _about(facts)
    files: dict[str, str | bytes] = {facts.file: rom(facts.entity, words, about)}
    files |= raw_files(stem, words, about, [kind for kind in kinds if kind != "h"])
    if "h" in kinds:
        files[f"{stem}.h"] = write_header(words, facts.entity, about)
    return files


def _about(facts: WeightFacts) -> list[str]:
    form = facts.format
    names = AXES.get(len(facts.shape), tuple(f"axis {n}" for n in range(len(facts.shape))))
    shape = " x ".join(f"{size} {name}" for size, name in zip(facts.shape, names, strict=True))
    sqnr = f", SQNR {facts.sqnr_db:.1f} dB" if facts.sqnr_db is not None else ""
    value = f"value = word * 2**{-form.fraction}"
    errors = f"largest {facts.largest_error:.6g}, mean {facts.mean_error:.6g}"
    return [
        f"layer {facts.layer}, {facts.weight}: {shape or 'one number'}, the last axis fastest",
        f"{facts.count} words of {form.bits} bits, two's complement, {form}: {value}",
        f"quantisation error: {errors}{sqnr}; {facts.clipped} clipped",
    ]
