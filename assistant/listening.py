"""What is on disk of each answer, for who listens to it in this process.

News of other processes names only an answer; who listens then reads its row. Nothing is told that
is not written: a process may die at any moment, and what was heard must not be unsaid.
"""

import asyncio
import threading
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from assistant.lease import Said
from assistant.models import Message


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as it is kept."""

    said: Said
    state: str
    error: str = ""

    @property
    def has_ended(self) -> bool:
        return self.state != Message.State.GENERATING


class Listening:
    """Who waits for which answer; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[UUID, Heard] = {}
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._loops: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def join(self, pk: UUID, news: asyncio.Event) -> None:
        """Set `news`, in the running loop, whenever there is something new."""
        with self._lock:
            self._waiting[pk].add(news)
            self._loops[news] = asyncio.get_running_loop()

    def leave(self, pk: UUID, news: asyncio.Event) -> None:
        with self._lock:
            self._waiting[pk].discard(news)
            if not self._waiting[pk]:
                del self._waiting[pk]
            self._loops.pop(news, None)

    def now(self, pk: UUID) -> Heard | None:
        """What this process itself writes; None where another does."""
        return self._kept.get(pk)

    def tell(self, pk: UUID, heard: Heard) -> None:
        """It is on disk."""
        self._kept[pk] = heard
        self.told(pk)

    def forget(self, pk: UUID) -> None:
        """It is not this process's any more: the row says the rest."""
        self._kept.pop(pk, None)
        self.told(pk)

    def told(self, pk: UUID) -> None:
        with self._lock:
            waiting = [(news, self._loops[news]) for news in self._waiting.get(pk, ())]
        for news, loop in waiting:
            try:
                loop.call_soon_threadsafe(news.set)
            except RuntimeError:  # its event loop is closed, so the socket is gone too
                self.leave(pk, news)

    def told_text(self, subject: str) -> None:
        """The same, of the subject of a change."""
        self.told(UUID(subject))

    def awaited(self) -> int:
        """How many answers somebody listens to."""
        return len(self._waiting)


listening = Listening()


def read(pk: UUID) -> Heard | None:
    """What the row says; None where it is gone."""
    row = Message.objects.filter(pk=pk).first()
    if row is None:
        return None
    sources = tuple((one["title"], one["url"]) for one in row.sources)
    said = Said(row.text, row.engine, row.model, row.degraded, sources)
    return Heard(said, row.state, row.error)
