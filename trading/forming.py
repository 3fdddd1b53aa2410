"""The candle that is not closed yet: shown while it moves, kept nowhere.

A node tells the sockets of its own process through `here`. For a page of another process it writes
the newest bar of each asset that is watched there into the cache, twice a second at most; of the
sockets that wait there for one asset, one asks the cache for all.
"""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypedDict

from django.core.cache import cache

from trading import hub
from trading.core.market import Candle

log = logging.getLogger(__name__)
PAUSE: Final = 0.5  # seconds between two looks at one asset
STALE: Final = 15  # seconds; the bar of a node that fell silent is shown no longer
PREFIX: Final = "forming:"
_token = secrets.token_hex(4)


class Bar(TypedDict):
    """`start` is in seconds since 1970."""

    start: int
    open: float
    high: float
    low: float
    close: float


# Of the node of this process, by subject ("broker:asset:seconds").
here: dict[str, Bar] = {}


def process() -> str:
    """This process, among all that may share a node."""
    return f"{os.getpid()}:{_token}"


def bar_of(candle: Candle) -> Bar:
    return {
        "start": int(candle.start.timestamp()),
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
    }


class Telling:
    """A node's side; used in its event loop alone."""

    def __init__(self, write: Callable[[Mapping[str, Bar]], Awaitable[None]]) -> None:
        self._write = write
        self._away: dict[str, float] = {}  # until when another process looks; monotonic
        self._news: dict[str, Bar] = {}
        self._writing: asyncio.Task[None] | None = None

    def ask(self, subject: str, *, seconds: float) -> None:
        """Somebody looks at it from another process for so long."""
        self._away[subject] = time.monotonic() + seconds

    def hear(self, subject: str, candle: Candle) -> None:
        here[subject] = bar = bar_of(candle)
        if self._away.get(subject, 0.0) <= time.monotonic():
            self._away.pop(subject, None)
            return
        self._news[subject] = bar
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="forming candles")

    def forget(self, subject: str) -> None:
        here.pop(subject, None)

    def stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self) -> None:
        """The newest of each, until nothing moves."""
        while self._news:
            news, self._news = self._news, {}
            try:
                await self._write(news)
            except Exception:
                log.exception("Forming candles did not reach the cache")
            await asyncio.sleep(PAUSE)


def write(news: Mapping[str, Bar]) -> None:
    cache.set_many({PREFIX + subject: bar for subject, bar in news.items()}, STALE)


class Looking:
    """The side of a process with sockets: what `here` has not is asked of the cache, at most once
    in `PAUSE` for each subject."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Bar | None]] = {}
        self._asking: dict[str, asyncio.Task[Bar | None]] = {}

    async def newest(self, subject: str) -> Bar | None:
        if (bar := here.get(subject)) is not None:
            return bar
        asked_at, found = self._found.get(subject, (0.0, None))
        if time.monotonic() - asked_at < 0.8 * PAUSE:
            return found
        task = self._asking.get(subject)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._asking[subject] = asyncio.create_task(self._ask(subject))
        return await asyncio.shield(task)

    async def _ask(self, subject: str) -> Bar | None:
        try:
            found: Bar | None = await hub.read(cache.get, PREFIX + subject)
        except Exception:
            log.exception("The cache told no forming candle")
            found = None
        finally:
            self._asking.pop(subject, None)
        now = time.monotonic()
        self._found[subject] = (now, found)
        old = [name for name, (at, _bar) in self._found.items() if now - at > STALE]
        for name in old:
            del self._found[name]
        return found


looking = Looking()
