"""The network for letters as it is shipped, behind its entrances."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rest_framework.test import APIClient

from predictions import letters
from predictions.core.classifier import Classifier, ModelUnfit
from predictions.core.images import decode
from predictions.core.labels import LETTERS
from predictions.core.letters import fit
from predictions.tests.pictures import encoded
from predictions.tests.test_letters_api import CANONICAL, CARDS, owner, send, stranger
from predictions.training.letters.small import SmallNetwork
from predictions.training.tensors import TENSORS, spread
from predictions.versions import SHIPPED
from tests.services.server import ROOT, environment_for

__all__ = ["owner", "stranger"]  # fixtures
MEDIA = Path(__file__).parent / "media"
SMALL = SHIPPED / "letters-small-v1.json"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    letters.forget_network()


@pytest.mark.parametrize("path", [*CARDS, "/api/v1/letters/model/", "/asl/modelo/info/"])
def test_anyone_may_read_the_card(stranger: APIClient, owner: APIClient, path: str) -> None:
    body = stranger.get(path).json()
    assert body == owner.get(path).json()
    assert (body["status"], body["num_classes"]) == ("loaded", 26)
    assert body["classes"] == list(LETTERS)
    assert body["movement_letters"] == ["J", "Z"]
    assert body["total_params"] <= 2_000_000
    assert {one["name"] for one in body["metrics"]["sets"]} >= {"validation", "unseen"}


@pytest.mark.parametrize("letter", ["B", "J", "L", "V", "W", "Y"])
def test_the_shipped_network_reads_a_hand(stranger: APIClient, letter: str) -> None:
    body = send(stranger, CANONICAL, (MEDIA / f"hand-{letter.lower()}.jpg").read_bytes()).json()
    assert body["letter"] == letter
    assert body["movement"] is (letter == "J")
    assert not body["abstained"]


def test_a_left_hand_is_read_as_a_right_one(stranger: APIClient) -> None:
    pixels = decode((MEDIA / "hand-l.jpg").read_bytes()).pixels
    hands = (pixels, np.ascontiguousarray(pixels[:, ::-1]))
    right, left = (send(stranger, CANONICAL, encoded(hand, "PNG")).json() for hand in hands)
    assert right["letter"] == left["letter"] == "L"
    assert right["confidence"] == pytest.approx(left["confidence"], abs=0.001)


def test_the_shipped_network_reads_a_picture(stranger: APIClient) -> None:
    body = send(stranger, CANONICAL).json()
    assert len(body["alternatives"]) == 3
    assert 0 < body["confidence"] <= 1
    assert body["model_version_tag"] == "letters-v2"


def test_a_damaged_network_is_not_used(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    letters.forget_network()
    shipped = letters.SHIPPED_CARD
    (tmp_path / shipped.name).write_bytes(shipped.read_bytes())
    tflite = shipped.with_suffix(".tflite")
    (tmp_path / tflite.name).write_bytes(tflite.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(letters, "SHIPPED_CARD", tmp_path / shipped.name)
    assert send(stranger, CANONICAL).status_code == 503


def test_reading_a_letter_imports_no_tensorflow(tmp_path: Path) -> None:
    picture = tmp_path / "hand.jpg"
    picture.write_bytes(encoded(np.full((96, 96, 3), 90, np.uint8)))
    code = (
        "import sys, django; django.setup()\n"
        "from pathlib import Path\n"
        "from predictions.letters import read_letter\n"
        f"read_letter(Path({str(picture)!r}).read_bytes())\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment_for(tmp_path) | {"DJANGO_SETTINGS_MODULE": "visionai.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


# The sample for hardware


def test_the_small_network_is_of_plain_layers_and_fits_hardware() -> None:
    facts = json.loads(SMALL.read_text())
    assert facts["total_params"] <= 60_000
    assert facts["input_shape"] == "(None, 32, 32, 1)"
    assert tuple(facts["classes"]) == LETTERS
    with zipfile.ZipFile(SMALL.with_suffix(".keras")) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    kinds = [layer["class_name"] for layer in layers]
    assert kinds[0] == "InputLayer"
    assert set(kinds[1:-1]) == {"Conv2D", "MaxPooling2D", "Flatten", "Dense"}
    assert kinds[-1] == "Softmax"
    used = {layer["config"].get("activation") for layer in layers[1:-1]}
    assert used <= {"relu", "linear", None}


def test_the_small_litert_file_answers_as_keras_does() -> None:
    with np.load(TENSORS / "letters-small-v1.npz", allow_pickle=False) as tensors:
        coarse, expected = tensors["coarse"], np.exp(tensors["answers"])
        assert tuple(tensors["classes"]) == LETTERS
    served = SmallNetwork(SMALL.with_suffix(".tflite")).probabilities(spread(coarse))
    assert served.shape == (24, 26)
    assert np.abs(served - expected).max() < 0.1
    second, first = np.sort(expected, axis=1)[:, -2:].T
    clear = first - second > 0.1
    assert clear.sum() >= 4
    assert (served.argmax(axis=1) == expected.argmax(axis=1))[clear].all()


def test_the_small_network_reads_most_of_the_hands_too() -> None:
    files = [(MEDIA / f"hand-{letter.lower()}.jpg").read_bytes() for letter in "BJLVWY"]
    hands = np.stack([fit(decode(data).pixels) for data in files])
    said = SmallNetwork(SMALL.with_suffix(".tflite")).probabilities(hands).argmax(axis=1)
    assert sum(LETTERS[index] == letter for index, letter in zip(said, "BJLVWY", strict=True)) >= 5


def test_the_small_network_is_no_classifier_of_the_server() -> None:
    with pytest.raises(ModelUnfit, match=r"the input is \(1, 32, 32, 1\)|\(None, 32, 32, 1\)"):
        Classifier(SMALL.with_suffix(".tflite"), temperature=1.0, classes=26)
