"""What a serving process does beside answering: started once a process, stopped cleanly.

A server that speaks ASGI lifespan starts it there; any other (daphne, so `runserver`) starts it
with the first request or socket. Importing starts nothing, so neither the reloading parent of
`runserver` nor a management command ever runs it.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import close_old_connections

log = logging.getLogger(__name__)

Work = Callable[[], None]
STOP_PATIENCE = 5.0  # seconds that a stop waits for the work in hand


class Runtime:
    """The start, the stop and the periodic work of one process."""

    def __init__(self) -> None:
        self._starts: list[Work] = []
        self._stops: list[Work] = []
        self._periodic: list[tuple[float, Work]] = []
        self._fresh()
        os.register_at_fork(after_in_child=self._fresh)

    def _fresh(self) -> None:
        # Threads do not survive a fork and a lock may be held in it: the child starts anew.
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self._hurry = threading.Event()
        self._hurried: set[Work] = set()
        self._thread: threading.Thread | None = None
        self.started = False

    def on_start(self, work: Work) -> None:
        """Do `work` at the start of the process; what it raises prevents the start."""
        self._starts.append(work)

    def on_stop(self, work: Work) -> None:
        """Do `work` at the stop; the last one added goes first."""
        self._stops.append(work)

    def every(self, seconds: float, work: Work) -> None:
        """Do `work` in the background; what it raises is logged and it is tried again."""
        self._periodic.append((seconds, work))

    def soon(self, work: Work) -> None:
        """Do periodic `work` now rather than at its next turn; nothing in a stopped process."""
        self._hurried.add(work)
        self._hurry.set()

    def ensure_started(self) -> None:
        """Start the process's work unless it runs; returns when all of `on_start` is done."""
        if self.started:
            return
        with self._lock:
            if self.started:
                return
            self._halt.clear()
            try:
                for work in self._starts:
                    work()
            except BaseException:
                self._run_stops()
                raise
            self._thread = threading.Thread(target=self._run, name="runtime", daemon=True)
            self._thread.start()
            atexit.register(self.stop)
            self.started = True

    def stop(self) -> None:
        """End the background work, then do all of `on_stop`. Harmless when nothing runs."""
        with self._lock:
            if not self.started:
                return
            self.started = False
            atexit.unregister(self.stop)
            self._halt.set()
            self._hurry.set()
            if self._thread is not None:
                self._thread.join(STOP_PATIENCE)
            self._run_stops()

    def _run_stops(self) -> None:
        for work in reversed(self._stops):
            attempt(work)

    def _run(self) -> None:
        halt, hurry = self._halt, self._hurry
        due = {work: time.monotonic() + seconds for seconds, work in self._periodic}
        period = {work: seconds for seconds, work in self._periodic}
        while not halt.is_set():
            hurry.wait(max(0.0, min(due.values(), default=1.0) - time.monotonic()) if due else 1.0)
            hurry.clear()
            for work in list(period):
                hurried = work in self._hurried
                self._hurried.discard(work)
                if halt.is_set() or not (hurried or due[work] <= time.monotonic()):
                    continue
                close_old_connections()
                attempt(work)
                close_old_connections()
                due[work] = time.monotonic() + period[work]


def attempt(work: Work) -> bool:
    """Do `work`; False when it raised, which is logged."""
    try:
        work()
    except Exception:
        log.exception("%s failed", getattr(work, "__qualname__", work))
        return False
    return True


runtime = Runtime()
