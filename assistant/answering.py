"""Writes answers: a task for each, in an event loop of its own beside the server's.

A task asks the provider and collects; beside it a writer brings what is collected to the disk, and
only then tells the listeners. A write begins as soon as there is something new and the one before
is done, so that a slow disk makes fewer and larger deltas. Sockets only listen: an answer goes on
without any of them. A process that dies leaves its answers to whoever finds them, in the text that
was kept; the provider is told that text and goes on after it.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from accounts.models import User
from assistant import lease
from assistant.core.seam import Letters, Seam
from assistant.history import Wanted, wanted
from assistant.lease import Claim, Fate, Said
from assistant.listening import Heard, listening
from assistant.models import Message
from assistant.pen import Pen
from assistant.providers import chain
from assistant.providers.base import Ask, Began, Delta, Filtered, Piece, Source, Tool
from assistant.threads import in_thread
from assistant.tools import tools_for
from sessions_app.open_sockets import process_name
from visionai.lib.errors import DomainError
from visionai.lib.runtime import attempt

log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=10)
BEAT: Final = 2.0  # seconds between signs of life
PACE: Final = 0.04  # seconds from one write to the next
RETRY: Final = 0.25  # seconds after a write that failed
LEAVE_WITHIN: Final = 5.0
LONGEST: Final = 600.0  # seconds of one answer
LONGEST_TEXT: Final = 100_000  # characters
MOST_SOURCES: Final = 20
KEPT: Final = 5.0  # seconds in which listeners find the end of an answer without asking the row

AWAY: Final = (OperationalError, InterfaceError)  # the database may come back
State = Message.State
Chat: TypeAlias = Callable[..., AsyncIterator[Began | Piece]]


class Cut(Exception):
    """The answer is as long as one may get."""


def no_tools(_user: User) -> tuple[Tool, ...]:
    return ()


class Answer:
    """One answer in the making."""

    def __init__(self, held: Claim, task: Wanted, pen: Pen) -> None:
        self._held, self._task, self._pen = held, task, pen
        self._text = held.text
        self._engine, self._model, self._degraded = "", "", False
        self._sources: list[tuple[str, str]] = []
        self._seam, self._letters = Seam(held.text), Letters()
        self._fresh = asyncio.Event()  # something is not on disk yet
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> bool:
        """Write it to its end or its stop; False where another process has it, or it is gone."""
        asking = asyncio.create_task(self._ask())
        writing = asyncio.create_task(self._write())
        stopping = asyncio.create_task(self._stopped.wait())
        tasks: set[asyncio.Task[Any]] = {asking, writing, stopping}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if asking.done() and not self._stopped.is_set():
                state, error = _outcome(asking)
            else:
                state, error = State.STOPPED, ""
            said = self._said()  # nothing that comes now belongs to the answer
            lost = writing.done() and writing.result() is Fate.LOST
            await _ended(writing)
            return not lost and await self._end(said, state, error)
        finally:
            await asyncio.shield(_all_ended(tasks))

    async def _ask(self) -> None:
        """Collect what the provider says. Raises what the provider raises, or `Cut`."""
        user = self._task.user
        ask: Ask = self._task.ask
        async with (
            asyncio.timeout(LONGEST),
            contextlib.aclosing(_chat(ask, user.pk if user else None)) as pieces,
        ):
            async for piece in pieces:
                self._take(piece)
        self._add(self._seam.end())

    def _take(self, piece: Began | Piece) -> None:
        if isinstance(piece, Delta):
            self._add(self._seam.take(self._letters.take(piece.text)))
        elif isinstance(piece, Began):
            self._add(self._seam.end())
            self._seam, self._letters = Seam(self._text), Letters()
            self._engine, self._model = piece.engine, piece.model
            self._degraded = piece.degraded
            self._fresh.set()
        elif isinstance(piece, Source):
            self._cite((piece.title, piece.url))

    def _cite(self, source: tuple[str, str]) -> None:
        if source not in self._sources and len(self._sources) < MOST_SOURCES:
            self._sources.append(source)
            self._fresh.set()

    def _add(self, text: str) -> None:
        if text:
            self._text += text[: LONGEST_TEXT - len(self._text)]
            self._fresh.set()
        if len(self._text) >= LONGEST_TEXT:
            raise Cut

    async def _write(self) -> Fate:
        """Keep what is new, until the answer is lost or somebody wants it stopped."""
        while True:
            said = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._fresh.wait()
                    said = self._said()
            self._fresh.clear()
            fate = await self._kept(said)
            if fate is not Fate.WRITTEN:
                return fate
            if said is not None:
                listening.tell(self._held.pk, Heard(said, State.GENERATING))
                await asyncio.sleep(PACE)

    async def _kept(self, said: Said | None) -> Fate:
        while True:
            try:
                return await self._pen.write(self._held, said)
            except AWAY:  # meanwhile nothing is told
                log.exception("an answer cannot be written at present")
                await asyncio.sleep(RETRY)

    async def _end(self, said: Said, state: str, error: str) -> bool:
        while True:
            try:
                fate = await in_thread(_end_in_thread, self._held, said, state, error)
            except AWAY:
                log.exception("the end of an answer cannot be written at present")
                await asyncio.sleep(RETRY)
                continue
            if fate is Fate.WRITTEN:
                listening.tell(self._held.pk, Heard(said, state, error))
            return fate is Fate.WRITTEN

    def _said(self) -> Said:
        return Said(
            self._text, self._engine, self._model, self._degraded, sources=tuple(self._sources)
        )


class Answering:
    """All answers that this process writes; `begin`, `halt` and `sweep` from any thread."""

    def __init__(self, tools: Callable[[User], tuple[Tool, ...]] = no_tools) -> None:
        self.tools = tools
        self._owner = ""
        self._pen: Pen
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._at_work: dict[UUID, Answer] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def start(self) -> None:
        self._owner = process_name()
        lease.living.add(self._owner)
        loop = self._loop = asyncio.new_event_loop()
        self._pen = Pen(LEASE)
        self._thread = threading.Thread(target=_run, args=(loop,), name="answers", daemon=True)
        self._thread.start()
        attempt(self.sweep)  # a database that is away prevents no start

    def stop(self) -> None:
        """Leave every answer, where it is, to the next process."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        leaving = asyncio.run_coroutine_threadsafe(self._leave_all(), loop)
        with contextlib.suppress(TimeoutError):
            leaving.result(LEAVE_WITHIN)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(LEAVE_WITHIN)
        lease.living.discard(self._owner)

    def begin(self, pk: UUID, dead: frozenset[str] = frozenset()) -> None:
        """Write that answer, unless somebody does."""
        self._in_loop(lambda: self._start(pk, dead))

    def halt(self, pk: UUID) -> None:
        """Stop it, if it is one of ours."""
        self._in_loop(lambda: self._stop(pk))

    def halt_text(self, subject: str) -> None:
        """The same, of the subject of a change."""
        self.halt(UUID(subject))

    def sweep(self) -> None:
        """Take up what a process left that died or was silent for too long."""
        found, dead = lease.left(at=timezone.now())
        for pk in found:
            self.begin(pk, frozenset(dead))

    def __len__(self) -> int:
        return len(self._tasks)

    def _in_loop(self, work: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # closed this moment
                loop.call_soon_threadsafe(work)

    def _start(self, pk: UUID, dead: frozenset[str]) -> None:
        if pk not in self._tasks:
            task = self._tasks[pk] = asyncio.get_running_loop().create_task(self._run(pk, dead))
            task.add_done_callback(lambda _task: self._tasks.pop(pk, None))

    def _stop(self, pk: UUID) -> None:
        if answer := self._at_work.get(pk):
            answer.stop()

    async def _run(self, pk: UUID, dead: frozenset[str]) -> None:
        held = None
        try:
            held = await in_thread(_claim_in_thread, pk, self._owner, tuple(dead))
            task = await in_thread(wanted, pk, self.tools) if held else None
            if held is None or task is None:
                return
            answer = self._at_work[pk] = Answer(held, task, self._pen)
            try:
                is_ours = await answer.run()
            finally:
                del self._at_work[pk]
            if is_ours:
                await asyncio.sleep(KEPT)
        except asyncio.CancelledError:
            if held is not None:
                await asyncio.shield(in_thread(lease.leave, held))
            raise
        except Exception:
            log.exception("an answer failed")
            if held is not None:
                await self._give_up(held)
        finally:
            listening.forget(pk)

    async def _give_up(self, held: Claim) -> None:
        """End an answer that our own fault ended; trying again would only repeat it."""
        with contextlib.suppress(DatabaseError):
            await in_thread(lease.fail, held)

    async def _leave_all(self) -> None:
        await _all_ended(set(self._tasks.values()))


def _chat(ask: Ask, user_id: int | None) -> Any:
    """Looked up at each call, so that who stands in for it in a test is found."""
    return chain.chat(ask, user_id=user_id)


def _outcome(asking: "asyncio.Task[None]") -> tuple[str, str]:
    """The state of an answer whose provider has ended, and the code of what it raised."""
    if asking.cancelled():
        return State.FAILED, "provider_failed"
    fault = asking.exception()
    if fault is None or isinstance(fault, Cut):
        return State.DONE, ""
    if isinstance(fault, Filtered):
        return State.FILTERED, fault.code
    if isinstance(fault, DomainError):
        return State.FAILED, fault.code
    if isinstance(fault, TimeoutError):
        return State.FAILED, "provider_timeout"
    log.error("a provider failed in a way that it should not", exc_info=fault)
    return State.FAILED, "provider_failed"


async def _ended(task: "asyncio.Task[Any]") -> None:
    """Cancel it and wait; a write that is on its way is waited for."""
    task.cancel()
    await asyncio.wait([task])


async def _all_ended(tasks: "set[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # it was seen


def _claim_in_thread(pk: UUID, owner: str, dead: tuple[str, ...]) -> Claim | None:
    return lease.claim(pk, owner, lease=LEASE, dead=dead)


def _end_in_thread(held: Claim, said: Said, state: str, error: str) -> Fate:
    return lease.end(held, said, state=state, error=error)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


answering = Answering(tools_for)
