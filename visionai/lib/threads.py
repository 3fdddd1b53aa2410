"""Work that waits (for the database, mostly), done from asynchronous code in threads of its own.

Not Django's one thread for all: a slow page must not hold up what is live.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")


class Threads:
    """At most `most` threads, made when they are needed, each with a connection of its own."""

    def __init__(self, name: str, *, most: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix=name)

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Do `work` there; what it raises is raised here."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _with_connections, work, arguments)


def _with_connections(work: Callable[..., T], arguments: tuple[object, ...]) -> T:
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        close_old_connections()
