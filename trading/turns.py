"""Writers of one process take turns where the database takes one writer at a time.

SQLite lets a second writer wait by sleeping ever longer, up to a tenth of a second, while others
overtake it. In turns each waits no longer than those before it write. Other processes still meet
in the database; every other database has locks of its own rows.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_turn = threading.Lock()


@contextmanager
def turn() -> Iterator[None]:
    """Around a whole transaction; within one that runs already it is nothing."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with _turn:
        yield
