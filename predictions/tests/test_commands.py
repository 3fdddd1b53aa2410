from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from predictions.models import ModelActivation, ModelVersion
from predictions.tests.factories import a_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_versions() -> None:
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
