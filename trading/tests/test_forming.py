"""The candle that is not closed yet, from a node to the pages of this process and of others."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache

from trading import forming, hub, services
from trading.core.market import Candle
from trading.forming import PAUSE, Bar, Looking, Telling
from trading.models import ClosedCandle
from trading.tests.running import a_node, asked, connected, now
from trading.tests.stands import eventually

SUBJECT = "paper:EURUSD-OTC:60"


@pytest.fixture(autouse=True)
def _bars() -> Iterator[None]:
    yield
    forming.here.clear()


@pytest.fixture
def _cache(transactional_db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def candle(close: float) -> Candle:
    start = datetime.fromtimestamp(120, UTC)
    return Candle("EURUSD-OTC", start, 60, 1.0, 2.0, 0.5, close, is_closed=False)


class Written(list[Mapping[str, Bar]]):
    async def write(self, news: Mapping[str, Bar]) -> None:
        self.append(dict(news))


async def test_nothing_is_written_while_only_this_process_looks() -> None:
    written = Written()
    telling = Telling(written.write)
    telling.hear(SUBJECT, candle(1.2))
    await asyncio.sleep(0)
    assert forming.here[SUBJECT]["close"] == 1.2
    assert written == []


async def test_for_another_process_the_newest_is_written_twice_a_second() -> None:
    written = Written()
    telling = Telling(written.write)
    telling.ask(SUBJECT, seconds=60)
    began = time.monotonic()
    for number in range(50):
        telling.hear(SUBJECT, candle(1 + number / 100))
        await asyncio.sleep(0.025)
    passed = time.monotonic() - began
    await eventually(lambda: written[-1][SUBJECT]["close"] == 1.49)
    assert 3 <= len(written) <= 2 + passed / PAUSE
    telling.stop()


async def test_nobody_looks_any_more_and_nothing_is_written() -> None:
    written = Written()
    telling = Telling(written.write)
    telling.ask(SUBJECT, seconds=0)
    telling.hear(SUBJECT, candle(1.2))
    await asyncio.sleep(0.01)
    assert written == []


async def test_a_cache_that_fails_stops_neither_ticks_nor_later_writes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = []

    async def fail(news: Mapping[str, Bar]) -> None:
        tries.append(news)
        raise OSError("the cache is away")

    telling = Telling(fail)
    telling.ask(SUBJECT, seconds=60)
    telling.hear(SUBJECT, candle(1.2))
    await eventually(lambda: len(tries) == 1)
    telling.hear(SUBJECT, candle(1.3))
    await eventually(lambda: len(tries) == 2)
    assert "did not reach the cache" in caplog.text
    telling.stop()


@pytest.mark.usefixtures("_cache")
async def test_of_many_sockets_one_asks_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    await sync_to_async(forming.write)({SUBJECT: forming.bar_of(candle(1.7))})
    reads = []

    async def counted(work: Any, *arguments: Any) -> Any:
        reads.append(arguments)
        return await sync_to_async(work)(*arguments)

    monkeypatch.setattr(hub, "read", counted)
    looking = Looking()
    found = await asyncio.gather(*(looking.newest(SUBJECT) for _socket in range(100)))
    assert [one["close"] for one in found if one] == [1.7] * 100
    assert len(reads) == 1
    await looking.newest(SUBJECT)
    assert len(reads) == 1
    await asyncio.sleep(PAUSE)
    await looking.newest(SUBJECT)
    assert len(reads) == 2
    assert await looking.newest("paper:NOBODY:60") is None


@pytest.mark.usefixtures("_cache")
async def test_a_node_tells_another_process_through_the_cache_alone() -> None:
    async with a_node() as node:
        session = await connected(node, broker="paper", email="", password="")
        await asked(node, await _watch(session, "EURUSD-OTC"))
        there = await _watch(session, "GBPUSD-OTC")
        there.data["process"] = "1:another"
        await there.asave()
        await asked(node, there)
        end = asyncio.get_running_loop().time() + 10
        read = sync_to_async(cache.get)
        while not (bar := await read("forming:paper:GBPUSD-OTC:60")):
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.1)
        assert bar["low"] <= bar["close"] <= bar["high"]
        assert "paper:EURUSD-OTC:60" in forming.here
        assert await read("forming:paper:EURUSD-OTC:60") is None
        newest = await ClosedCandle.objects.order_by("-start").afirst()
        assert newest is None or newest.start + 60 <= now().timestamp()  # closed ones alone
    assert forming.here == {}  # what nobody tells any more is not shown


async def _watch(session: Any, asset: str) -> Any:
    watch = sync_to_async(services.watch)
    return await watch(session, asset=asset, seconds=60, at=now())
