"""News between processes: rows are the truth, a push only hurries the reader.

`announce` writes a row in the caller's transaction, so the news and the fact that it is about
are committed together or not at all. Each serving process reads the rows it has not seen yet
every 250 ms, and at once when it is told to: by its own commits, and by Redis where that is set.

A database hands out ids before it commits, so a row may appear below one that was read already.
The reader therefore asks again for every id above the newest one that it saw at least `WINDOW`
seconds ago, and remembers which of those it has told.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from sessions_app.models import Change
from sessions_app.push import Push

log = logging.getLogger(__name__)

SESSION_ENDED = "session_ended"
SOCKET_CLOSED = "socket_closed"
MODEL_ACTIVATED = "model_activated"

POLL = 0.25  # seconds
WINDOW = 30.0  # seconds; our transactions take far less
KEPT = timedelta(hours=1)

Callback = Callable[[str], None]


class Feed:
    """Reads the table of changes and tells the listeners of this process."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, list[Callback]] = defaultdict(list)
        self._wake = threading.Event()
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._low: int | None = None  # nothing at or below it is asked for again
        self._high = 0  # the newest id that was told
        self._told: dict[int, float] = {}  # id → when, monotonic, in that order
        self._failing = False

    def listen(self, kind: str, callback: Callback) -> None:
        self._listeners[kind].append(callback)

    def hurry(self) -> None:
        """Read now instead of at the next quarter of a second."""
        self._wake.set()

    def start(self) -> None:
        self._halt.clear()
        self._low, self._high, self._told = None, 0, {}
        self.attempt()  # what is committed from here on is heard
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._halt.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None

    def _run(self) -> None:
        back_at = 0.0
        while not self._halt.is_set():
            self._wake.wait(POLL)
            self._wake.clear()
            # Who hurries us wrote the newest rows; late ones below them are for the usual turn.
            is_due = time.monotonic() >= back_at
            if is_due:
                back_at = time.monotonic() + POLL
            self.attempt(only_newest=not is_due)
        connection.close()

    def attempt(self, *, only_newest: bool = False) -> bool:
        """`poll`, or False when the database cannot be read now; logged once an outage."""
        try:
            self.poll(only_newest=only_newest)
        except Exception:
            if not self._failing:
                log.exception("The changes of other processes cannot be read; trying on")
            self._failing = True
            connection.close()
            return False
        if self._failing:
            log.warning("The changes of other processes are read again")
        self._failing = False
        return True

    def poll(self, *, only_newest: bool = False) -> None:
        """Tell every change that has become visible since the last call, oldest id first, and of
        several that say the same the first.

        `only_newest` leaves those for the next call whose id is below one that was told.
        """
        now = time.monotonic()
        if self._low is None:
            self._begin(now)
            return
        low = max(self._low, self._high) if only_newest else self._low
        rows = Change.objects.filter(pk__gt=low).order_by("pk")
        news = [
            row for row in rows.values_list("pk", "kind", "subject") if row[0] not in self._told
        ]
        for pk, _kind, _subject in news:
            self._told[pk] = now
            self._high = max(self._high, pk)
        for kind, subject in dict.fromkeys((kind, subject) for _pk, kind, subject in news):
            self._tell(kind, subject)
        self._forget(now)

    def _begin(self, now: float) -> None:
        # What is visible now is past, but a lower id may still be waiting for its commit.
        long_ago = timezone.now() - timedelta(seconds=WINDOW)
        past = Change.objects.filter(at__lt=long_ago).order_by("-pk").values_list("pk", flat=True)
        low = past.first() or 0
        self._told = dict.fromkeys(
            Change.objects.filter(pk__gt=low).values_list("pk", flat=True), now
        )
        self._low = low
        self._high = max(self._told, default=low)

    def _forget(self, now: float) -> None:
        old = [pk for pk, told in self._told.items() if told < now - WINDOW]
        if old:
            self._low = max(self._low or 0, *old)
            self._told = {pk: told for pk, told in self._told.items() if pk > self._low}

    def _tell(self, kind: str, subject: str) -> None:
        for callback in self._listeners[kind]:
            try:
                callback(subject)
            except Exception:
                log.exception("A listener to %s failed", kind)


feed = Feed()
push = Push(settings.REDIS_URL, feed.hurry)


def announce(kind: str, subject: str) -> None:
    """Tell every process, this one included, once the caller's transaction is committed."""
    Change.objects.create(kind=kind, subject=subject, at=timezone.now())
    transaction.on_commit(_hurry, robust=True)


def announce_all(news: Iterable[tuple[str, str]]) -> None:
    """The same for several (kind, subject), in one write."""
    at = timezone.now()
    Change.objects.bulk_create(Change(kind=kind, subject=subject, at=at) for kind, subject in news)
    transaction.on_commit(_hurry, robust=True)


def _hurry() -> None:
    feed.hurry()
    push.send()


def listen(kind: str, callback: Callback) -> None:
    """Have `callback(subject)` called for each change of `kind`, outside of any transaction."""
    feed.listen(kind, callback)


def prune() -> None:
    """Remove changes that every living process has read long ago."""
    Change.objects.filter(at__lt=timezone.now() - KEPT).delete()
