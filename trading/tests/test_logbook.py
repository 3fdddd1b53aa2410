"""A user's own log over all their sessions, as page, API and CSV; nobody else's."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token
from trading.core.levels import level_of
from trading.events import emit, emit_log
from trading.models import Event, TradingSession
from trading.tests.factories import a_trading_session

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
API, CSV = "/api/v1/trading/log", "/api/v1/trading/log.csv"
PAGE, PAGE_CSV = "/trading/registro/", "/trading/registro/csv/"


@pytest.fixture
def api(ana: User) -> Client:
    return client_of(ana)


def client_of(user: User) -> Client:
    token = a_token(a_session(user, kind=Sesion.Kind.API, at=timezone.now()))
    return Client(headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def page(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def told(session: TradingSession, code: str, *, at: datetime = NOON, **facts: object) -> None:
    with transaction.atomic():
        emit_log(session, code, at=at, **facts)


def codes(answer: Any) -> list[str]:
    return [one["data"]["code"] for one in answer.json()["entries"]]


def body_of(response: Any) -> str:
    async def whole() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return async_to_sync(whole)().decode()


@pytest.fixture
def both(ana: User) -> tuple[TradingSession, TradingSession]:
    """Two sessions of ana's, on three days, and one of somebody else's."""
    first, second = a_trading_session(ana), a_trading_session(ana, broker="exnova")
    told(first, "one", at=NOON - timedelta(days=1))
    told(second, "bot_held_back", at=NOON, reason="trades_per_hour")
    told(first, "blocked", at=NOON + timedelta(days=1))
    told(a_trading_session(), "foreign")
    return first, second


def test_all_sessions_stand_in_one_log_the_newest_first(
    api: Client, both: tuple[TradingSession, TradingSession]
) -> None:
    answer = api.get(API)
    assert codes(answer) == ["blocked", "bot_held_back", "one"]
    newest = answer.json()["entries"][0]
    assert (newest["session_id"], newest["broker"], newest["seq"]) == (
        str(both[0].pk),
        "paper",
        2,
    )
    assert (newest["level"], newest["kind"], newest["at"]) == (
        "error",
        "log",
        "2026-11-21T12:00:00Z",
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=error", ["blocked"]),
        ("level=warning", ["bot_held_back"]),
        ("level=info", ["one"]),
        ("kind=order", []),
        ("kind=log", ["blocked", "bot_held_back", "one"]),
        ("from=2026-11-20", ["blocked", "bot_held_back"]),
        ("to=2026-11-20", ["bot_held_back", "one"]),
        ("from=2026-11-20&to=2026-11-20", ["bot_held_back"]),
        ("from=2026-11-21&to=2026-11-20", []),
        ("to=9999-12-31", ["blocked", "bot_held_back", "one"]),
        ("limit=1", ["blocked"]),
    ],
)
@pytest.mark.usefixtures("both")
def test_it_is_filtered(api: Client, query: str, found: list[str]) -> None:
    answer = api.get(f"{API}?{query}")
    assert codes(answer) == found
    assert answer.json()["more"] == (query == "limit=1")


def test_one_session_and_pages_of_it(
    api: Client, both: tuple[TradingSession, TradingSession]
) -> None:
    assert codes(api.get(f"{API}?session={both[0].pk}")) == ["blocked", "one"]
    newest = api.get(f"{API}?limit=2").json()["entries"]
    assert codes(api.get(f"{API}?before={newest[-1]['id']}")) == ["one"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("level=loud", "level"),
        ("kind=x", "kind"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("before=-1", "before"),
        ("limit=x", "limit"),
    ],
)
@pytest.mark.usefixtures("both")
def test_a_filter_that_makes_no_sense_is_refused(api: Client, query: str, field: str) -> None:
    refused = api.get(f"{API}?{query}")
    assert (refused.status_code, refused.json()["field"]) == (400, field)


@pytest.mark.parametrize("path", [API, CSV])
def test_a_session_of_somebody_else_is_not_there(api: Client, path: str) -> None:
    foreign = a_trading_session()
    told(foreign, "foreign")
    for asked in (foreign.pk, "no-uuid"):
        assert api.get(f"{path}?session={asked}").status_code == 404


def test_a_stranger_sees_nothing_and_nobody_comes_in(
    both: tuple[TradingSession, TradingSession],
) -> None:
    eva = a_user("eva")
    assert client_of(eva).get(API).json() == {"entries": [], "more": False}
    assert body_of(client_of(eva).get(CSV)).splitlines() == [HEAD]
    browser = Client()
    browser.force_login(eva)
    text = browser.get(f"{PAGE}?session={both[0].pk}").content.decode()
    assert "<tr>" not in text
    assert "retenido" not in text
    assert browser.get(f"{PAGE_CSV}?session={both[0].pk}").status_code == 302
    for path in (API, CSV):
        assert Client().get(path).status_code == 401
    for path in (PAGE, PAGE_CSV):
        assert Client().get(path).status_code == 302


HEAD = "at,session_id,broker,account_type,seq,level,kind,data,text"


def test_the_table_has_every_line_and_runs_no_formula(api: Client, page: Client, ana: User) -> None:
    session = a_trading_session(ana)
    told(session, "=1+1", reason="@x")
    with transaction.atomic():
        for _number in range(2500):  # more than two batches
            emit(session, "balance", {"balance": "1234.50", "currency": "USD"}, at=NOON)
    for client, path in ((api, CSV), (page, PAGE_CSV)):
        answer = client.get(path)
        assert answer["Content-Disposition"] == 'attachment; filename="trading-log.csv"'
        rows = list(csv.reader(io.StringIO(body_of(answer))))
        assert rows[0] == HEAD.split(",")
        assert len(rows) == 2502
        assert [int(row[4]) for row in rows[1:]] == list(range(2501, 0, -1))
        assert rows[1][-1] == "Saldo: 1\xa0234,50 USD"
        assert rows[-1][-1].startswith("'=1+1")
    assert len(list(csv.reader(io.StringIO(body_of(api.get(f"{CSV}?kind=log")))))) == 2


def test_the_page_is_filtered_and_says_where_there_is_nothing(
    page: Client, ana: User, both: tuple[TradingSession, TradingSession]
) -> None:
    text = page.get(PAGE).content.decode()
    assert text.count("<tr>") == 4
    assert "Exnova PRACTICE" in text
    only = page.get(f"{PAGE}?level=warning").content.decode()
    assert only.count("<tr>") == 2
    assert "?&amp;level=warning" in only  # the table of the same rows
    assert "Ninguna entrada" in page.get(f"{PAGE}?kind=halt").content.decode()
    assert "Ninguna entrada" in page.get(f"{PAGE}?from=x").content.decode()
    assert page.get(f"{PAGE}?session={both[1].pk}").content.decode().count("<tr>") == 2
    foreign = a_trading_session()
    assert page.get(f"{PAGE}?session={foreign.pk}").content.decode().count("<tr>") == 0
    TradingSession.objects.filter(user=ana).delete()
    assert "Abre primero una sesión" in page.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("kind", "data", "level"),
    [
        ("state", {"state": "connected"}, "info"),
        ("state", {"state": "reconnecting"}, "warning"),
        ("state", {"state": "failed"}, "error"),
        ("state", {"state": "connected", "blocked": "ambiguous"}, "error"),
        ("order", {"state": "settled"}, "info"),
        ("order", {"state": "unknown"}, "warning"),
        ("bot", {"reason": "user"}, "info"),
        ("bot", {"reason": "daily_loss"}, "warning"),
        ("halt", {"on": True}, "warning"),
        ("halt", {"on": False}, "info"),
        ("limits", {}, "info"),
        ("a new one", {}, "info"),
    ],
)
def test_each_event_has_the_level_of_what_it_tells(
    kind: str, data: dict[str, object], level: str
) -> None:
    assert level_of(kind, data) == level
    session = a_trading_session()
    with transaction.atomic():
        emit(session, kind[:20], data, at=NOON)
    assert Event.objects.get(session=session).level == level
