import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import ModelActivation, ModelVersion, PredictionLog
from predictions.services import give_consent
from predictions.tests.factories import NOON, a_row, a_version
from predictions.versions import active_version, folder_of
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db
LIST = "admin:predictions_modelversion_changelist"
PAGES = ["predictionlog", "emotionclass", "modelversion", "modelactivation", "cameraconsent"]


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(a_user("root", role=User.Role.ADMIN))
    return client


def act(client: Client, action: str, *versions: ModelVersion) -> None:
    chosen = [version.pk for version in versions]
    answer = client.post(reverse(LIST), {"action": action, "_selected_action": chosen})
    assert answer.status_code == 302


@pytest.mark.parametrize("page", PAGES)
def test_staff_see_each_list_and_may_add_nothing(staff: Client, page: str) -> None:
    give_consent(a_user(), at=NOON)
    a_row(a_user())
    assert staff.get(reverse(f"admin:predictions_{page}_changelist")).status_code == 200
    assert staff.get(reverse(f"admin:predictions_{page}_add")).status_code == 403


def test_a_user_sees_no_list() -> None:
    client = Client()
    client.force_login(a_user())
    assert client.get(reverse("admin:predictions_predictionlog_changelist")).status_code != 200


def test_a_prediction_cannot_be_changed(staff: Client) -> None:
    row = a_row()
    staff.post(reverse("admin:predictions_predictionlog_delete", args=[row.pk]), {"post": "yes"})
    assert PredictionLog.objects.filter(pk=row.pk).exists()


def test_a_version_is_activated_and_rolled_back(staff: Client) -> None:
    first, second = a_version("one"), a_version("two", active=False)
    act(staff, "activate", second)
    assert active_version() == second
    assert ModelActivation.objects.latest("pk").by == User.objects.get(username="root")
    act(staff, "activate", first, second)
    assert active_version() == second
    act(staff, "roll_back", second)
    assert active_version() == first
    (folder_of(second) / second.tflite_file).unlink()
    act(staff, "activate", second)
    assert active_version() == first
