"""The live sockets of this process: who they belong to, and how an end reaches them."""

import logging
import os
import secrets
import socket
import threading
import time
from asyncio import AbstractEventLoop
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.utils import timezone

from sessions_app.models import OpenSocket, Sesion

log = logging.getLogger(__name__)

REMEMBERED = 60.0  # seconds in which an end also reaches a socket that is just opening
HEARTBEAT = timedelta(seconds=10)
LOST = timedelta(seconds=45)
BATCH = 500
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Connection:
    """One accepted socket; `end` and `close` are called in its own event loop."""

    loop: AbstractEventLoop
    end: Callable[[int], None]
    close: Callable[[int], None]
    user_id: int | None
    sesion_id: int | None
    ip: str | None
    path: str
    opened: datetime
    name: str = field(default_factory=lambda: secrets.token_hex(8))


class OpenSockets:
    """All connections of this process, found by session; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Connection] = {}
        self._by_sesion: defaultdict[int, set[Connection]] = defaultdict(set)
        self._crowd: Counter[object] = Counter()
        self._ended: dict[int, float] = {}
        self._written: set[str] = set()
        self._heartbeat: datetime | None = None
        self._process = ""

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Connection) -> bool:
        """Register; False when its user, or an anonymous one's address, has too many already."""
        who = _crowd_of(connection)
        signed_in = connection.user_id is not None
        limit = settings.SOCKETS_PER_USER if signed_in else settings.SOCKETS_PER_ADDRESS
        with self._lock:
            if self._crowd[who] >= limit:
                return False
            self._crowd[who] += 1
            self._all[connection.name] = connection
        return True

    def bind(self, connection: Connection, sesion_id: int) -> bool:
        """Let the end of that session reach the socket; False when it ended a moment ago.

        Who was found open in the database binds and then asks this, so that no end falls between.
        """
        with self._lock:
            self._by_sesion[sesion_id].add(connection)
            return sesion_id not in self._ended

    def unbind(self, connection: Connection, sesion_id: int) -> None:
        with self._lock:
            self._unbind(connection, sesion_id)

    def remove(self, connection: Connection) -> None:
        with self._lock:
            if self._all.pop(connection.name, None) is None:
                return
            who = _crowd_of(connection)
            self._crowd[who] -= 1
            if not self._crowd[who]:
                del self._crowd[who]
            for sesion_id in [sid for sid, ones in self._by_sesion.items() if connection in ones]:
                self._unbind(connection, sesion_id)

    def end_session(self, subject: str) -> None:
        """The session with that id has ended: tell each socket that it is bound to."""
        sesion_id, now = int(subject), time.monotonic()
        with self._lock:
            self._ended[sesion_id] = now
            for sid in [sid for sid, at in self._ended.items() if at < now - REMEMBERED]:
                del self._ended[sid]
            bound = list(self._by_sesion.get(sesion_id, ()))
        for connection in bound:
            self._tell(connection, connection.end, sesion_id)

    def close(self, subject: str) -> None:
        """Close the connection of that name, if it is one of ours."""
        with self._lock:
            connection = self._all.get(subject)
        if connection:
            self._tell(connection, connection.close, 1008)

    def reconcile(self) -> None:
        """Close what belongs to an ended session, should its news ever have been missed."""
        with self._lock:
            bound = sorted(self._by_sesion)
        for ids in _batches(bound):
            found = Sesion.objects.filter(pk__in=ids, fecha_fin=None).values_list("pk", flat=True)
            for sesion_id in set(ids) - set(found):
                self.end_session(str(sesion_id))

    # The table, for people who look at all processes

    def write(self) -> None:
        """Bring the rows of this process up to date and remove those of lost processes."""
        now = timezone.now()
        self._process = self._process or process_name()
        with self._lock:
            current = dict(self._all)
        rows = OpenSocket.objects.filter(process=self._process)
        if self._heartbeat is None or now - self._heartbeat >= HEARTBEAT:
            if rows.update(last_seen=now) != len(self._written):
                rows.delete()
                self._written = set()
            OpenSocket.objects.filter(last_seen__lt=now - LOST).delete()
            self._heartbeat = now
        for names in _batches(list(self._written - set(current))):
            rows.filter(connection__in=names).delete()
        self._written &= set(current)
        for names in _batches(list(set(current) - self._written)):
            OpenSocket.objects.bulk_create(self._row(current[name], now) for name in names)
            self._written.update(names)

    def withdraw(self) -> None:
        """Remove the rows of this process, which is ending."""
        OpenSocket.objects.filter(process=self._process).delete()
        self._written, self._heartbeat, self._process = set(), None, ""

    def _row(self, connection: Connection, now: datetime) -> OpenSocket:
        return OpenSocket(
            process=self._process,
            connection=connection.name,
            user_id=connection.user_id,
            sesion_id=connection.sesion_id,
            path=connection.path[:200],
            ip=connection.ip,
            opened=connection.opened,
            last_seen=now,
        )

    def _unbind(self, connection: Connection, sesion_id: int) -> None:
        self._by_sesion[sesion_id].discard(connection)
        if not self._by_sesion[sesion_id]:
            del self._by_sesion[sesion_id]

    def _tell(self, connection: Connection, what: Callable[[int], None], number: int) -> None:
        try:
            connection.loop.call_soon_threadsafe(what, number)
        except RuntimeError:  # its event loop is closed, so the socket is gone too
            self.remove(connection)


def process_name() -> str:
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def _crowd_of(connection: Connection) -> tuple[str, object]:
    if connection.user_id is not None:
        return ("user", connection.user_id)
    return ("address", connection.ip)


def _batches(items: list[T]) -> list[list[T]]:
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]


open_sockets = OpenSockets()
