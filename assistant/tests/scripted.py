"""A provider whose answers a test writes, word by word as the test lets it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from assistant.providers.base import Ask, Began, Delta, Piece


@dataclass
class Scripted:
    """Says `words`, each when it may: `let(n)` allows n more, `let_all` the rest.

    It goes on after `Ask.said` where that is its own beginning.
    """

    words: list[str] = field(default_factory=lambda: ["Hola", ", ", "soy ", "yo", "."])
    pieces: list[Piece] = field(default_factory=list)  # after the first word
    fault: Exception | None = None  # after the last one
    asked: list[tuple[Ask, int | None]] = field(default_factory=list)
    closed: int = 0  # iterations that were left

    def __post_init__(self) -> None:
        self._may = threading.Semaphore(0)
        self._all = threading.Event()

    @property
    def text(self) -> str:
        return "".join(self.words)

    def let(self, count: int) -> None:
        self._may.release(count)

    def let_all(self) -> None:
        self._all.set()

    async def chat(self, ask: Ask, *, user_id: int | None = None) -> AsyncIterator[Began | Piece]:
        self.asked.append((ask, user_id))
        try:
            yield Began("scripted", "words-1")
            left = self.text.removeprefix(ask.said) if ask.said else ""
            words = [left] if left else self.words
            for number, word in enumerate(words):
                await self._allowed()
                yield Delta(word)
                if number == 0:
                    for piece in self.pieces:
                        yield piece
            if self.fault is not None:
                raise self.fault
        finally:
            self.closed += 1

    async def _allowed(self) -> None:
        while not (self._all.is_set() or self._may.acquire(blocking=False)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # the test lets it from another thread
