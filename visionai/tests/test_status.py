import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.client import Client as Caller
from sessions_app.models import Sesion
from sessions_app.services import start_session
from sessions_app.tokens import issue_tokens
from visionai import status
from visionai.status import Check, Trouble

pytestmark = pytest.mark.django_db
PATHS = ["/status", "/status/", "/status/health", "/status/websocket", "/resilience/health"]


def bearer(user: User) -> dict[str, str]:
    at = timezone.now()
    caller = Caller(ip="192.0.2.1", user_agent="a test")
    sesion = start_session(user, kind=Sesion.Kind.API, client=caller, at=at)
    return {"Authorization": f"Bearer {issue_tokens(sesion, at=at).access}"}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise Trouble("cable is out")

    monkeypatch.setattr(status, "checks", [*status.checks, Check("lamp", fail, required=True)])


@pytest.mark.parametrize("path", PATHS)
def test_anyone_sees_names_and_up_or_down_alone(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok"
    assert all(set(part) == {"status"} for part in body["checks"].values())


def test_staff_see_details_by_token(client: Client) -> None:
    admin = User.objects.create_superuser("ada")
    body = client.get("/status", headers=bearer(admin)).json()
    assert set(body["checks"]) >= {"database", "cache", "websocket", "disk"}
    assert body["checks"]["database"]["detail"].endswith("migrations")
    assert body["checks"]["database"]["ms"] >= 0


def test_the_database_is_for_staff(client: Client) -> None:
    assert client.get("/status/database").status_code == 401
    stranger = User.objects.create_user("bob")
    assert client.get("/status/database", headers=bearer(stranger)).status_code == 403
    admin = User.objects.create_superuser("ada")
    answer = client.get("/status/database/", headers=bearer(admin))
    assert answer.status_code == 200
    assert list(answer.json()["checks"]) == ["database"]


def test_health_is_503_when_a_required_part_is_down(client: Client, broken: None) -> None:
    answer = client.get("/status/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["lamp"] == {"status": "down"}
    assert "cable" not in answer.content.decode()
    assert client.get("/status").status_code == 200


def test_staff_are_told_why_a_part_is_down(client: Client, broken: None) -> None:
    admin = User.objects.create_superuser("ada")
    body = client.get("/status", headers=bearer(admin)).json()
    assert body["checks"]["lamp"]["detail"] == "Trouble: cable is out"


def test_a_full_disk_degrades(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "LEAST_FREE_BYTES", 2**80)
    answer = client.get("/status/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_an_answer_carries_the_number_of_its_request(client: Client) -> None:
    made = client.get("/status")["X-Request-ID"]
    assert len(made) == 16
    assert client.get("/status", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    bad = client.get("/status", headers={"X-Request-ID": "a b<"})["X-Request-ID"]
    assert bad != "a b<"
