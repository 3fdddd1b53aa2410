"""Brings what all answers of a process have new to the disk, in one transaction at a time.

A database that takes one writer, as SQLite, is asked as often by a hundred answers as by one; what
comes while it writes goes with the next.
"""

import asyncio
from datetime import timedelta
from typing import TypeAlias

from django.db import DatabaseError

from assistant import lease
from assistant.lease import Claim, Fate, Said
from assistant.threads import in_thread

Wanted: TypeAlias = tuple[Claim, Said | None]


class Pen:
    """For the answers of one event loop."""

    def __init__(self, held_for: timedelta) -> None:
        self._held_for = held_for
        self._waiting: list[tuple[Wanted, asyncio.Future[Fate]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, held: Claim, said: Said | None) -> Fate:
        """What became of it, when it is on disk. Raises `DatabaseError`."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Fate] = loop.create_future()
        self._waiting.append(((held, said), done))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        return await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: list[tuple[Wanted, "asyncio.Future[Fate]"]]) -> None:
        try:
            fates = await in_thread(self._in_thread, [one for one, _done in batch])
        except Exception as fault:  # noqa: BLE001 (whoever waits hears of it)
            if len(batch) > 1 and isinstance(fault, DatabaseError):
                for one in batch:  # one that cannot be written must not hold up the others
                    await self._write([one])
                return
            for _one, done in batch:
                if not done.done():
                    done.set_exception(fault)
            return
        for (_one, done), fate in zip(batch, fates, strict=True):
            if not done.done():  # who was stopped meanwhile waits no more
                done.set_result(fate)

    def _in_thread(self, wanted: list[Wanted]) -> list[Fate]:
        return lease.write(wanted, lease=self._held_for)
