"""Writers of one process take turns where the database takes one writer at a time.

SQLite lets a second writer wait by sleeping ever longer, up to a tenth of a second, while others
overtake it. In turns each waits no longer than those before it write. Other processes still meet
in the database; every other database has locks of its own rows.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


class Turns:
    """Who comes first goes first: what is let go is handed to the one that waits longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_taken = False

    def take(self) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        mine.wait()

    def leave(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


_turns = Turns()


@contextmanager
def turn() -> Iterator[None]:
    """Around a whole transaction; within one that runs already it is nothing."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    _turns.take()
    try:
        yield
    finally:
        _turns.leave()


@contextmanager
def writing() -> Iterator[None]:
    """A transaction, in turn; also as a decorator."""
    with turn(), transaction.atomic():
        yield
