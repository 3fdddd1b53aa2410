from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from predictions.models import ModelActivation, ModelVersion
from predictions.tests.factories import a_version
from predictions.tests.test_training_pictures import write_folder
from predictions.versions import SHIPPED, folder_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_versions(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path
    ModelActivation.objects.all().delete()
    ModelVersion.objects.all().delete()
    a_version("one")
    a_version("two", active=False)


def run(*command: str) -> str:
    said = StringIO()
    call_command(*command, stdout=said)
    return said.getvalue()


def test_versions_are_listed_with_a_mark_at_the_active_one() -> None:
    first, second = run("list_models").splitlines()
    assert first.startswith("* one ")
    assert second.startswith("  two ")


def test_a_version_is_activated_and_rolled_back() -> None:
    assert run("activate_model", "two") == "two is active.\n"
    assert run("roll_back_model") == "one is active.\n"
    with pytest.raises(CommandError):
        run("roll_back_model")


def test_an_unknown_tag_names_the_cure() -> None:
    with pytest.raises(CommandError, match="list_models"):
        run("activate_model", "three")


def test_a_version_that_lost_its_file_is_not_activated_and_the_reason_is_said() -> None:
    version = ModelVersion.objects.get(version_tag="two")
    (folder_of(version) / version.tflite_file).unlink()
    with pytest.raises(CommandError, match=r"two .*\.$"):
        run("activate_model", "two")


def test_a_network_is_registered_and_activated_by_its_tag() -> None:
    network = str(SHIPPED / "emotions-v2.keras")
    assert "activate_model three" in run("register_model", network, "--tag=three")
    assert "three is registered: 2,585,003 parameters, int8." in run(
        "register_model", network, "--tag=three", "--activate"
    )
    assert run("list_models").splitlines()[2].startswith("* three ")
    assert run("roll_back_model") == "one is active.\n"


def test_pictures_with_labels_calibrate_a_network_and_are_reported(tmp_path: Path) -> None:
    network = str(SHIPPED / "emotions-v2.keras")
    folder = write_folder(tmp_path / "mine", happy=6, sad=5)
    run("register_model", network, "--tag=judged", f"--data={folder}")
    version = ModelVersion.objects.get(version_tag="judged")
    assert version.metrics["sets"][0]["n"] == 11
    assert version.metrics["subject"]["temperature"] == version.temperature
    assert version.metrics["source"] == "emotions-v2.keras"


def test_a_report_is_kept_with_a_version_of_ones_own(tmp_path: Path) -> None:
    folder = str(write_folder(tmp_path / "mine"))
    run("register_model", str(SHIPPED / "emotions-v2.keras"), "--tag=own")
    assert "shows it" in run("evaluate_model", "--model=own", f"--data={folder}", "--keep")
    metrics = ModelVersion.objects.get(version_tag="own").metrics
    assert (metrics["sets"][0]["n"], metrics["source"]) == (5, "emotions-v2.keras")
    network = f"--model={SHIPPED / 'emotions-v2.tflite'}"
    with pytest.raises(CommandError, match="name it by its tag"):
        run("evaluate_model", network, f"--data={folder}", "--keep")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["gone.h5", "--tag=x", "--margin=2"], "between -0.3 and 1"),
        (["gone.keras", "--tag=x"], "gone.keras cannot be read: No such file"),
        (["manage.py", "--tag=x"], "no Keras file"),
        (["gone.h5", "--tag=x", "--order=happy,sad"], "must name each of angry, disgust"),
    ],
)
def test_a_file_that_cannot_be_registered_is_named_with_the_cure(
    command: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        run("register_model", *command)
