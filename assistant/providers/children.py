"""Engines in processes of their own: few at once, each with its time, ended when nobody waits."""

import asyncio
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from assistant.providers.base import ProviderBusy

log = logging.getLogger(__name__)

SCRIPT: Final = Path(__file__).with_name("speech_child.py")
AT_ONCE: Final = 2
LINE: Final = 8  # calls that may wait for their turn; more are refused
TOO_LONG: Final = 3  # the child's exit status for more sound than was allowed

_workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="speech")
_places = threading.BoundedSemaphore(AT_ONCE + LINE)
_all: "set[_Child]" = set()


class ChildLate(Exception):
    """It was ended because its time was over."""


class ChildFailed(Exception):
    """It ended by itself without a result; `status` as the system gives it, below 0 a signal."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        super().__init__(f"{status}: {words}")


class _Child:
    def __init__(self, arguments: list[str], data: bytes, seconds: float) -> None:
        what, *rest = arguments
        own = [str(SCRIPT), what, str(int(seconds) + 1), *rest]
        self._command = [sys.executable, "-I", "-S", *own]
        self._data, self._seconds = data, seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._unwanted = False

    def run(self) -> bytes:
        with self._lock:
            if self._unwanted:
                raise ChildFailed(-9, "not begun")
            self._process = process = subprocess.Popen(  # noqa: S603 - our own script, no shell
                self._command,
                env={},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        with process:
            try:
                out, words = process.communicate(self._data, timeout=self._seconds)
            except subprocess.TimeoutExpired as late:
                raise ChildLate from late
            finally:
                process.kill()
        if process.returncode:
            raise ChildFailed(process.returncode, words.decode(errors="replace").strip()[-300:])
        return out

    def end(self) -> None:
        with self._lock:
            self._unwanted = True
            if self._process is not None:
                self._process.kill()


async def run_child(arguments: list[str], data: bytes, *, seconds: float) -> bytes:
    """What the child wrote. Raises `ChildLate`, `ChildFailed`, and `ProviderBusy` for a long line.

    Cancelling ends the child.
    """
    if not _places.acquire(blocking=False):
        raise ProviderBusy(retry_after=5)
    child = _Child(arguments, data, seconds)
    _all.add(child)
    try:
        work = _workers.submit(child.run)
    except RuntimeError:  # the process is ending
        _leave(child)
        raise
    work.add_done_callback(lambda _work: _leave(child))
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        child.end()
        raise


def end_all() -> None:
    """End what is at work or waits: the server stops, and a recording may take a minute."""
    for child in list(_all):
        child.end()


def _leave(child: _Child) -> None:
    _all.discard(child)
    _places.release()
