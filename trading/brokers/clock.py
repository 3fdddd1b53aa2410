"""The time that brokers live in: the wall's, or a quicker one for tests and demonstrations."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        """Seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Of this clock's seconds."""
        ...


class WallClock:
    def time(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ScaledClock:
    """Starts at `start` and runs `speed` times as fast as the wall's; `speed` 0 stands still."""

    def __init__(self, start: float, speed: float = 1.0) -> None:
        self._start, self._speed, self._began = start, speed, time.monotonic()

    def time(self) -> float:
        return self._start + (time.monotonic() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Real time where the clock stands still: whoever waits then waits for `jump`."""
        end = self.time() + seconds
        while (left := end - self.time()) > 0:
            pause = min(0.05, left / self._speed) if self._speed else 0.01
            await asyncio.sleep(pause)

    def jump(self, seconds: float) -> None:
        """Go on `seconds` later than now."""
        self._start += seconds
