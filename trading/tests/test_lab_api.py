"""Backtests and agents over the API, as owner, stranger and nobody."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading.models import Agent, Backtest

pytestmark = pytest.mark.django_db
KINDS = [("backtests", Backtest), ("agents", Agent)]
TAILS = [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/files/a.csv")]
Model = type[Backtest] | type[Agent]


def ask(api: Client, kind: str, **body: object) -> Any:
    path = f"/api/v1/trading/{kind}"
    return api.post(path, json.dumps(body), content_type="application/json")


def a_job(owner: User, model: Model) -> Backtest | Agent:
    facts: dict[str, Any] = {"source": {}, "asset": "EURUSD-OTC", "seconds": 60, "minutes": 1}
    return model.objects.create(owner=owner, created_at=timezone.now(), **facts)


@pytest.mark.parametrize(("kind", "model"), KINDS)
def test_a_job_is_its_owners_alone(api: Client, ana: User, kind: str, model: Model) -> None:
    own, foreign = a_job(ana, model), a_job(a_user(), model)
    base = f"/api/v1/trading/{kind}"
    listed = api.get(base).json()["jobs"]
    assert [one["uid"] for one in listed] == [str(own.uid)]
    assert api.get(f"{base}/{own.uid}").json()["state"] == "queued"
    for asked in (str(foreign.uid), "-" * 36):
        for method, tail in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/cancel"),
            ("GET", "/files/a.csv"),
        ):
            answer = api.generic(method, f"{base}/{asked}{tail}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, tail)
    nobody = Client()
    for method, path in (("GET", base), ("POST", base), ("GET", f"{base}/{own.uid}")):
        assert nobody.generic(method, path).status_code == 401
    assert api.get(f"{base}/{own.uid}/files/trades.csv").status_code == 404
    assert api.post(f"{base}/{own.uid}/cancel").json() == {"cancelled": True}
    assert api.delete(f"{base}/{own.uid}").status_code == 204
    assert list(model.objects.all()) == [foreign]


def test_a_backtest_is_asked_for_once_at_a_time(api: Client) -> None:
    source = {"kind": "paper", "asset": "EURUSD-OTC", "seconds": 60, "count": 500}
    made = ask(api, "backtests", strategy="rsi", source=source, stake="5.00")
    assert (made.status_code, made.json()["name"]) == (201, "rsi")
    assert Backtest.objects.get().asked["stake"] == "5.00"
    again = ask(api, "backtests", strategy="rsi", source=source)
    assert (again.status_code, again.json()["code"]) == (409, "busy_already")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("backtests", {"strategy": "nobody"}, 422),
        ("backtests", {"strategy": "rsi", "source": {"kind": "x"}}, 422),
        ("backtests", {"strategy": "rsi", "minutes": 0}, 400),
        ("agents", {"name": ""}, 400),
        ("agents", {"name": "zorro", "source": {"kind": "paper", "asset": "NO"}}, 422),
    ],
)
def test_what_cannot_be_tried_is_refused(
    api: Client, kind: str, body: dict[str, Any], status: int
) -> None:
    refused = ask(api, kind, **body)
    assert refused.status_code == status
    assert refused.json()["detail"]
    assert not Backtest.objects.exists()
    assert not Agent.objects.exists()
