"""Files made to do harm are refused at once, in little memory, and nothing of them runs."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fpga_export.core.graph import ModelRefused
from fpga_export.core.loader import read_model
from fpga_export.tests.hostile_files import (
    MARK,
    archive,
    begin,
    hostile,
    layer,
    sequential,
    small,
    stored,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, _, data in hostile():
        (folder / name).write_bytes(data)
    program = [sys.executable, "-m", "fpga_export.tests.hostile_files", str(folder)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for path in folder.iterdir():
        path.unlink()
    return {one["name"]: one for one in found}


def test_every_hostile_file_is_refused_by_its_name(verdicts: dict[str, dict[str, Any]]) -> None:
    wanted = {name: code for name, code, _ in hostile()}
    assert len(wanted) >= 60
    assert {name: one["code"] for name, one in verdicts.items()} == wanted


def test_a_hostile_file_takes_less_than_a_second_and_300_megabytes(
    verdicts: dict[str, dict[str, Any]],
) -> None:
    assert {one["name"]: one["seconds"] for one in verdicts.values() if one["seconds"] >= 1} == {}
    most = 300 * 10**6
    assert {one["name"]: one["peak"] for one in verdicts.values() if one["peak"] >= most} == {}


def test_nothing_of_a_hostile_file_runs(verdicts: dict[str, dict[str, Any]]) -> None:
    assert verdicts
    assert not Path(MARK).exists()


def test_the_same_network_without_harm_is_opened() -> None:
    graph = read_model(io.BytesIO(archive(small(), stored())), filename="small.keras")
    assert [one.name for one in graph.layers] == ["picture", "flat", "dense"]
    assert graph.parameters == 4 * 2 + 2


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "gzip"},
        {"compression": "gzip", "compression_opts": 9, "shuffle": True},
        {"shuffle": True},
        {"compression": "gzip", "chunks": (3, 3, 2, 5)},
        {"compression": "gzip", "chunks": (2, 2, 3, 7), "shuffle": True},
        {"chunks": (3, 1, 3, 16)},
    ],
)
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "<f8"])
def test_weights_that_somebody_compressed_are_read(how: dict[str, Any], kind: str) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 16)).astype(kind)
    conv = layer("Conv2D", "conv", filters=16, kernel_size=3)

    def fill(file: h5py.File) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", data=kernel, **how)
        group.create_dataset("1", data=np.arange(16, dtype=kind), compression="gzip")

    data = archive(sequential(begin(8, 8, 3), conv), stored(fill))
    found = read_model(io.BytesIO(data), filename="conv.keras").layer("conv").weights
    assert np.array_equal(found["kernel"], kernel.astype(np.float32))
    assert found["bias"].tolist() == list(range(16))


def test_no_loader_needs_keras() -> None:
    program = (
        "import sys, fpga_export.core.loader; print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert told.stdout.strip() == "set()"


ODD: tuple[Any, ...] = (None, -1, 0, 2.5, 10**30, "x", "../x", [], {}, [[1]], {"config": 3}, True)


def test_settings_changed_at_random_are_opened_or_refused_but_break_nothing() -> None:
    whole = sequential(
        layer("InputLayer", "picture", batch_shape=[None, 8, 8, 2]),
        layer("Rescaling", "scale", scale=0.5, offset=[0.0, 1.0]),
        layer("ZeroPadding2D", "pad", padding=[[0, 1], [1, 0]]),
        layer("Activation", "act", activation={"class_name": "ReLU", "config": {"name": "relu"}}),
        layer("ReLU", "relu", max_value=6.0, negative_slope=0.1, threshold=0.0),
        layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="same"),
        layer("Reshape", "shape", target_shape=[2, 4, -1]),
        layer("Concatenate", "join", axis=-1),
        layer("Flatten", "flat"),
    )
    weights, source, refused = stored(), random.Random(3), 0
    for _ in range(1500):
        config = json.loads(json.dumps(whole))
        place, key = source.choice(list(_places(config)))
        place[key] = source.choice(ODD)
        try:
            read_model(io.BytesIO(archive(config, weights)), filename="x.keras")
        except ModelRefused:
            refused += 1
    assert 500 < refused < 1500


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in the settings that something can be put into."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found += _places(value[key])
    return found
