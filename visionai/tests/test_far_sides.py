"""How the providers are: in the status, and on the operator's page."""

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from assistant import health
from assistant.providers import configured
from visionai.lib.breaker import Outcome
from visionai.tests.test_status import bearer

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> Iterator[None]:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    settings.OPENAI_API_KEY = KEY
    settings.OPENAI_CHAT_MODEL = "small"
    settings.HF_API_KEY = KEY
    settings.HF_DETECT_MODEL = "yolo"
    yield
    for one in health.far_sides():
        one.close()
    configured.clear_guards()


async def open_breaker() -> None:
    (_capability, provider), *_rest = configured.outside()
    breaker = configured.guard_for("chat", provider).breaker
    for _ in range(5):
        ticket = await breaker.admit()
        assert ticket is not None
        await breaker.record(ticket, Outcome.BAD)


def test_all_is_well_while_nobody_fails(client: Client) -> None:
    answer = client.get("/resilience/health")
    assert answer.json() == {
        "status": "ok",
        "checks": {"chat.openai": {"status": "ok"}, "detect.huggingface": {"status": "ok"}},
    }
    checks = client.get("/status/health").json()["checks"]
    for name in ("chat", "transcribe", "speak", "detect", "caption"):
        assert checks[name] == {"status": "ok"}


def test_a_provider_that_rests_degrades_and_is_not_down(client: Client) -> None:
    async_to_sync(open_breaker)()
    answer = client.get("/status/health")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "degraded")
    assert [body["checks"][name]["status"] for name in ("chat", "detect")] == ["degraded", "ok"]
    body = client.get("/resilience/health").json()
    assert (body["status"], body["checks"]["chat.openai"]) == ("degraded", {"status": "degraded"})
    admin = User.objects.create_superuser("ada")
    token = bearer(admin)
    answer = client.get("/resilience/health", headers=token)
    detail = answer.json()["checks"]["chat.openai"]["detail"]
    assert "openai small: open, asked again in" in detail
    assert "canary" not in answer.content.decode()


def test_an_operator_sees_who_rests_and_asks_again(client: Client) -> None:
    async_to_sync(open_breaker)()
    admin = User.objects.create_superuser("ada")
    client.force_login(admin)
    page = client.get("/admin/proveedores/").content.decode()
    assert "small" in page
    assert "yolo" in page
    assert page.count('value="chat.openai"') == 1  # the button of the one that rests
    assert "canary" not in page
    answer = client.post("/admin/proveedores/", {"name": "chat.openai"})
    assert answer.status_code == 302
    body = client.get("/resilience/health").json()
    assert body["status"] == "ok"
    answer = client.post("/admin/proveedores/", {"name": "chat.nobody"})
    assert answer.status_code == 404


def test_the_page_is_for_staff(client: Client) -> None:
    assert client.get("/admin/proveedores/").status_code == 302
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/admin/proveedores/").status_code == 302
    assert client.post("/admin/proveedores/", {"name": "chat.openai"}).status_code == 302


def test_without_any_provider_the_page_says_what_to_do(client: Client, settings: Settings) -> None:
    settings.OPENAI_CHAT_MODEL = settings.HF_DETECT_MODEL = None
    client.force_login(User.objects.create_superuser("ada"))
    assert "docs/assistant.md" in client.get("/admin/proveedores/").content.decode()
    assert client.get("/resilience/health").json() == {"status": "ok", "checks": {}}
    assert "/admin/proveedores/" in client.get("/admin/").content.decode()
