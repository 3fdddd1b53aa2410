import json
import threading
import time

import pytest
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.client import Client as Caller
from sessions_app.models import OpenSocket, Sesion
from sessions_app.services import start_session
from sessions_app.tokens import issue_tokens
from visionai import machine, pulses, status
from visionai.status import Check, Trouble
from visionai.tasks import pulse

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


@pytest.fixture(autouse=True)
def _alive() -> None:
    """Workers and their clock, as `manage.py up` starts them."""
    for name in (*status.QUEUES, pulses.CLOCK):
        pulses.give(name)


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


@pytest.mark.parametrize(
    ("name", "part"), [("quick", "workers"), ("heavy", "workers"), (pulses.CLOCK, "clock")]
)
def test_silence_of_a_worker_or_of_the_clock_degrades(client: Client, name: str, part: str) -> None:
    cache.set(f"pulse:{name}", time.time() - 200)
    body = client.get("/status").json()
    assert (body["status"], body["checks"][part]["status"]) == ("degraded", "degraded")
    cache.delete(f"pulse:{name}")
    assert client.get("/status/health").json()["checks"][part]["status"] == "degraded"


def test_a_full_memory_degrades(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: (10 * 2**20, 2**20))
    assert client.get("/status").json()["checks"]["memory"]["status"] == "degraded"
    monkeypatch.setattr(machine, "memory", lambda: (None, None))
    assert client.get("/status").json()["checks"]["memory"]["status"] == "ok"


def test_a_channel_layer_that_loses_messages_is_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object) -> None:
        """Nothing arrives."""

    monkeypatch.setattr(status, "CHANNEL_S", 0.05)
    monkeypatch.setattr(get_channel_layer(), "send", lose)
    answer = client.get("/status/health")
    assert (answer.status_code, answer.json()["checks"]["channels"]) == (503, {"status": "down"})


def test_staff_see_sockets_by_kind(client: Client) -> None:
    now = timezone.now()
    paths = ["/ws/camera", "/ws/camera/", "/", "/ws", "/ws/trading", "/ws/unheard-of"]
    for number, path in enumerate(paths):
        OpenSocket.objects.create(
            process="p", connection=str(number), path=path, opened=now, last_seen=now
        )
    admin = User.objects.create_superuser("ada")
    body = client.get("/status/websocket", headers=bearer(admin)).json()
    told = body["checks"]["websocket"]["detail"]
    assert told.endswith("in all: any 2, camera 2, other 1, trading 1")


@pytest.mark.django_db(transaction=True)
def test_a_thread_gives_signs_until_it_is_stopped() -> None:
    stop = threading.Event()
    cache.delete("pulse:lamp")
    thread = pulses.keep_giving(["lamp"], stop=stop)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert (pulses.age("lamp") or 0) < 10


def test_the_clock_s_task_gives_a_sign() -> None:
    cache.delete(f"pulse:{pulses.CLOCK}")
    assert pulses.age(pulses.CLOCK) is None
    pulse()
    assert (pulses.age(pulses.CLOCK) or 0) < 5


def test_the_command_tells_by_its_exit_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("healthcheck")
    said = capsys.readouterr().out
    assert said.endswith("ok\n")
    assert "model" not in said  # which another process holds
    monkeypatch.setattr(status, "LEAST_FREE_BYTES", 2**80)
    with pytest.raises(SystemExit, match="1"):
        call_command("healthcheck", "--json")
    assert json.loads(capsys.readouterr().out)["checks"]["disk"]["status"] == "degraded"


@pytest.mark.usefixtures("broken")
def test_the_command_exits_with_two_when_a_required_part_is_down() -> None:
    with pytest.raises(SystemExit, match="2"):
        call_command("healthcheck")


def test_an_answer_carries_the_number_of_its_request(client: Client) -> None:
    made = client.get("/status")["X-Request-ID"]
    assert len(made) == 16
    assert client.get("/status", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    bad = client.get("/status", headers={"X-Request-ID": "a b<"})["X-Request-ID"]
    assert bad != "a b<"
