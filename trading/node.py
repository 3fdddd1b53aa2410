"""A node: it owns sessions under leases and runs a keeper for each of them.

It lives in an event loop of its own, inside the web process by default and as
`manage.py run_sessions` where the product has grown. Any number of nodes share the sessions.
"""

import asyncio
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, connections, transaction

from trading import connections as sessions
from trading import figures, forming, looks, metering, ownership
from trading.bots import Bot
from trading.core.market import Candle
from trading.feeds import Feed, Feeds, store_candles
from trading.forming import Bar, Telling
from trading.heard import Writer
from trading.keeper import Keeper
from trading.looks import Look, Looks
from trading.metering import BotTime
from trading.models import Command, Order, TradingSession
from trading.order_flow import Owner
from trading.turns import turn

log = logging.getLogger(__name__)
T = TypeVar("T")
MOST_LOOKS = 20_000  # that wait while the database is away
METERED = 100  # bots in one transaction
LOOKS_REST = timedelta(seconds=2)  # before they are written
LOOK = 1.0  # seconds between looks for sessions without a node
SWEEP = 5.0  # seconds between looks for work that no news told of
AT_ONCE = 100  # sessions taken at a look, so that nodes share
LEFT_AT_ONCE = 50  # sessions left to others in one transaction
ANSWERED_WITHIN = 2.0  # seconds for the orders on their way when the node stops
STOP_WITHIN = 3.0  # seconds for the brokers' connections


@dataclass(frozen=True, slots=True)
class Looked:
    """A bot looked at a candle: for metering, and for its record where that is not written yet."""

    owner: Owner
    seconds: int  # of the candle
    at: datetime
    looks: Looks
    look: Look | None


class Node:
    """`run` in an event loop; `told`, `stop` from any thread.

    `reports`: nobody asks this process for its figures, so they are written into a row.
    """

    def __init__(self, *, lease: float, threads: int = 4, reports: bool = False) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lease = timedelta(seconds=lease)
        self._reports = reports
        self.keepers: dict[UUID, Keeper] = {}
        self.telling = Telling(self._tell_away)
        self.writer = Writer(self.db)
        self.feeds = Feeds(self._store, self.telling)
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="trading-node")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._looked: list[Looked] = []
        self._stopping = False
        self._held_until = 0.0  # monotonic: before it, nobody may have taken our sessions

    # From any thread

    def told(self, subject: str) -> None:
        """There is work for a session, here or anywhere."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._wake, subject)

    def stop(self) -> None:
        self._stopping = True
        self.told("")

    # For keepers

    def make_bot(self, keeper: Keeper) -> Bot:
        return Bot(keeper)

    def leases_held_until(self) -> float:
        """Of `time.monotonic()`, which goes on while a process is paused."""
        return self._held_until

    def holds_leases(self) -> bool:
        return time.monotonic() < self._held_until

    def note_look(self, owner: Owner, looks: Looks, look: Look | None, *, seconds: int) -> None:
        """A bot looked at a candle; written with those of others, after what hurries."""
        self._looked.append(Looked(owner, seconds, datetime.now(UTC), looks, look))

    async def db(self, work: Callable[..., T], *arguments: object, **named: object) -> T:
        """Do `work`, which asks the database, in a thread of the node."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _mended, partial(work, *arguments, **named))

    # The node's own loop

    async def run(self) -> None:
        """Until `stop`; the sessions are left to whoever comes next."""
        self._loop = asyncio.get_running_loop()
        log.info("Node %s runs", self.name)
        renew_at = sweep_at = 0.0
        try:
            while not self._stopping:
                self._news.clear()
                now, full = time.monotonic(), False
                try:
                    if now >= renew_at:
                        await self._renew()
                        renew_at = now + self.lease.total_seconds() / 3
                    full = await self._claim()
                    if now >= sweep_at:
                        await self._sweep()
                        sweep_at = now + SWEEP
                    await self._write_looks()
                except (DatabaseError, InterfaceError):
                    log.exception("Node %s cannot read or write its sessions", self.name)
                if not full:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), LOOK)
        finally:
            await self._end()

    async def _write_looks(self) -> None:
        """Some at a time, and none at once: candles close when options end, and those hurry."""
        until = datetime.now(UTC) - (timedelta(0) if self._stopping else LOOKS_REST)
        while self._looked and self._looked[0].at <= until:
            some, self._looked = self._looked[:METERED], self._looked[METERED:]
            try:
                await self.db(_meter, some)
            except (DatabaseError, InterfaceError):
                self._looked = [*some, *self._looked][-MOST_LOOKS:]
                raise
            for one in some:
                if one.look is not None:
                    one.looks.written(one.look)

    async def _renew(self) -> None:
        """Prolong what is ours, and end the keepers of what is not any more."""
        began = time.monotonic()
        at = datetime.now(UTC)
        mine = await self.db(ownership.renew, self.name, lease=self.lease, at=at)
        self._held_until = began + self.lease.total_seconds()
        if self._reports:
            await self.db(figures.report, self.name, at=at)
        for session_id, keeper in list(self.keepers.items()):
            if mine.get(session_id) != keeper.owner.fence:
                keeper.stop()

    async def _claim(self) -> bool:
        """Whether there may be more."""
        at = datetime.now(UTC)
        claims = await self.db(ownership.claim, self.name, lease=self.lease, most=AT_ONCE, at=at)
        for claim in claims:
            before = self._tasks.get(claim.session_id)
            if before is not None:  # ours, with a number that is past
                before.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await before
            self._keep(Owner(claim.session_id, claim.fence))
        return len(claims) == AT_ONCE

    def _keep(self, owner: Owner) -> None:
        keeper = Keeper(self, owner)
        task = asyncio.create_task(self._watched(keeper), name=f"keeper {owner.session_id}")
        self.keepers[owner.session_id], self._tasks[owner.session_id] = keeper, task

    async def _watched(self, keeper: Keeper) -> None:
        """A keeper that breaks gives its session back; a node takes it anew."""
        session_id = keeper.owner.session_id
        try:
            await keeper.run()
        except Exception:
            log.exception("The keeper of session %s broke", session_id)
            await asyncio.sleep(1)
            with suppress(Exception):
                await self.db(ownership.release, session_id, keeper.owner.fence)
        finally:
            if self.keepers.get(session_id) is keeper:
                del self.keepers[session_id]
                del self._tasks[session_id]

    async def _sweep(self) -> None:
        """Wake the keepers for whom work waits: news hurries, rows are the truth."""
        for session_id in await self.db(_with_work, self.name):
            if session_id in self.keepers:
                self.keepers[session_id].wake()

    def _wake(self, subject: str) -> None:
        with suppress(ValueError):
            if keeper := self.keepers.get(UUID(subject)):
                keeper.wake()
                return
        self._news.set()

    def _store(self, feed: Feed, candles: list[Candle]) -> None:
        task = asyncio.create_task(self._stored(feed, candles))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _stored(self, feed: Feed, candles: list[Candle]) -> None:
        try:
            await self.db(store_candles, feed, candles)
        except DatabaseError:
            log.exception("Candles of %s were not kept", feed.subject)

    async def _tell_away(self, news: Mapping[str, Bar]) -> None:
        await self.db(forming.write, news)

    async def _end(self) -> None:
        """Leave every session to others first, then the brokers. No order leaves from here on."""
        self._held_until = 0.0
        self.feeds.close()
        placing = [task for one in self.keepers.values() for task in one.placing.values()]
        if placing:  # their answers count; what has none by then is looked for later
            await asyncio.wait(placing, timeout=ANSWERED_WITHIN)
        await self._leave_sessions()
        await self._end_tasks()
        with suppress(DatabaseError):
            await self._write_looks()
        self._loop = None
        await asyncio.to_thread(self._close_connections)

    async def _end_tasks(self) -> None:
        self.telling.stop()
        tasks = {*self._tasks.values(), *self._background}
        for patience in (STOP_WITHIN, 1.0):
            for task in self._tasks.values():
                task.cancel()
            if tasks:
                _done, tasks = await asyncio.wait(tasks, timeout=patience)

    async def _leave_sessions(self) -> None:
        """Free for others in one write; what pages show of it follows."""
        owners = [keeper.owner for keeper in self.keepers.values()]
        try:
            await self.db(ownership.release_all, self.name)
            for start in range(0, len(owners), LEFT_AT_ONCE):
                some = owners[start : start + LEFT_AT_ONCE]
                await self.db(sessions.mark_left, some, at=datetime.now(UTC))
        except DatabaseError:
            log.exception("Node %s leaves sessions to the end of their leases", self.name)

    def _close_connections(self) -> None:
        """Each thread of the pool its own."""
        together = threading.Barrier(self._threads, timeout=5)

        def close() -> None:
            with suppress(threading.BrokenBarrierError):  # one is still at work
                together.wait()
            connections.close_all()

        for _number in range(self._threads):
            self._pool.submit(close)
        self._pool.shutdown(wait=True)


def _mended(work: Callable[[], T]) -> T:
    """A connection that broke is not used again."""
    try:
        return work()
    except (InterfaceError, DatabaseError):
        connection.close_if_unusable_or_obsolete()
        raise


def _meter(looked: list[Looked]) -> None:
    with turn(), transaction.atomic():
        metering.bots_looked([BotTime(one.owner, one.seconds, one.at) for one in looked])
        looks.write(one.look for one in looked if one.look is not None)


def _with_work(node: str) -> set[UUID]:
    mine = TradingSession.objects.filter(node=node)
    asked = Command.objects.filter(session__in=mine, state=Command.State.WAITING)
    pending = Order.objects.filter(session__in=mine, state=Order.State.PENDING)
    leaving = mine.filter(wanted=TradingSession.Wanted.DISCONNECTED)
    return {
        *asked.values_list("session_id", flat=True),
        *pending.values_list("session_id", flat=True),
        *leaving.values_list("pk", flat=True),
    }
