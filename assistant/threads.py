"""Asks the database from asynchronous code, in threads of its own.

Not Django's one thread for all: a slow page must not hold up an answer, nor its stop.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=6, thread_name_prefix="assistant")


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Do `work` there; what it raises is raised here."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _with_connections, work, arguments)


def _with_connections(work: Callable[..., T], arguments: tuple[object, ...]) -> T:
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        close_old_connections()
