import json
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray
from pytest_django.fixtures import Settings

from predictions import adoption
from predictions.adoption import NotAdopted, Wording, adopt
from predictions.core.classifier import Classifier
from predictions.core.labels import EMOTIONS
from predictions.models import ModelVersion
from predictions.training import adopt as adopting
from predictions.training.adopt import (
    Unfit,
    check_classes,
    check_shapes,
    class_names,
    read_config,
)
from predictions.versions import SHIPPED, active_version

pytestmark = pytest.mark.django_db

MAKE = """
import sys, keras
def make(name, side=96, channels=3, classes=7, end="softmax"):
    keras.utils.set_random_seed(4)
    faces = keras.Input((side, side, channels))
    x = keras.layers.Conv2D(4, 3, strides=8, activation="relu")(faces)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(faces, keras.layers.Dense(classes, activation=end)(x)).save(sys.argv[1] + name)
make("/modelo_emociones.h5")
make("/six.keras", classes=6)
make("/gray.keras", side=48, channels=1)
make("/odd.h5", side=64, end=None)
make("/sigmoid.keras", end="sigmoid")
"""


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in a process of its own: TensorFlow has no place in ours."""
    folder = tmp_path_factory.mktemp("networks")
    command = [sys.executable, "-W", "ignore", "-c", MAKE, str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def answers(version: ModelVersion, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    return Classifier(
        settings.DATA_DIR / "models" / version.tflite_file, temperature=1.0
    ).probabilities(faces)


def test_a_keras_file_becomes_a_version_that_waits(networks: Path) -> None:
    before = active_version()
    path = networks / "modelo_emociones.h5"
    version = adopt(path)
    assert (version.folder, version.precision) == (ModelVersion.Folder.DATA, "fp32")
    assert version.total_params == 4 * 27 + 4 + 4 * 7 + 7
    assert version.active is None
    assert active_version() == before
    assert (settings.DATA_DIR / "models" / version.tflite_file).is_file()
    assert adopt(path) == version


def test_a_network_of_another_shape_is_not_taken(networks: Path) -> None:
    with pytest.raises(NotAdopted, match=r"into \(None, 6\)\. It must read faces.*angry, disgust"):
        adopt(networks / "six.keras")
    assert not ModelVersion.objects.filter(folder=ModelVersion.Folder.DATA).exists()
    assert not list((settings.DATA_DIR / "models").iterdir())


@pytest.mark.parametrize(
    ("entry", "exit_"),
    [
        ((None, 96, 48, 3), (None, 7)),
        ((None, 96, 96, 4), (None, 7)),
        ((None, 16, 16, 1), (None, 7)),
        ((None, None, None, 3), (None, 7)),
        ([(None, 96, 96, 3)] * 2, (None, 7)),
        ((None, 96, 96, 3), [(None, 7)] * 2),
        ((None, 96, 96, 3), (None, 26)),
    ],
)
def test_only_square_faces_into_seven_numbers_fit(entry: object, exit_: object) -> None:
    with pytest.raises(Unfit, match="Change its first or last layer"):
        check_shapes(entry, exit_, classes=EMOTIONS)


def test_small_gray_networks_in_another_order_answer_in_ours(networks: Path) -> None:
    faces = np.random.default_rng(2).integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
    theirs = (*EMOTIONS[1:], EMOTIONS[0])  # their first answer is our second
    plain = adopt(networks / "gray.keras", tag="plain")
    turned = adopt(networks / "gray.keras", tag="turned", wording=Wording(order=theirs))
    assert plain.input_shape == "(None, 48, 48, 1)"
    expected = np.roll(answers(plain, faces), 1, axis=1)
    assert answers(turned, faces) == pytest.approx(expected, abs=1e-5)


def test_another_side_and_logits_are_taken_and_a_tag_names_one_file(networks: Path) -> None:
    version = adopt(networks / "odd.h5", tag="odd", activate=True)
    assert active_version() == version
    assert version.metrics["sets"] == []
    with pytest.raises(NotAdopted, match="another network is called odd"):
        adopt(networks / "gray.keras", tag="odd")
    assert adopt(networks / "odd.h5", tag="odd", wording=Wording()) == version
    with pytest.raises(NotAdopted, match="with other --pixels, --order or --margin"):
        adopt(networks / "odd.h5", tag="odd", wording=Wording(margin=0.1))
    with pytest.raises(NotAdopted, match="without --data"):
        adopt(networks / "odd.h5", tag="odd", judge=lambda _path, _facts: (1.0, {}))


def test_a_tag_whose_file_was_lost_is_refused_with_the_cure(networks: Path) -> None:
    version = adopt(networks / "odd.h5", tag="odd")
    (settings.DATA_DIR / "models" / version.tflite_file).unlink()
    with pytest.raises(NotAdopted, match="is lost; choose another tag"):
        adopt(networks / "odd.h5", tag="odd", activate=True)


def test_shares_that_do_not_sum_to_one_are_not_taken(networks: Path) -> None:
    with pytest.raises(NotAdopted, match="end it in a softmax"):
        adopt(networks / "sigmoid.keras")
    assert not ModelVersion.objects.filter(folder=ModelVersion.Folder.DATA).exists()


def test_a_network_of_our_own_training_is_taken_with_its_facts(tmp_path: Path) -> None:
    version = adopt(SHIPPED / "emotions-v2.keras", tag="again")
    original = ModelVersion.objects.get(version_tag="v2.0.0")
    assert (version.temperature, version.sha256) == (original.temperature, original.sha256)
    assert version.metrics["sets"] == original.metrics["sets"]
    for name in ("keras", "json"):
        source = SHIPPED / f"emotions-v2.{name}"
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "emotions-v2.tflite").write_bytes(b"another file")
    with pytest.raises(NotAdopted, match=r"not the file that emotions-v2\.json describes"):
        adopt(tmp_path / "emotions-v2.keras", tag="forged")


def test_facts_that_no_server_could_load_are_not_taken(tmp_path: Path) -> None:
    for name in ("emotions-v2.keras", "emotions-v2.tflite"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    facts = json.loads((SHIPPED / "emotions-v2.json").read_text())
    for wrong in ({"temperature": 0}, {"temperature": "hot"}, {"bias": [0.5]}):
        (tmp_path / "emotions-v2.json").write_text(json.dumps(facts | wrong))
        with pytest.raises(NotAdopted):
            adopt(tmp_path / "emotions-v2.keras", tag="hot")
    assert not ModelVersion.objects.filter(version_tag="hot").exists()


@pytest.mark.parametrize(
    ("name", "tag", "words"),
    [("net.onnx", "", "no Keras file"), ("net.h5", "../up", "is no tag")],
)
def test_other_files_and_tags_are_refused_at_once(
    tmp_path: Path, name: str, tag: str, words: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(NotAdopted, match=words):
        adopt(tmp_path / name, tag=tag)


def test_a_file_that_is_no_model_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "notes.h5").write_text("no model")
    with pytest.raises(NotAdopted, match="no Keras model"):
        adopt(tmp_path / "notes.h5")


def test_a_conversion_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow.h5").write_text("")
    monkeypatch.setattr(adoption, "LONGEST_S", 0.01)
    with pytest.raises(NotAdopted, match="longer than"):
        adopt(tmp_path / "slow.h5")


def test_a_model_path_that_cannot_be_used_is_said_in_one_line_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "notes.h5").write_text("no model")
    adoption._adopt_and_close(tmp_path / "notes.h5")
    assert "MODEL_PATH: notes.h5 cannot be used" in caplog.text


@pytest.mark.parametrize(
    "hidden",
    [
        {"class_name": "Lambda"},
        {"class_name": "function", "config": "get_file", "module": "keras.utils"},
        {"class_name": "Dense", "module": "os"},
    ],
)
def test_what_could_run_code_is_refused_before_anything_is_built(
    tmp_path: Path, hidden: dict[str, str]
) -> None:
    deep = {"class_name": "Functional", "config": {"layers": [{"config": {"activation": hidden}}]}}
    path = tmp_path / "hidden.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(deep)
    with pytest.raises(Unfit):
        check_classes(set(class_names(read_config(path))))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[" * 200_000 + "]" * 200_000, "no Keras model"),
        ("7", "no Keras model"),
        ('{"a": "' + " " * adopting.MOST_CONFIG + '"}', "unpacks to more"),
    ],
)
def test_an_archive_that_would_fill_memory_or_stack_is_refused(
    tmp_path: Path, config: str, words: str
) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
    with pytest.raises(Unfit, match=words):
        read_config(path)


def test_an_architecture_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "number.h5", "w") as file:
        file.attrs["model_config"] = 5
    with pytest.raises(Unfit, match="no Keras model"):
        read_config(tmp_path / "number.h5")
