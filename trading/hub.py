"""From the news of all processes to the sockets of this one.

News names only what it is about; whoever waits for it reads the rows, so a lost piece of news
costs time and never an event.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from visionai.lib.threads import Threads

T = TypeVar("T")

_readers = Threads("trading-readers", most=4)


class Hub:
    """Who waits for news of which subject; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._loops: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def join(self, subject: str, news: asyncio.Event) -> None:
        """Set `news`, in the running loop, at each piece of news of `subject`."""
        with self._lock:
            self._waiting[subject].add(news)
            self._loops[news] = asyncio.get_running_loop()

    def leave(self, subject: str, news: asyncio.Event) -> None:
        with self._lock:
            self._waiting[subject].discard(news)
            if not self._waiting[subject]:
                del self._waiting[subject]
            if not any(news in ones for ones in self._waiting.values()):
                self._loops.pop(news, None)

    def subjects(self) -> list[str]:
        """What is waited for."""
        with self._lock:
            return list(self._waiting)

    def told(self, subject: str) -> None:
        with self._lock:
            waiting = [(news, self._loops[news]) for news in self._waiting.get(subject, ())]
        for news, loop in waiting:
            try:
                loop.call_soon_threadsafe(news.set)
            except RuntimeError:  # its event loop is closed, so the socket is gone too
                self.leave(subject, news)


async def read(work: Callable[..., T], *arguments: object) -> T:
    """Do `work`, which asks the database, in a thread of its own."""
    return await _readers.do(work, *arguments)


events = Hub()
candles = Hub()
