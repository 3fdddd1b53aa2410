"""What the assistant may look at: the asker's own, bounded, whatever a model writes."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import override

from accounts.acts import EXPORT_RUN
from accounts.models import User
from accounts.tests.factories import an_administrator
from accounts.usage import record
from assistant import hooks
from assistant.own_tools import OWN
from assistant.providers.base import Ask, Source, Turn
from assistant.providers.openai import OpenAI
from assistant.tools import MOST_CHARACTERS, bounded, checked, shown, spanned, tools_for
from fpga_export.models import ExportSession
from predictions.tests.factories import NOON, a_row
from predictions.versions import fill_catalogue
from sessions_app.tests.factories import a_session, a_user
from tests.services.openai_server import OpenAIServer
from trading.models import Order
from trading.tests.factories import a_trading_session, an_order
from visionai.lib.jobs import JobState

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db

ALL = ["search_help", "my_predictions", "my_sessions", "my_usage"]
ALL += ["my_jobs", "my_trading", "site_status"]


def look(name: str, user: User, **arguments: object) -> Mapping[str, Any]:
    return look_with(name, user, arguments)


def look_with(name: str, user: User, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """As `Tool.run` does, in this thread."""
    every = {one.name: one for one in (*OWN, *hooks.user_tools)}
    given = checked(arguments, every[name].parameters)
    with override("en"):
        found = bounded(shown(every[name].look(user, spanned(given))))
    json.dumps(found)  # plain values
    return found


def an_export(user: User, **fields: Any) -> ExportSession:
    facts: dict[str, Any] = {
        "session_id": f"user_{user.pk}_1_{ExportSession.objects.count():08x}",
        "kind": ExportSession.Kind.DESIGN,
        "network": "net.keras",
        "state": JobState.DONE,
        "created_at": NOON,
        "ended_at": NOON,
    }
    return ExportSession.objects.create(owner=user, **facts | fields)


def test_a_visitor_gets_the_help_alone_and_a_switched_off_account_too() -> None:
    ada = a_user("ada")
    assert [one.name for one in tools_for(AnonymousUser())] == ["search_help"]
    assert [one.name for one in tools_for(ada)] == ALL
    ada.is_active = False
    assert [one.name for one in tools_for(ada)] == ["search_help"]


def test_each_tool_says_what_it_takes_as_a_closed_json_schema() -> None:
    for one in tools_for(a_user()):
        assert one.parameters["type"] == "object"
        assert one.parameters["additionalProperties"] is False
        assert len(one.description) > 20
        json.dumps(one.parameters)


async def test_the_search_finds_the_page_in_either_language() -> None:
    search = tools_for(AnonymousUser())[0]
    found = await search.run({"query": "facturas"})
    assert found["found"][0]["url"] == "/ayuda/uso/"
    found = await search.run({"query": "how do I stop the bot", "language": "en"})
    assert found["found"][0]["url"] == "/ayuda/bot/"
    assert "Stop the bot" in found["found"][0]["text"]
    assert await search.run({"query": "xyzzyq"}) == {"found": [], "sources": []}


def rows_of(user: User) -> None:
    for emotion, day in (("happy", 4), ("happy", 4), ("sad", 4), ("fear", 5)):
        a_row(user, emotion=emotion, at=datetime(2026, 5, day, 12, tzinfo=UTC))


def test_predictions_are_counted_by_day_and_expression() -> None:
    ada = User.objects.create(username="ada")
    rows_of(ada)
    found = look("my_predictions", ada)
    assert (found["total"], found["by_emotion"]) == (4, {"happy": 2, "fear": 1, "sad": 1})
    assert found["latest"][0] == {
        "at": "2026-05-05T12:00:00+00:00",
        "emotion": "fear",
        "confidence": 0.5,
    }
    day = look("my_predictions", ada, from_day="2026-05-04", to_day="2026-05-04")
    assert day["total"] == 3
    assert day["sources"] == [
        {"title": "History", "url": "/historial/?from=2026-05-04&to=2026-05-04"}
    ]
    happy = look("my_predictions", ada, emotion="happy", from_day="2026-05-05")
    assert happy["total"] == 0


@pytest.mark.parametrize(
    ("period", "days", "number"),
    [
        ("today", ("2026-05-05", "2026-05-05"), 1),
        ("yesterday", ("2026-05-04", "2026-05-04"), 3),
        ("this_week", ("2026-05-04", "2026-05-05"), 4),
        ("last_month", ("2026-04-01", "2026-04-30"), 0),
    ],
)
def test_a_model_may_name_a_period_as_it_knows_no_day(
    monkeypatch: pytest.MonkeyPatch, period: str, days: tuple[str, str], number: int
) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 5, 5))
    ada = a_user("ada")
    rows_of(ada)
    found = look("my_predictions", ada, period=period)
    assert (found["from_day"], found["to_day"], found["total"]) == (*days, number)


@pytest.mark.parametrize(
    "arguments",
    [
        {"user": 1},
        {"user_id": "eve"},
        {"emotion": "joy"},
        {"emotion": 7},
        {"from_day": "yesterday"},
        {"from_day": "2026-05-05", "to_day": "2026-05-04"},
        {"from_day": "2020-05-05", "to_day": "2026-05-04"},
        {"to_day": ["2026-05-04"]},
    ],
)
def test_arguments_that_the_schema_does_not_allow_are_refused(
    arguments: dict[str, object],
) -> None:
    ada = User.objects.create(username="ada")
    with pytest.raises(ValueError, match=r"\w"):
        look_with("my_predictions", ada, arguments)


async def test_the_search_refuses_what_is_no_query() -> None:
    search = tools_for(AnonymousUser())[0]
    for arguments in ({}, {"query": 5}, {"query": "a", "language": "fr"}, ["query"]):
        with pytest.raises(ValueError, match=r"\w"):
            await search.run(arguments)  # type: ignore[arg-type]


def test_an_argument_that_is_null_counts_as_left_out() -> None:
    ada = User.objects.create(username="ada")
    assert (look("my_predictions", ada, emotion=None))["total"] == 0


def everything_of(user: User) -> None:
    rows_of(user)
    a_session(user, at=timezone.now())
    an_export(user, network="secret-of-eve.keras")
    session = a_trading_session(user, bot_asset="SECRET-ASSET")
    an_order(session, asset="SECRET-ASSET")
    record(user, act=EXPORT_RUN, key="eves", at=timezone.now())


def test_no_tool_shows_a_row_of_somebody_else() -> None:
    ada = User.objects.create(username="ada")
    eve = User.objects.create(username="eve")
    everything_of(eve)
    assert (look("my_predictions", ada))["total"] == 0
    assert (look("my_sessions", ada))["open"] == 0
    assert (look("my_jobs", ada))["total"] == 0
    trading = look("my_trading", ada)
    assert (trading["total"], trading["sessions"], trading["latest_orders"]) == (0, [], [])
    assert (look("my_usage", ada))["used_this_month"] == {}
    hers = [look(name, eve) for name in ALL[1:6]]
    assert "secret-of-eve" in json.dumps(hers)
    assert "SECRET-ASSET" in json.dumps(hers)


def test_sessions_are_the_open_ones_with_their_devices() -> None:
    ada = User.objects.create(username="ada")
    a_session(ada, at=timezone.now())
    a_session(ada, at=NOON)
    found = look("my_sessions", ada)
    assert found["open"] == 1
    assert found["sessions"][0]["device"] == "Firefox on a laptop"
    assert found["sources"] == [{"title": "My sessions", "url": "/sesiones/"}]


def test_exports_tell_how_they_ended_and_where_they_are() -> None:
    ada = User.objects.create(username="ada")

    def make() -> ExportSession:
        error = {"code": "internal", "facts": {}}
        an_export(ada, state=JobState.FAILED, error=error)
        result = {"label": "verified", "cycles": 1234, "bits": 8, "nodes": [1] * 5000, "preset": ""}
        return an_export(ada, result=result, created_at=timezone.now())

    newest = make()
    found = look("my_jobs", ada)
    assert (found["total"], found["running"]) == (2, 0)
    first, second = found["latest"]
    assert first["result"] == {"label": "verified", "cycles": 1234, "bits": 8}
    assert first["url"] == f"/hardware/trabajos/{newest.session_id}/"
    assert second["error"]["es"] != second["error"]["en"]
    assert found["sources"][0]["url"] == first["url"]
    assert look("my_jobs", ada, from_day="2026-05-05")["total"] == 1
    assert look("my_jobs", ada, to_day="2026-05-04")["total"] == 1
    assert look("my_jobs", ada, from_day="2026-05-03", to_day="2026-05-03")["total"] == 0


def test_trading_tells_the_live_sessions_else_the_last_one() -> None:
    ada = User.objects.create(username="ada")

    a_trading_session(ada, state="disconnected", created_at=NOON)
    live = a_trading_session(ada, bot_running=True, strategy="rsi", realised=Decimal("-12.50"))
    won = {"state": Order.State.SETTLED, "outcome": "won", "settled_at": NOON}
    an_order(live, profit=Decimal("8.60"), **won)
    found = look("my_trading", ada)
    assert (found["total"], found["live"], found["bots_running"]) == (2, 1, 1)
    row = found["sessions"][0]
    assert (row["balance"], row["profit"], row["won"], row["lost"]) == ("10000.00", "-12.50", 1, 0)
    assert row["url"] == f"/trading/sesiones/{live.pk}/"
    assert found["latest_orders"][0]["profit"] == "8.60"
    assert found["settled"] == [
        {"account_type": "PRACTICE", "currency": "USD", "profit": "8.60"}
        | {"won": 1, "lost": 0, "tied": 0}
    ]
    assert look("my_trading", ada, from_day="2026-05-04")["settled"] == found["settled"]
    assert look("my_trading", ada, to_day="2026-05-03")["settled"] == []
    type(live).objects.update(state="failed", bot_running=False)
    found = look("my_trading", ada)
    assert (found["live"], len(found["sessions"])) == (0, 1)


def test_usage_tells_the_plan_its_limits_and_the_bill() -> None:
    ada = User.objects.create(username="ada")
    record(ada, act=EXPORT_RUN, key="one", at=timezone.now())
    found = look("my_usage", ada)
    assert found["used_this_month"] == {"export_run": "1"}
    runs = next(one for one in found["limits"] if one["name"] == "exports_a_day")
    assert (runs["used"], runs["most"], runs["a_day"]) == (1, 500, True)
    assert found["bill_so_far"] == "0.00 EUR"


def test_the_status_is_what_everybody_may_see_even_for_staff() -> None:
    cache.clear()
    root = an_administrator()
    found = look("site_status", root)
    assert found["parts"]["database"] == "ok"
    assert "detail" not in json.dumps(found)


def test_a_result_that_is_too_long_is_cut_and_says_so() -> None:
    long = {"rows": [{"text": "x" * 100}] * 1000, "total": 1000, "links": []}
    found = bounded(long)
    assert len(json.dumps(found)) <= MOST_CHARACTERS
    assert (found["cut_short"], found["total"]) == (True, 1000)
    assert bounded({"text": "x" * MOST_CHARACTERS}) == {"error": "too_large"}


@pytest.mark.django_db(transaction=True)
async def test_a_tool_is_run_in_another_thread_for_its_own_user() -> None:
    ada = await User.objects.acreate(username="ada")
    mine = {one.name: one for one in tools_for(ada)}
    found = await mine["my_predictions"].run({"emotion": "sad"})
    assert (found["emotion"], found["total"]) == ("sad", 0)
    for language, label in (("en", "Trades a day"), ("es", "Operaciones al día")):
        with override(language):
            used = await mine["my_usage"].run({})
            assert label in [one["label"] for one in used["limits"]]
    with pytest.raises(ValueError, match="unknown: user"):
        await mine["my_predictions"].run({"user": "eve"})


@pytest.mark.django_db(transaction=True)
async def test_a_model_that_turns_on_its_user_gets_nothing_of_anybody_else(
    far_openai: OpenAIServer,
) -> None:
    """Over real HTTP: what the far side was sent, whatever it asked for."""
    ada = await User.objects.acreate(username="ada")
    eve = await User.objects.acreate(username="eve")
    await database_sync_to_async(fill_catalogue)()  # which the flush of another test took along
    await database_sync_to_async(everything_of)(eve)
    hers = json.dumps({"user": "eve", "user_id": eve.pk})
    calls = [["search_help", '{"query": "facturas"}']]
    calls += [[name, text] for name in ALL[1:] for text in ("{}", hers)][:7]
    far_openai.behave(calls=calls)
    ask = Ask((Turn("user", "¿qué hay de eve?"),), "es", tools_for(ada))
    pieces = [piece async for piece in OpenAI("m", far_openai.base_url, "k").stream(ask)]
    assert Source("Uso y facturas", "/ayuda/uso/") in pieces
    assert Source("Historial", "/historial/") in pieces
    first, second = (json.loads(body) for _path, _headers, body in far_openai.requests)
    offered = [one["function"]["name"] for one in first["tools"]]
    assert offered == ALL
    told = [json.loads(one["content"]) for one in second["messages"] if one["role"] == "tool"]
    assert len(told) == len(calls)
    assert [one for one in told if "error" in one] == [{"error": "unknown: user, user_id"}] * 3
    sent = json.dumps(second["messages"][2:])
    assert "secret" not in sent.lower().replace(hers, "")


def test_the_composition_root_fills_the_hook() -> None:
    assert [one.name for one in hooks.user_tools] == ["my_jobs", "my_trading", "site_status"]


def test_the_document_names_each_tool_and_no_setting_that_there_is_not() -> None:
    text = (ROOT / "docs/assistant.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(ALL)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[A-Z]+_[A-Z_]*[A-Z]\b", text))
    assert {name for name in named if f"{name}=" not in example} == set()
    questions = json.loads((ROOT / "assistant/tests/questions.json").read_text(encoding="utf-8"))
    assert (len(questions), sum(bool(row["expect"]) for row in questions)) == (80, 60)
