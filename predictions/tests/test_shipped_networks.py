"""Every network in `ml_models`, by the facts beside it."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.classifier import Classifier
from predictions.core.engine import Engine
from predictions.core.labels import EMOTIONS
from predictions.core.reading import Model, Prediction, Request
from predictions.tests.pictures import COLLINS, HOPPER
from predictions.tests.test_training_packs import write_packs
from predictions.training.evaluate import as_colour
from predictions.training.packs import read_split
from predictions.training.pictures import TASKS, read_labelled
from predictions.training.tensors import TENSORS, spread
from predictions.versions import SHIPPED

FACTS = sorted(SHIPPED.glob("*.json"))
MEGABYTE = 10**6


def facts_of(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def is_whole(path: Path) -> bool:
    return str(facts_of(path)["input_shape"]) == "(None, 96, 96, 3)"


WHOLE = [path for path in FACTS if is_whole(path)]  # not the sample for hardware
NETWORKS = pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
CLASSIFIERS = pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)


def open_classifier(path: Path) -> Classifier:
    facts = facts_of(path)
    return Classifier(
        SHIPPED / facts["files"]["tflite"]["name"],
        temperature=facts["temperature"],
        classes=len(facts["classes"]),
        bias=facts.get("bias"),
    )


@NETWORKS
def test_the_files_are_those_that_the_facts_describe(path: Path) -> None:
    facts = facts_of(path)
    assert tuple(facts["classes"]) == TASKS[facts.get("task", "emotions")]
    for file in facts["files"].values():
        content = (SHIPPED / file["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert path.with_suffix(".md").is_file()


def test_all_networks_together_are_small() -> None:
    total = sum(path.stat().st_size for path in SHIPPED.iterdir())
    assert total < 40 * MEGABYTE


@NETWORKS
def test_no_optimiser_is_shipped(path: Path) -> None:
    with zipfile.ZipFile(SHIPPED / facts_of(path)["files"]["keras"]["name"]) as archive:
        weights = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(weights), "r") as file:
        assert "optimizer" not in file


@CLASSIFIERS
def test_the_litert_file_answers_as_keras_does(path: Path) -> None:
    with np.load(TENSORS / f"{path.stem}.npz", allow_pickle=False) as tensors:
        coarse, answers = tensors["coarse"], tensors["answers"]
        assert tuple(tensors["classes"]) == tuple(facts_of(path)["classes"])
    facts = facts_of(path)
    served = Classifier(
        SHIPPED / facts["files"]["tflite"]["name"],
        temperature=1.0,
        classes=len(facts["classes"]),
    ).probabilities(spread(coarse))
    expected = np.exp(answers)
    most = 0.1 if facts["precision"] == "int8" else 0.001
    assert np.abs(served - expected).max() < most
    second, first = np.sort(expected, axis=1)[:, -2:].T
    clear = first - second > most
    assert clear.sum() >= 4  # of 24: among 26 letters fewer are clear
    assert (served.argmax(axis=1) == expected.argmax(axis=1))[clear].all()


@CLASSIFIERS
def test_answers_are_shares_of_one_in_the_shape_of_the_classes(path: Path) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
    answers = open_classifier(path).probabilities(faces)
    assert answers.shape == (5, len(facts_of(path)["classes"]))
    assert answers.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def ask(network: Path, files: list[bytes]) -> list[NDArray[np.float32]]:
    """What the server's engine says of the first face of each picture."""
    facts = facts_of(network)
    model = Model(open_classifier(network), facts["tag"], facts["crop"]["margin"])
    engine = Engine(model)
    engine.start()
    try:
        answers = [engine.predict_blocking(Request(data, engine.clock())) for data in files]
    finally:
        engine.stop()
    faces = []
    for answer in answers:
        assert isinstance(answer, Prediction)
        faces.append(answer.faces[0].probabilities)
    return faces


EMOTION_NETWORKS = [path for path in WHOLE if facts_of(path).get("task") == "emotions"]


@pytest.mark.parametrize("path", EMOTION_NETWORKS, ids=lambda path: path.stem)
def test_the_order_of_the_emotions_is_right(path: Path) -> None:
    """Collins smiles; Hopper looks stern."""
    smiling, stern = ask(path, [COLLINS.read_bytes(), HOPPER.read_bytes()])
    assert EMOTIONS[int(np.argmax(smiling))] == "happy"
    assert EMOTIONS[int(np.argmax(stern))] in {"neutral", "sad", "angry"}


@pytest.mark.parametrize("path", EMOTION_NETWORKS, ids=lambda path: path.stem)
def test_the_server_and_the_training_code_give_the_same_labels(path: Path, tmp_path: Path) -> None:
    """From the JPEG files of both packs: small gray ones, and larger ones."""
    labelled = read_labelled(write_packs(tmp_path), EMOTIONS)
    served = np.stack(ask(path, labelled.files))
    trained = open_classifier(path).probabilities(as_colour(read_split(tmp_path, "val").images))
    assert (served.argmax(axis=1) == trained.argmax(axis=1)).all()
    assert served == pytest.approx(trained, abs=0.02)
