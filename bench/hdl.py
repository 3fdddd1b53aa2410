"""`python -m bench.hdl [--without-synthesis]`: networks taken to hardware, each figure by its goal.

Two networks: the shipped one for letters, and one of 28x28 with 5,258 parameters (conv 8, pool,
conv 16, pool, dense 10) with random weights, as an upload would give it.
"""

import io
import json
import math
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.figures import HEAD, Figure
from fpga_export.core.graph import FloatGraph, Layer
from fpga_export.core.integer_run import run_integer
from fpga_export.core.ir import Codes, Network
from fpga_export.core.loader import read_model
from fpga_export.core.quantise import codes_of, quantise
from fpga_export.core.vhdl.budget import plan
from fpga_export.core.vhdl.cycles import efficiency, macs
from fpga_export.core.vhdl.design import MANIFEST, design
from fpga_export.core.vhdl.figures import Figures, figures
from fpga_export.core.vhdl.stream import STREAM_LIBRARY, interval, stages
from fpga_export.core.vhdl.stream_design import stream_design
from fpga_export.core.weight_memory import weight_memories
from fpga_export.simulators import (
    Verdict,
    clock,
    digests,
    estimate,
    library,
    netlist,
    simulate,
    write,
)

MODELS: Final = Path(__file__).resolve().parent.parent / "predictions" / "ml_models"
LANES: Final = (1, 2, 4, 8, 16)
STREAM_LANES: Final = (1, 4, 16)  # at most
PICTURES: Final = 16  # to calibrate on
Floats = NDArray[np.float32]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Row:
    """A network with a number of lanes."""

    lanes: int
    verdict: Verdict
    predicted: int
    simulated: int
    efficiency: float
    plain: float  # multiplications by cycles and lanes
    generated: float  # seconds


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What it gives, and the seconds that it takes."""
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def five_thousand() -> FloatGraph:
    """28x28x1, conv 8, pool, conv 16, pool, dense 10; 5,258 parameters."""
    rng = np.random.default_rng(5)
    layers = [Layer("picture", "InputLayer", (), (28, 28, 1), {}, {}, 0, 0, None)]

    def add(name: str, kind: str, shape: tuple[int, ...], config: Mapping[str, object]) -> None:
        layers.append(Layer(name, kind, (layers[-1].name,), shape, config, {}, 0, 0, None))

    def weighted(
        name: str, kind: str, size: tuple[int, ...], shape: tuple[int, ...], **config: object
    ) -> None:
        kernel = rng.normal(0, math.sqrt(2 / math.prod(size[:-1])), size).astype(np.float32)
        bias = rng.normal(0, 0.1, size[-1]).astype(np.float32)
        weights = {"kernel": kernel, "bias": bias}
        count = kernel.size + bias.size
        products = math.prod(shape) * math.prod(size[:-1])
        before = layers[-1].name
        layers.append(Layer(name, kind, (before,), shape, config, weights, count, products, None))

    window = {"strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1), "use_bias": True}
    pool = {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"}
    relu = {**window, "activation": "relu"}
    weighted("conv2d", "Conv2D", (3, 3, 1, 8), (26, 26, 8), filters=8, kernel_size=(3, 3), **relu)
    add("pool", "MaxPooling2D", (13, 13, 8), pool)
    weighted(
        "conv2d_1", "Conv2D", (3, 3, 8, 16), (11, 11, 16), filters=16, kernel_size=(3, 3), **relu
    )
    add("pool_1", "MaxPooling2D", (5, 5, 16), pool)
    add("flatten", "Flatten", (400,), {})
    weighted("dense", "Dense", (400, 10), (10,), units=10, activation="linear", use_bias=True)
    return FloatGraph("five thousand", tuple(layers), "dense")


def pictures_for(graph: FloatGraph) -> list[Floats]:
    """Noise between 0 and 255, or 0 and 1 where the network does not rescale."""
    rng = np.random.default_rng(1)
    top = 255 if any(layer.kind == "Rescaling" for layer in graph.layers) else 1
    shape = graph.layers[0].shape
    return [rng.uniform(0, top, shape).astype(np.float32) for _ in range(PICTURES)]


def row(network: Network, codes: list[Codes], lanes: int, folder: Path) -> Row:
    """Generate, simulate, count."""
    files, generated = timed(
        lambda: design(network, lanes=lanes, pictures=codes, name="bench", library=library())
    )
    write(files, folder)
    verdict = simulate(folder)
    needed = sum(macs(node) for node in network.nodes)
    predicted = sum(layer.predicted for layer in verdict.layers)
    return Row(
        lanes=lanes,
        verdict=verdict,
        predicted=predicted,
        simulated=sum(layer.cycles for layer in verdict.layers),
        efficiency=efficiency(network, lanes=lanes),
        plain=needed / max(1, predicted * lanes),
        generated=generated,
    )


def table(graph: FloatGraph, network: Network, codes: list[Codes], folder: Path) -> list[Row]:
    """A row for each number of lanes, printed."""
    needed = sum(macs(node) for node in network.nodes)
    print(f"\n{graph.name}: {graph.parameters} parameters, {needed} products a picture")
    print(f"{'lanes':>5} {'cycles':>8} {'simulated':>9} {'MAC use':>8} {'products':>9}", end="")
    print(f" {'compared':>9} {'generate':>9} {'GHDL':>7}  verdict")
    rows = []
    for lanes in LANES:
        one = row(network, codes[:1], lanes, folder / f"{graph.name}-{lanes}")
        rows.append(one)
        print(
            f"{lanes:>5} {one.predicted:>8} {one.simulated:>9} {one.efficiency:>8.1%}"
            f" {one.plain:>9.1%} {one.verdict.values:>9} {one.generated:>7.2f} s"
            f" {one.verdict.seconds:>5.1f} s  {one.verdict.label}"
        )
    print("MAC use: products by the cycles of each layer's own lanes; products: by all lanes")
    return rows


@dataclass(frozen=True)
class StreamRow:
    """A network as a stream with a number of lanes at most."""

    facts: dict[str, Any]
    core: Figures
    verdict: Verdict
    generated: float  # seconds

    @property
    def apart(self) -> int:
        """Cycles simulated, less predicted; the bench has compared those of whole pictures."""
        return sum(abs(one.cycles - one.predicted) for one in self.verdict.layers)


def stream_table(
    graph: FloatGraph, network: Network, codes: list[Codes], folder: Path
) -> list[StreamRow]:
    """A row for each of some numbers of lanes, printed."""
    print(f"{'lanes':>5} {'first':>8} {'each':>9} {'MAC use':>8} {'multipl.':>9}", end="")
    print(f" {'compared':>9} {'generate':>9} {'GHDL':>7}  verdict (stream)")
    rows = []
    for lanes in STREAM_LANES:
        core = figures(network, preset="stream", lanes=lanes)
        work = partial(
            stream_design,
            network,
            lanes=lanes,
            pictures=codes[:2],
            name="bench",
            library=library(STREAM_LIBRARY),
        )
        files, generated = timed(work)
        place = folder / f"{graph.name}-stream-{lanes}"
        write(files, place)
        one = StreamRow(json.loads(files[MANIFEST]), core, simulate(place), generated)
        rows.append(one)
        print(
            f"{lanes:>5} {core.first or 0:>8} {core.each:>9} {core.efficiency:>8.1%}"
            f" {one.facts['multipliers']:>9} {one.verdict.values:>9} {generated:>7.2f} s"
            f" {one.verdict.seconds:>5.1f} s  {one.verdict.label}"
        )
    print("first: cycles to the first answer; each: from one answer to the next")
    return rows


def stream_figures(graph: FloatGraph, network: Network, rows: list[StreamRow]) -> list[Figure]:
    """Of the row with most lanes."""
    last = rows[-1]
    slowest = interval(stages(network, lanes=STREAM_LANES[-1]))
    return [
        Figure(
            f"stream's cycles by its slowest layer's, {graph.name}",
            last.core.each / slowest,
            1.1,
            "",
            at_least=False,
        ),
    ]


def zipped(folder: Path) -> bytes:
    """The export as it is downloaded."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name in digests(folder):
            made.write(folder / name, name)
    return archive.getvalue()


def verified_zip(graph: FloatGraph, folder: Path) -> float:
    """Seconds from the float network to the verified ZIP, with as many pictures as planned."""

    def work() -> str:
        pictures = pictures_for(graph)
        network = quantise(graph, pictures)
        chosen = plan(network, lanes=8)
        codes = [codes_of(graph, network, one) for one in pictures[: chosen.pictures]]
        write(design(network, lanes=8, pictures=codes, name="zip", library=library()), folder)
        label = simulate(folder, through=chosen.through).label
        zipped(folder)
        return label

    label, seconds = timed(work)
    return seconds if label == "verified" else math.inf


def million_weights() -> float:
    """Seconds for a million weights as memories in every format, zipped."""
    kernel = np.random.default_rng(2).normal(0, 0.05, (1000, 1000)).astype(np.float32)
    weights = {"kernel": kernel, "bias": np.zeros(1000, np.float32)}
    first = Layer("picture", "InputLayer", (), (1000,), {}, {}, 0, 0, None)
    dense = Layer("dense", "Dense", ("picture",), (1000,), {}, weights, 1_001_000, 10**6, None)
    graph = FloatGraph("million", (first, dense), "dense")

    def work() -> None:
        with zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            for name, content in weight_memories(graph).files.items():
                made.writestr(name, content)

    return timed(work)[1]


def synthesised(folder: Path, rows: list[Row]) -> list[Figure]:
    """Past synthesis, with one lane: bit exact, how large, how fast."""
    verdict = netlist(folder)
    print(f"\nnetlist in Icarus: {verdict.label}, {verdict.values} values, {verdict.seconds} s")
    slowest = 0.0
    for target in ("xc7", "ice40", "ecp5"):
        found = estimate(folder, target)
        slowest = max(slowest, found.seconds)
        print(
            f"yosys {target}: {found.lut} LUT, {found.ff} FF, {found.dsp} DSP,"
            f" {found.block_ram} block RAM, {found.seconds} s"
        )
    placed = clock(folder)
    milliseconds = rows[0].predicted / max(placed.megahertz, 1e-9) / 1e3
    print(
        f"nextpnr HX8K: {placed.megahertz} MHz, {placed.logic_cells} cells,"
        f" {placed.block_rams} block RAM, {milliseconds:.2f} ms a picture, {placed.seconds} s"
    )
    exact = float(verdict.label == "verified")
    return [
        Figure("netlist of the 5k network bit exact", exact, 1, "", at_least=True),
        Figure("clock on an iCE40 HX8K", placed.megahertz, 50, "MHz", at_least=True),
        Figure("slowest of yosys's estimates", slowest, 60, "s", at_least=False),
    ]


def main(*, synthesis: bool) -> int:
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = five_thousand()
        letters = read_model(MODELS / "letters-small-v1.keras", filename="letters-small-v1.keras")
        every: list[Row] = []
        flowing: list[StreamRow] = []
        for graph in (small, letters):
            pictures = pictures_for(graph)
            network = quantise(graph, pictures)
            codes = [codes_of(graph, network, one) for one in pictures]
            rows = table(graph, network, codes, folder)
            every += rows
            streams = stream_table(graph, network, codes, folder)
            flowing += streams
            found += stream_figures(graph, network, streams)
            told = graph.name
            found += [
                Figure(
                    f"MAC use with 1 lane, {told}", 100 * rows[0].efficiency, 90, "%", at_least=True
                ),
                Figure(
                    f"MAC use with 16 lanes, {told}",
                    100 * rows[-1].efficiency,
                    80,
                    "%",
                    at_least=True,
                ),
            ]
            if graph is small:
                batch = np.stack([codes[i % PICTURES] for i in range(497)])
                emulated = timed(partial(run_integer, network, batch))[1]
                generated = max(one.generated for one in rows)
        packed = verified_zip(small, folder / "zip")
        labels = [one.verdict.label for one in every] + [one.verdict.label for one in flowing]
        unverified = sum(label != "verified" for label in labels)
        apart = sum(abs(one.simulated - one.predicted) for one in every)
        apart += sum(one.apart for one in flowing)
        found += [
            Figure(
                "designs that are not bit exact at every layer", unverified, 0, "", at_least=False
            ),
            Figure("cycles simulated, less predicted", apart, 0, "", at_least=False),
            Figure("the 5k network's VHDL", generated, 0.2, "s", at_least=False),
            Figure("the 5k network's verified ZIP", packed, 5, "s", at_least=False),
            Figure("a million weights in every format", million_weights(), 5, "s", at_least=False),
            Figure("497 pictures of the 5k network in NumPy", emulated, 1, "s", at_least=False),
        ]
        if synthesis:
            found += synthesised(folder / f"{small.name}-1", every)
    print(HEAD)
    for figure in found:
        print(figure.told())
    return 0 if all(figure.met for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(synthesis="--without-synthesis" not in sys.argv))
