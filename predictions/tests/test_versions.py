import hashlib
import json
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from predictions import versions
from predictions.models import EmotionClass, ModelActivation, ModelVersion
from predictions.tests.factories import NOON, a_version
from predictions.versions import (
    SHIPPED,
    NoEarlierVersion,
    UnknownVersion,
    VersionFileLost,
    activate_version,
    active_version,
    fill_catalogue,
    register_version,
    roll_back_version,
)
from sessions_app.models import Change
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ModelActivation.objects.all().delete()
    ModelVersion.objects.all().delete()
    monkeypatch.setattr(versions, "SHIPPED", tmp_path)
    return tmp_path


def test_the_seven_classes_are_there_after_migrating() -> None:
    names = EmotionClass.objects.order_by("emotion_id").values_list("emotion_id", "emotion_name")
    assert list(names) == [
        (1, "angry"),
        (2, "disgust"),
        (3, "fear"),
        (4, "happy"),
        (5, "neutral"),
        (6, "sad"),
        (7, "surprise"),
    ]
    assert EmotionClass.objects.get(pk=4).description == "Felicidad o alegría"


def test_the_original_name_of_the_table_can_be_joined() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT emotion_name FROM emotion_class WHERE emotion_id = 6")
        assert cursor.fetchone() == ("sad",)


def test_a_shipped_version_is_registered_and_active_and_stays_as_it_is(
    nothing_shipped: Path,
) -> None:
    card = {
        "tag": "v2.0.0",
        "files": {
            "keras": {"name": "emotions-v2.keras"},
            "tflite": {"name": "emotions-v2.tflite", "sha256": "ab" * 32},
        },
        "precision": "int8",
        "temperature": 1.25,
        "bias": [0, 0.5, 0, 0, 0, 0, 0],
        "crop": {"margin": 0.02},
        "input_shape": "(None, 96, 96, 3)",
        "total_params": 3_000_000,
        "metrics": {"accuracy": 0.8},
    }
    (nothing_shipped / "emotions-v2.json").write_text(json.dumps(card))
    fill_catalogue()
    fill_catalogue()
    version = ModelVersion.objects.get()
    assert (version.version_tag, version.active, version.crop_margin) == ("v2.0.0", True, 0.02)
    assert version.bias == [0, 0.5, 0, 0, 0, 0, 0]
    assert versions.folder_of(version) == nothing_shipped
    assert ModelActivation.objects.count() == 1


def test_a_newer_shipped_version_takes_over_but_not_from_an_own_one(nothing_shipped: Path) -> None:
    (nothing_shipped / "net").write_bytes(b"")
    digest = hashlib.sha256(b"").hexdigest()

    def ship(number: int) -> None:
        card = {
            "tag": f"v{number}",
            "files": {"keras": {"name": ""}, "tflite": {"name": "net", "sha256": digest}},
            "precision": "int8",
            "temperature": 1,
            "crop": {"margin": 0},
            "input_shape": "",
            "total_params": 1,
            "metrics": {"classes": [], "sets": []},
        }
        (nothing_shipped / f"emotions-v{number}.json").write_text(json.dumps(card))

    def active_tag() -> str:
        fill_catalogue()
        active = active_version()
        return active.version_tag if active else ""

    ship(1)
    assert active_tag() == "v1"
    ship(2)
    assert active_tag() == "v2"
    assert roll_back_version(at=NOON).version_tag == "v1"
    assert active_tag() == "v1"
    a_version("own")
    ship(3)
    assert active_tag() == "own"


def test_figures_that_were_measured_anew_are_followed(nothing_shipped: Path) -> None:
    path = nothing_shipped / "emotions-v2.json"
    card = json.loads((SHIPPED / "emotions-v2.json").read_text())
    path.write_text(json.dumps(card))
    fill_catalogue()
    path.write_text(json.dumps(card | {"metrics": {"sets": []}, "temperature": 9.0}))
    fill_catalogue()
    version = ModelVersion.objects.get()
    assert version.metrics == {"sets": []}
    assert version.temperature == card["temperature"]


def test_the_first_version_is_active_and_a_later_one_waits() -> None:
    first = a_version("one", active=False)
    second = a_version("two", active=False)
    assert (first.active, second.active) == (True, None)


def test_activation_moves_the_one_mark_and_tells_every_process() -> None:
    a_version("one")
    a_version("two", active=False)
    user = a_user()
    activate_version("two", by=user, at=NOON)
    active = active_version()
    assert active is not None
    assert active.version_tag == "two"
    assert ModelVersion.objects.filter(active=True).count() == 1
    assert ModelActivation.objects.latest("pk").by == user
    assert Change.objects.latest("pk").kind == "model_activated"
    assert Change.objects.latest("pk").subject == str(active.pk)


def test_activating_the_active_version_again_changes_nothing() -> None:
    a_version("one")
    activate_version("one", by=None, at=NOON)
    assert ModelActivation.objects.count() == 1


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(UnknownVersion):
        activate_version("none", by=None, at=NOON)


def test_a_version_whose_file_is_lost_or_changed_is_not_put_to_work() -> None:
    first = a_version("lost")
    second = a_version("second")
    file = versions.folder_of(first) / first.tflite_file
    for spoil in (lambda: file.write_bytes(b"other"), file.unlink):
        spoil()
        with pytest.raises(VersionFileLost):
            activate_version("lost", by=None, at=NOON)
        with pytest.raises(VersionFileLost):
            roll_back_version(at=NOON)
        assert active_version() == second
    assert ModelActivation.objects.filter(undone_at=None).count() == 2


def test_rolling_back_goes_one_activation_back_each_time() -> None:
    for tag in ("one", "two", "three"):
        a_version(tag)
    assert roll_back_version(at=NOON).version_tag == "two"
    assert roll_back_version(at=NOON).version_tag == "one"
    with pytest.raises(NoEarlierVersion):
        roll_back_version(at=NOON)
    assert active_version() == ModelVersion.objects.get(version_tag="one")


def test_two_versions_cannot_be_active() -> None:
    a_version("one")
    second = a_version("two", active=False)
    second.active = True
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save(update_fields=["active"])


def test_a_version_that_is_known_is_not_registered_anew() -> None:
    a_version("one")
    again = versions.VersionFacts("one", "other.tflite", "1" * 64, "fp32", 2.0)
    version = register_version(again, folder=ModelVersion.Folder.DATA, at=NOON)
    assert version.tflite_file == "one.tflite"
