"""Networks that Keras built: loaded without it, run in floats and in wide integers."""

import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fpga_export.core.float_run import run_float
from fpga_export.core.integer_run import run_integer, to_values
from fpga_export.core.loader import read_model
from fpga_export.core.quantise import codes_of, hardware_prefix, quantise
from fpga_export.design_work import PRESETS
from fpga_export.simulators import library, simulate, write
from fpga_export.tests.ghdl import needs

NAMES = ("lenet", "rectangles", "branches", "mobile")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    program = [sys.executable, "-m", "fpga_export.tests.keras_networks", str(made)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return made


def answers_of(folder: Path, name: str) -> Mapping[str, NDArray[np.float32]]:
    with np.load(folder / f"{name}.npz") as stored:
        return {key.removeprefix("out:"): stored[key] for key in stored.files}


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_answers_as_keras_does(folder: Path, name: str, ending: str) -> None:
    graph = read_model(folder / f"{name}.{ending}", filename=f"{name}.{ending}")
    stored = answers_of(folder, name)
    found = run_float(graph, stored["pictures"])
    compared = 0
    for layer in graph.layers:
        if layer.name in stored:
            np.testing.assert_allclose(found[layer.name], stored[layer.name], rtol=1e-4, atol=1e-4)
            compared += 1
    assert compared >= len(graph.layers) - 1  # a Sequential model has no layer for its input


@pytest.mark.parametrize("name", NAMES)
def test_wide_integers_come_close_to_keras(folder: Path, name: str) -> None:
    graph = read_model(folder / f"{name}.keras", filename=f"{name}.keras")
    stored = answers_of(folder, name)
    pictures = list(stored["pictures"])
    network = quantise(graph, pictures, weight_bits=16, activation_bits=16)
    codes = np.stack([codes_of(graph, network, picture) for picture in pictures])
    found = run_integer(network, codes)
    compared = 0
    for node in network.nodes:
        last = node.layers[-1]
        softmax = last == graph.output and name != "rectangles"
        if last in stored and not softmax:
            wanted = stored[last].reshape(len(pictures), *node.shape)
            error = np.abs(to_values(found[node.name], node.format) - wanted)
            assert error.max() < 2e-3 * max(1.0, float(np.abs(wanted).max())), node.name
            compared += 1
    assert compared >= len(network.nodes) - 3
    classes = found[network.answer].reshape(len(pictures), -1).argmax(axis=1)
    wanted = stored[graph.output].reshape(len(pictures), -1).argmax(axis=1)
    assert classes.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("bits", "lanes", "preset"), [(8, 4, "compact"), (16, 3, "compact"), (8, 4, "stream")]
)
@pytest.mark.parametrize("name", NAMES)
def test_hardware_answers_as_the_integers_at_every_layer(
    folder: Path, name: str, bits: int, lanes: int, preset: str, tmp_path: Path
) -> None:
    needs("ghdl")
    graph = read_model(folder / f"{name}.keras", filename=f"{name}.keras")
    pictures = list(answers_of(folder, name)["pictures"])
    network = quantise(graph, pictures, weight_bits=bits, activation_bits=bits)
    codes = [codes_of(graph, network, picture) for picture in pictures[:1]]
    chosen = PRESETS[preset]
    texts = library(chosen.library)
    files = chosen.design(network, lanes=lanes, pictures=codes, name=name, library=texts)
    write(files, tmp_path)
    verdict = simulate(tmp_path)
    assert verdict.label == "verified", verdict.log
    assert verdict.values == sum(math.prod(node.shape) for node in network.nodes[1:])


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_layers_that_no_core_computes_still_have_shapes_and_weights(
    folder: Path, ending: str
) -> None:
    graph = read_model(folder / f"named.{ending}", filename="named")
    stored = answers_of(folder, "named")
    for layer in graph.layers:
        assert layer.shape == stored[layer.name].shape[1:], layer.name
        assert layer.parameters == stored[f"count:{layer.name}"], layer.name
    kinds = {layer.kind for layer in graph.layers if layer.unsupported}
    wanted = {"Conv2DTranspose", "UpSampling2D", "Cropping2D", "PReLU", "LayerNormalization"}
    assert kinds == wanted | {"ELU", "Multiply", "Reshape", "GRU", "LSTM", "Dense"}
    last, why = hardware_prefix(graph)
    assert graph.layer(last).kind == "Conv2D"
    assert why is not None
    assert graph.layer(why.layer).kind == "Conv2DTranspose"
    network = quantise(graph, list(stored["pictures"]), until=last)
    assert network.nodes[-1].layers[-1] == last
