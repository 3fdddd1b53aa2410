"""`/metrics`: who may read it, and that no label names a person."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.tests.factories import a_session
from visionai.tests.test_status import bearer

pytestmark = pytest.mark.django_db
FAR = {"REMOTE_ADDR": "192.0.2.9"}
TOKEN = "a-token-of-thirty-letters-or-so"


def test_strangers_may_not_read_them(client: Client) -> None:
    assert client.get("/metrics", **FAR).status_code == 401  # type: ignore[arg-type]
    user = User.objects.create_user("bob")
    answer = client.get("/metrics", headers=bearer(user), **FAR)  # type: ignore[arg-type]
    assert answer.status_code == 403


def test_a_request_through_a_proxy_is_not_this_machine_s(client: Client) -> None:
    assert client.get("/metrics").status_code == 200  # from 127.0.0.1
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        assert client.get("/metrics", headers={name: "1.1 proxy"}).status_code == 401


def test_the_token_lets_a_program_in(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    good = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", headers=good, **FAR).status_code == 200  # type: ignore[arg-type]
    bad = {"Authorization": f"Bearer {TOKEN}x"}
    assert client.get("/metrics", headers=bad, **FAR).status_code == 401  # type: ignore[arg-type]
    settings.METRICS_TOKEN = None
    empty = {"Authorization": "Bearer "}
    assert client.get("/metrics", headers=empty, **FAR).status_code == 401  # type: ignore[arg-type]


def test_staff_read_them_from_anywhere(client: Client) -> None:
    admin = User.objects.create_superuser("ada")
    answer = client.get("/metrics", headers=bearer(admin), **FAR)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["Cache-Control"] == "no-store"


def test_they_count_and_name_nobody(client: Client) -> None:
    a_session(User.objects.create_user("zacarias"), at=timezone.now())
    client.get("/no/such/page")
    told = client.get("/metrics").content.decode()
    assert "visionai_sessions_open 1.0" in told
    assert 'visionai_part_works{part="database"} 1.0' in told
    assert 'visionai_request_seconds_count{method="GET",status="4xx"}' in told
    assert "zacarias" not in told
