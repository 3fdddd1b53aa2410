"""Candle files, strategies and promotion over the API, as owner, stranger and nobody."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading import lab_services, lab_store
from trading.core.candle_csv import write_candles
from trading.core.strategies import BadParameters, checked
from trading.core.synthetic import persistent
from trading.models import Agent, CandleFile, TradingSession
from trading.tests.factories import NOON, a_trading_session
from trading.tests.test_lab import a_done_agent

pytestmark = pytest.mark.django_db
CANDLES = "/api/v1/trading/candles"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def a_file(name: str = "EURUSD.csv", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(
        name, write_candles(persistent(300, seed=3)).encode() if data is None else data
    )


def test_candles_are_uploaded_listed_tried_and_deleted(
    api: Client, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading.tasks.run_lab_job.apply_async", lambda **_to: None)
    made = api.post(CANDLES, {"file": a_file()})
    body = made.json()
    assert (made.status_code, body["filename"], body["count"]) == (201, "EURUSD.csv", 300)
    assert (body["asset"], body["seconds"]) == ("EURUSD", 60)
    assert body["last_start"] - body["first_start"] == 299 * 60
    assert api.get(made["Location"]).json() == body
    assert api.get(CANDLES).json() == {"candles": [body]}
    asked = {"strategy": "rsi", "source": {"kind": "file", "file": body["uid"]}}
    tried = api.post(
        "/api/v1/trading/backtests", json.dumps(asked), content_type="application/json"
    )
    assert (tried.status_code, tried.json()["asset"]) == (201, "EURUSD")
    path = lab_store.candles(CandleFile.objects.get().uid)
    assert path.exists()
    assert api.delete(made["Location"]).status_code == 204
    assert not path.exists()
    assert api.get(CANDLES).json() == {"candles": []}
    assert api.delete(made["Location"]).status_code == 404


def test_candle_files_are_their_owners_alone(api: Client, ana: User) -> None:
    data = write_candles(persistent(300, seed=3)).encode()
    foreign = lab_services.upload_candles(a_user(), filename="a.csv", data=data, at=NOON)
    assert api.get(CANDLES).json() == {"candles": []}
    for method in ("GET", "DELETE"):
        for asked in (foreign.uid, uuid.uuid4(), "-" * 36):
            answer = api.generic(method, f"{CANDLES}/{asked}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert Client().generic(method, f"{CANDLES}/{foreign.uid}").status_code == 401
    assert CandleFile.objects.get() == foreign
    assert lab_store.candles(foreign.uid).exists()


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("a.txt", None, 422, "bad_candles"),
        ("..csv", b"", 422, "bad_candles"),
        ("a.csv", b"time,open\n1,2", 422, "bad_candles"),
        ("a.csv", b"\xff\xfe\x00", 422, "bad_candles"),
        ("a.csv", b"x" * (16 * 2**20 + 1), 422, "bad_candles"),
    ],
)
def test_what_is_no_candles_is_refused_and_leaves_nothing(
    api: Client, folder: Path, name: str, data: bytes | None, status: int, code: str
) -> None:
    refused = api.post(CANDLES, {"file": a_file(name, data)})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["detail"]
    assert not CandleFile.objects.exists()
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_file_is_needed_and_as_a_file(api: Client) -> None:
    for body in ({}, {"file": "time,open,high,low,close"}):
        refused = api.post(CANDLES, body)
        assert (refused.status_code, refused.json()["code"]) == (400, "no_file")


def test_there_is_an_end_to_files_of_one_user(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_services, "MOST_FILES", 1)
    assert api.post(CANDLES, {"file": a_file()}).status_code == 201
    twice = api.post(CANDLES, {"file": a_file()})
    assert (twice.status_code, twice.json()["why"]) == (422, "name_taken")
    full = api.post(CANDLES, {"file": a_file("b.csv")})
    assert (full.status_code, full.json()["code"]) == (409, "quota_reached")


def test_each_strategy_tells_what_its_parameters_may_be(api: Client) -> None:
    answer = api.get("/api/v1/trading/strategies", headers={"accept-language": "en"})
    told = {one["name"]: one for one in answer.json()["strategies"]}
    assert set(told) == {"hold", "momentum", "reversal", "rsi", "agent"}
    assert told["rsi"]["schema"]["properties"]["period"] == {
        "title": "Candles looked at",
        "type": "integer",
        "minimum": 2,
        "maximum": 100,
        "default": 14,
    }
    assert told["agent"]["schema"]["required"] == ["agent"]
    spanish = api.get("/api/v1/trading/strategies", headers={"accept-language": "es"})
    assert spanish.json()["strategies"][0]["title"] == "Esperar"


def test_a_schema_says_what_the_strategy_takes(api: Client) -> None:
    tried = 0
    for one in api.get("/api/v1/trading/strategies").json()["strategies"]:
        for name, schema in one["schema"]["properties"].items():
            if schema["type"] == "string":
                continue
            for bound, beyond in (("minimum", -1), ("maximum", 1)):
                checked(one["name"], {name: schema[bound]})
                with pytest.raises(BadParameters):
                    checked(one["name"], {name: schema[bound] + beyond})
            assert checked(one["name"], {})[name] == schema["default"]
            tried += 1
    assert tried == 7


def promote(api: Client, agent: object, session: object) -> Any:
    return api.post(
        f"/api/v1/trading/agents/{agent}/promote",
        json.dumps({"session_id": str(session)}),
        content_type="application/json",
    )


def test_a_session_follows_an_agent_of_its_owner(api: Client, ana: User) -> None:
    agent, session = a_done_agent(ana), a_trading_session(ana)
    body = promote(api, agent.uid, session.pk).json()
    assert body["bot"]["strategy"] == "agent"
    assert body["bot"]["parameters"] == {"agent": str(agent.uid)}
    assert body["session_id"] == str(session.pk)
    session.refresh_from_db()
    assert (session.strategy, session.event_seq) == ("agent", 1)


def test_neither_agent_nor_session_may_be_a_strangers(api: Client, ana: User) -> None:
    stranger = a_user()
    mine, hers = a_done_agent(ana), a_done_agent(stranger)
    my_session, her_session = a_trading_session(ana), a_trading_session(stranger)
    for agent, session in [
        (mine.uid, her_session.pk),
        (hers.uid, my_session.pk),
        (hers.uid, her_session.pk),
        (uuid.uuid4(), my_session.pk),
        (mine.uid, "no-uuid"),
    ]:
        refused = promote(api, agent, session)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert promote(Client(), mine.uid, my_session.pk).status_code == 401
    assert not TradingSession.objects.filter(strategy="agent").exists()


def test_real_money_needs_an_edge_and_any_needs_a_trained_agent(api: Client, ana: User) -> None:
    real = a_trading_session(ana, account_type="REAL")
    refused = promote(api, a_done_agent(ana).uid, real.pk)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_demonstrated_edge")
    untrained = Agent.objects.create(
        owner=ana, name="x", source={}, asset="a", seconds=60, minutes=1, created_at=NOON
    )
    refused = promote(api, untrained.uid, a_trading_session(ana).pk)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_trained")
    assert promote(api, untrained.uid, "").status_code == 400
