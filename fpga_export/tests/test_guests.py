"""Clients without an account: shut out by default; where they are let in, each one alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import FirebaseIdentity, User
from fpga_export import guests, room, services, store
from fpga_export.edges import Makes
from fpga_export.guests import COOKIE, HEADER
from fpga_export.models import ExportSession, FaultDefault, Guest, UploadedNetwork
from fpga_export.tests.test_services import AtOnce
from sessions_app.client import Client
from sessions_app.firebase import person_of
from sessions_app.models import FirebaseLogin, Sesion
from sessions_app.services import start_session
from visionai.lib.jobs import JobState

pytestmark = pytest.mark.django_db
HERE = Client(ip="192.0.2.7", user_agent="")
SMALL = "letters-small-v1.keras"
WEIGHTS = {"kind": "weights", "network": SMALL}


@pytest.fixture
def let_in(settings: Any) -> None:
    settings.ALLOW_ANONYMOUS_EXPORTS = True


def upload(client: APIClient, name: str = "mine.keras", **headers: str) -> Any:
    file = SimpleUploadedFile(name, store.shipped()[SMALL].read_bytes())
    return client.post("/upload_model/", {"file": file}, format="multipart", **headers)  # type: ignore[arg-type]


def names(client: APIClient, **headers: str) -> list[str]:
    answer = client.get("/list_models/", **headers)  # type: ignore[arg-type]
    return [one["filename"] for one in answer.json()["models"]]


CALLS: list[Callable[[APIClient], Any]] = [
    lambda client: client.get("/api/v1/hardware/networks"),
    lambda client: client.get("/list_sessions/"),
    lambda client: client.post("/api/v1/hardware/exports", WEIGHTS),
    lambda client: client.get("/download_file/x.png"),
    lambda client: client.post("/fault_injector/configure/", {"enabled": False, "layers": {}}),
    lambda client: client.delete("/cleanup_sessions/"),
]


@pytest.mark.parametrize("call", CALLS)
def test_by_default_a_login_is_needed(call: Callable[[APIClient], Any]) -> None:
    assert call(APIClient()).status_code == 401
    assert not Guest.objects.exists()


@pytest.mark.usefixtures("let_in")
def test_looking_around_leaves_no_trace() -> None:
    client = APIClient()
    answer = client.get("/list_models/")
    assert answer.status_code == 200
    assert HEADER not in answer
    assert client.get("/list_sessions/").json()["total_sessions"] == 0
    assert client.get("/download_file/x.png").status_code == 404
    assert not Guest.objects.exists()


@pytest.mark.usefixtures("let_in")
def test_a_guest_finds_its_own_by_cookie_and_by_header() -> None:
    browser = APIClient()
    made = upload(browser)
    assert made.status_code == 200
    cookie = made.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie.value) == (True, "Lax", made[HEADER])
    assert "mine.keras" in names(browser)
    program = APIClient()
    assert "mine.keras" in names(program, HTTP_X_CLIENT_SESSION=made[HEADER])
    assert "mine.keras" not in names(APIClient())
    # The key itself lies nowhere in the database.
    assert made[HEADER] not in str(Guest.objects.values())


@pytest.mark.usefixtures("let_in")
def test_guests_do_not_see_one_another() -> None:
    first, second = APIClient(), APIClient()
    upload(first)
    upload(second)
    assert Guest.objects.count() == 2
    upload(first, "other.keras")
    assert "other.keras" not in names(second)
    assert second.delete("/api/v1/hardware/networks/other.keras").status_code == 404


@pytest.mark.parametrize("key", ["", "x", "a" * 43, "a" * 4000])
@pytest.mark.usefixtures("let_in")
def test_a_key_that_we_did_not_give_is_nobody_s(key: str) -> None:
    answer = upload(APIClient(), HTTP_X_CLIENT_SESSION=key)
    assert answer[HEADER] != key
    assert len(answer[HEADER]) == 43


@pytest.mark.usefixtures("let_in")
def test_a_bad_token_is_an_error_and_no_guest() -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert client.get("/list_models/").status_code == 401


@pytest.mark.usefixtures("let_in")
def test_a_guest_s_run_is_its_own(at_once: AtOnce, ada: User) -> None:
    client, stranger, user = APIClient(), APIClient(), APIClient()
    user.force_authenticate(ada)
    body = WEIGHTS | {"bits": 8}
    answer = at_once(lambda: client.post("/api/v1/hardware/exports", body))
    session_id = answer.json()["session_id"]
    assert session_id.startswith("user_anonymous_")
    assert client.get(answer["Location"]).json()["state"] == JobState.DONE
    path = f"/download_file/conv1_weights.txt?t={session_id}"
    assert client.get(path).status_code == 200
    for other in (stranger, user):
        assert other.get(path).status_code == 404
        assert other.get(answer["Location"]).status_code == 404
        assert other.delete("/cleanup_sessions/?max_age_hours=0").json()["cleaned_sessions"] == 0
    assert client.delete("/cleanup_sessions/?max_age_hours=0").json()["cleaned_sessions"] == 1


@pytest.mark.usefixtures("let_in")
def test_guests_of_one_address_take_turns() -> None:
    first, second = APIClient(), APIClient()
    assert first.post("/api/v1/hardware/exports", WEIGHTS).status_code == 202
    for client in (first, second):
        answer = client.post("/api/v1/hardware/exports", WEIGHTS)
        assert (answer.status_code, answer.json()["code"]) == (409, "busy")
    running = ExportSession.objects.get().session_id
    assert running not in str(answer.json())


@pytest.mark.usefixtures("let_in")
def test_a_guest_keeps_faults_of_its_own() -> None:
    client = APIClient()
    layers = {"conv1": {"fault_type": "bit_flip", "fault_rate": 0.1}}
    client.post("/fault_injector/configure/", {"enabled": True, "layers": layers})
    assert client.get("/api/v1/hardware/faults").json()["enabled"]
    assert not APIClient().get("/api/v1/hardware/faults").json()["enabled"]
    assert FaultDefault.objects.get().guest is not None


@pytest.mark.usefixtures("let_in")
def test_guests_have_less_room_and_share_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    client = APIClient()
    monkeypatch.setattr(room, "GUEST_QUOTA", 1000)
    assert upload(client).json()["code"] == "quota"
    monkeypatch.setattr(room, "GUEST_QUOTA", 10**9)
    monkeypatch.setattr(room, "GUESTS_QUOTA", 300_000)
    assert upload(client).status_code == 200
    full = upload(APIClient())
    assert (full.status_code, full.json()["code"]) == (409, "quota")
    assert UploadedNetwork.objects.count() == 1


@pytest.mark.usefixtures("let_in")
def test_a_guest_who_stays_away_is_forgotten_with_all_that_is_its_own() -> None:
    client = APIClient()
    upload(client)
    upload(APIClient())
    old, young = Guest.objects.order_by("pk")
    Guest.objects.filter(pk=old.pk).update(last_seen=timezone.now() - timedelta(hours=25))
    stored = store.networks() / UploadedNetwork.objects.get(guest=old).stored
    assert guests.forget_guests(age=services.AGE, at=timezone.now()) == 1
    assert (stored.exists(), list(Guest.objects.all())) == (False, [young])
    assert "mine.keras" not in names(client)


@pytest.mark.usefixtures("let_in")
def test_a_guest_with_a_run_under_way_is_not_forgotten() -> None:
    APIClient().post("/api/v1/hardware/exports", WEIGHTS)
    Guest.objects.update(last_seen=timezone.now() - timedelta(days=9))
    assert guests.forget_guests(age=services.AGE, at=timezone.now()) == 0


def test_calls_that_cost_something_are_counted(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Makes, "rate", "3/min")
    client = APIClient()
    client.force_authenticate(ada)
    for _ in range(3):
        assert client.delete("/api/v1/hardware/networks/none.keras").status_code == 404
    answer = client.delete("/api/v1/hardware/networks/none.keras")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert client.get("/api/v1/hardware/networks").status_code == 200


@pytest.mark.parametrize(
    ("subject", "in_words"),
    [("8x1-Zq", "8x1-Zq"), ("a_b", "{pk}"), ("../x", "{pk}"), ("a" * 65, "{pk}")],
)
def test_an_id_of_firebase_s_names_the_session_where_it_is_plain(
    ada: User, subject: str, in_words: str
) -> None:
    at = timezone.now()
    sesion = start_session(ada, kind=Sesion.Kind.FIREBASE, client=HERE, at=at)
    for known in ("another", subject):
        FirebaseIdentity.objects.create(user=ada, project="p", subject=known, linked_at=at)
    person = person_of("p", subject)
    FirebaseLogin.objects.create(person=person, auth_time=at, sesion=sesion)
    uid = in_words.format(pk=ada.pk)
    assert services.new_session_id(ada, sesion, at).startswith(f"user_{uid}_{int(at.timestamp())}_")
    browser = start_session(ada, kind=Sesion.Kind.BROWSER, client=HERE, at=at)
    assert services.new_session_id(ada, browser, at).startswith(f"user_{ada.pk}_")


def test_a_guest_s_cookie_counts_for_no_page_of_another_origin(let_in: None) -> None:
    browser = APIClient()
    assert upload(browser).status_code == 200
    assert "mine.keras" in names(browser)
    assert "mine.keras" in names(browser, HTTP_ORIGIN="http://testserver")
    for origin in ("http://localhost:3000", "https://testserver", "null", "http://testserver.evil"):
        assert "mine.keras" not in names(browser, HTTP_ORIGIN=origin)
        gone = browser.post("/delete_models/", ["mine.keras"], HTTP_ORIGIN=origin)
        assert gone.json()["deleted_models"] == []
    # A program that sends its key by itself may be anywhere.
    key = {f"HTTP_{HEADER.upper().replace('-', '_')}": browser.cookies[COOKIE].value}
    assert "mine.keras" in names(APIClient(), HTTP_ORIGIN="http://localhost:3000", **key)
