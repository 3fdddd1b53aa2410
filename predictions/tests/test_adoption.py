import json
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from predictions import adoption
from predictions.adoption import NotAdopted, adopt
from predictions.models import ModelVersion
from predictions.training.adopt import Unfit, check_classes, class_names, read_config
from predictions.versions import active_version

pytestmark = pytest.mark.django_db

MAKE = """
import sys, keras
inputs = keras.Input((96, 96, 3))
x = keras.layers.Conv2D(4, 3, strides=8, activation="relu")(inputs)
x = keras.layers.GlobalAveragePooling2D()(x)
keras.Model(inputs, keras.layers.Dense({classes}, activation="softmax")(x)).save(sys.argv[1])
"""


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def make(path: Path, *, classes: int = 7) -> Path:
    """In a process of its own: TensorFlow has no place in ours."""
    code = MAKE.format(classes=classes)
    command = [sys.executable, "-W", "ignore", "-c", code, str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_a_keras_file_becomes_a_version_that_waits(tmp_path: Path) -> None:
    before = active_version()
    path = make(tmp_path / "modelo_emociones.h5")
    version = adopt(path)
    assert (version.folder, version.precision) == (ModelVersion.Folder.DATA, "fp32")
    assert version.total_params == 4 * 27 + 4 + 4 * 7 + 7
    assert version.active is None
    assert active_version() == before
    assert (settings.DATA_DIR / "models" / version.tflite_file).is_file()
    assert adopt(path) == version


def test_a_network_of_another_shape_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(NotAdopted, match="not \\(None, 96, 96, 3\\) into \\(None, 7\\)"):
        adopt(make(tmp_path / "six.keras", classes=6))
    assert not ModelVersion.objects.filter(folder=ModelVersion.Folder.DATA).exists()


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
