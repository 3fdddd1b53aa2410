"""An emulator in a thread of its own, for programs that are not asynchronous themselves."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.server import Emulator

Found = TypeVar("Found")


class Running:
    """`emulator` lives in another thread: reach it through `do` alone."""

    def __init__(self, emulator: Emulator, loop: asyncio.AbstractEventLoop) -> None:
        self._emulator, self._loop = emulator, loop
        self.hosts = emulator.hosts

    def do(self, work: Callable[[Emulator], Found]) -> Found:
        """What `work` returns, done in the emulator's thread."""

        async def done() -> Found:
            return work(self._emulator)

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(30)

    def set(self, **faults: Any) -> None:
        self.do(lambda one: one.control.set(**faults))

    def orders(self) -> list[dict[str, Any]]:
        return self.do(lambda one: one.control.orders())

    def state(self) -> dict[str, Any]:
        return self.do(lambda one: one.control.state())

    def advance(self, seconds: float) -> float:
        return self.do(lambda one: one.control.advance(seconds))


@contextmanager
def running_emulator(
    *, seed: int = 1, clock: ScaledClock | None = None, control_key: str = ""
) -> Iterator[Running]:
    """Runs on free ports until the end of the block."""
    loop = asyncio.new_event_loop()
    emulator = Emulator(seed=seed, clock=clock, control_key=control_key)
    thread = threading.Thread(target=loop.run_forever, name="emulator", daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(30)
    try:
        yield Running(emulator, loop)
    finally:
        asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
