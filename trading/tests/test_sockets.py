import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from sessions_app import changes
from sessions_app.models import Sesion
from sessions_app.open_sockets import open_sockets
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_client, a_token
from trading import forming, hub
from trading.consumers import CompatTradingSocket, TradingSocket
from trading.duties import note_open
from trading.models import Command, TradingSession
from trading.tests.factories import a_candle, a_trading_session, an_event
from trading.tests.running import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _connections_close() -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()  # of the thread of `sync_to_async`


@pytest.fixture(autouse=True)
def _served(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["visionai.test"]
    yield
    assert len(open_sockets) == 0
    assert hub.events.subjects() == hub.candles.subjects() == []


@pytest.fixture
def _news(transactional_db: None) -> Iterator[None]:
    changes.feed.start()
    yield
    changes.feed.stop()


@pytest.fixture
def token(ana: User) -> str:
    return a_token(a_session(ana, kind=Sesion.Kind.API, at=timezone.now()))


def query(session: object, token: str, **more: object) -> str:
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"?session_id={session}&token={token}{rest}"


async def session_of(user: User) -> TradingSession:
    return await sync_to_async(a_trading_session)(user)


async def happens(session: TradingSession, **data: str) -> None:
    await sync_to_async(an_event)(session, **data)


@pytest.mark.parametrize("socket", [TradingSocket, CompatTradingSocket])
async def test_the_first_message_says_whose_money_and_where_it_stands(
    ana: User, token: str, socket: type[TradingSocket]
) -> None:
    mine = await session_of(ana)
    await happens(mine)
    async with a_client(query=query(mine.pk, token), socket=socket) as client:
        hello = await client.hello()
    assert (hello["type"], hello["session_id"], hello["seq"]) == ("connected", str(mine.pk), 1)
    assert (hello["account_type"], hello["balance"]) == ("PRACTICE", "10000.00")


async def test_nobody_hears_without_a_login() -> None:
    mine = await sync_to_async(a_trading_session)()
    async with a_client(query=f"?session_id={mine.pk}", socket=TradingSocket) as client:
        await client.connect()
        assert await client.close_code() == 4401


@pytest.mark.parametrize("asked", ["foreign", "no-uuid", "", "0" * 32])
async def test_another_session_than_ones_own_is_not_there(
    ana: User, token: str, asked: str
) -> None:
    foreign = await sync_to_async(a_trading_session)()
    wanted = foreign.pk if asked == "foreign" else asked
    async with a_client(query=query(wanted, token), socket=TradingSocket) as client:
        await client.connect()
        assert await client.close_code() == 4404


async def test_one_socket_too_many_is_closed(settings: Settings, ana: User, token: str) -> None:
    settings.SOCKETS_PER_USER = 1
    mine = await session_of(ana)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as first:
        await first.hello()
        async with a_client(query=query(mine.pk, token), socket=TradingSocket) as second:
            await second.connect()
            assert await second.close_code() == 4429


@pytest.mark.usefixtures("_news")
async def test_two_users_at_once_hear_each_their_own_alone(ana: User, token: str) -> None:
    eva = await sync_to_async(a_user)("eva")
    sesion = await sync_to_async(a_session)(eva, kind=Sesion.Kind.API, at=timezone.now())
    mine, hers = await session_of(ana), await session_of(eva)
    async with (
        a_client(query=query(mine.pk, token), socket=TradingSocket) as first,
        a_client(query=query(hers.pk, a_token(sesion)), socket=TradingSocket) as second,
    ):
        await first.hello()
        await second.hello()
        for number in range(1, 21):
            await asyncio.gather(happens(mine, of="ana"), happens(hers, of="eva"))
            for client, session, name in ((first, mine, "ana"), (second, hers, "eva")):
                heard = await client.heard()
                assert heard["session_id"] == str(session.pk)
                assert (heard["seq"], heard["data"]) == (number, {"of": name})
                assert heard["account_type"] == "PRACTICE"
        assert await first.receive_nothing()
        assert await second.receive_nothing()


@pytest.mark.usefixtures("_news")
async def test_what_was_missed_comes_first_and_nothing_twice(ana: User, token: str) -> None:
    mine = await session_of(ana)
    for _ in range(5):
        await happens(mine)
    async with a_client(query=query(mine.pk, token, after=2), socket=TradingSocket) as client:
        await client.hello()
        assert [(await client.heard())["seq"] for _ in range(3)] == [3, 4, 5]
        await happens(mine)
        assert (await client.heard())["seq"] == 6
        hub.events.told(str(mine.pk))
        assert await client.receive_nothing()


async def test_a_heartbeat_comes_and_finds_what_no_news_told(
    ana: User, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TradingSocket, "heartbeat", 0.2)
    mine = await session_of(ana)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        assert (await client.hello())["heartbeat"] == 30
        beat = await client.heard()
        assert (beat["type"], beat["seq"], beat["account_type"]) == ("heartbeat", 0, "PRACTICE")
        await happens(mine)  # no feed runs, so no news comes
        kinds = [(await client.heard())["type"] for _ in range(2)]
        assert "event" in kinds


@pytest.mark.usefixtures("_news")
async def test_candles_of_the_watched_asset_come_as_they_close(ana: User, token: str) -> None:
    mine = await session_of(ana)
    await sync_to_async(a_candle)(60)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        asked = {"command": "watch", "asset": "EURUSD-OTC", "seconds": 60}
        assert (await client.say(orjson.dumps(asked).decode()))["type"] == "watching"
        assert (await client.heard())["start"] == 60
        await sync_to_async(a_candle)(120, asset="EURJPY")
        await sync_to_async(a_candle)(120, broker="exnova")
        await sync_to_async(a_candle)(120)
        heard = await client.heard()
        assert (heard["type"], heard["start"], heard["close"]) == ("candle", 120, 1.2)
        assert await client.receive_nothing()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hola", "unknown_command"),
        ("[1]", "unknown_command"),
        ('{"command": "predict"}', "unknown_command"),
        ('{"command": "watch"}', "bad_asset"),
        ('{"command": "watch", "asset": "X", "seconds": 7}', "bad_seconds"),
        ('{"command": "watch", "asset": "X", "seconds": [60]}', "bad_seconds"),
        ('{"command": "watch", "asset": "X", "seconds": true}', "bad_seconds"),
        ("x" * 5000, "unknown_command"),
    ],
)
async def test_nonsense_is_answered_and_the_socket_stays(
    ana: User, token: str, text: str, code: str
) -> None:
    mine = await session_of(ana)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        refused = await client.say(text)
        assert (refused["type"], refused["code"]) == ("error", code)
        assert (await client.say('{"command": "ping"}'))["type"] == "pong"


async def test_a_session_somebody_looks_at_is_in_use(ana: User, token: str) -> None:
    mine, other = await session_of(ana), await session_of(ana)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        await sync_to_async(note_open)()
    await mine.arefresh_from_db()
    await other.arefresh_from_db()
    assert mine.last_used_at > other.last_used_at


def bar(start: int, close: float) -> forming.Bar:
    return {"start": start, "open": 1.0, "high": 2.0, "low": 0.5, "close": close}


@pytest.fixture
def _bars() -> Iterator[None]:
    yield
    forming.here.clear()


WATCH = orjson.dumps({"command": "watch", "asset": "EURUSD-OTC", "seconds": 60}).decode()
SUBJECT = "paper:EURUSD-OTC:60"


@pytest.mark.usefixtures("_bars", "_news")
async def test_the_forming_candle_comes_without_a_number_and_twice_a_second_at_most(
    ana: User, token: str
) -> None:
    mine = await session_of(ana)
    forming.here["paper:EURJPY:60"] = bar(120, 9.0)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        await client.say(WATCH)
        heard: list[dict[str, Any]] = []
        began = asyncio.get_running_loop().time()
        for number in range(40):  # a second and a bit of ticks, each 30 ms
            forming.here[SUBJECT] = bar(120, float(number))
            await asyncio.sleep(0.03)
        passed = asyncio.get_running_loop().time() - began
        while not heard or heard[-1]["close"] != 39.0:  # the last tick is not lost
            heard.append(await client.heard())
        assert 3 <= len(heard) <= 3 + passed / forming.PAUSE
        assert {(one["type"], one["asset"], one["seconds"]) for one in heard} == {
            ("forming", "EURUSD-OTC", 60)
        }
        assert all("seq" not in one for one in heard)
        assert await client.receive_nothing(0.7)  # what stands still is told once


@pytest.mark.usefixtures("_bars", "_news")
async def test_a_candle_that_closed_is_not_told_as_forming(ana: User, token: str) -> None:
    mine = await session_of(ana)
    await sync_to_async(a_candle)(120)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        await client.say(WATCH)
        assert (await client.heard())["type"] == "candle"
        forming.here[SUBJECT] = bar(120, 1.5)
        assert await client.receive_nothing(0.8)
        forming.here[SUBJECT] = bar(180, 1.6)
        assert (await client.heard())["close"] == 1.6


@pytest.mark.usefixtures("_bars")
async def test_the_node_is_asked_once_for_what_a_socket_watches(ana: User, token: str) -> None:
    mine = await session_of(ana)
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        await client.say(WATCH)
        await until(Command.objects.exists)
        await asyncio.sleep(1.2)  # long enough to be asked twice
    [command] = [one async for one in Command.objects.filter(session=mine)]
    assert (command.kind, command.data["process"]) == ("watch", forming.process())
    await TradingSession.objects.aupdate(state="disconnected")
    async with a_client(query=query(mine.pk, token), socket=TradingSocket) as client:
        await client.hello()
        await client.say(WATCH)
        await asyncio.sleep(0.3)
    assert await Command.objects.acount() == 1
