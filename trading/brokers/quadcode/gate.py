"""One pace of logins for all of us: brokers lock out addresses, so one user's typos hit everyone.

The gate lies in the cache, which all processes share.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final, Protocol

from django.core.cache import cache

from trading.brokers.base import BrokerRateLimited

BURST: Final = 3
PACE: Final = 3.0  # seconds for each login, on the whole
WAIT: Final = 30.0  # seconds that a login waits for its turn
KEPT: Final = 60.0  # seconds that a ticket is kept past its end: clocks of machines differ


class LoginGate(Protocol):
    async def enter(self) -> None:
        """Wait for the turn. Raises `BrokerRateLimited`, at once while logins are locked out."""
        ...

    async def lock(self, seconds: float) -> None:
        """Nobody logs in for so long."""
        ...


class OpenGate:
    """For tests of what lies behind it."""

    async def enter(self) -> None:
        return

    async def lock(self, seconds: float) -> None:
        return


@dataclass(frozen=True, slots=True)
class CacheGate:
    """A ticket for each `pace` seconds of one (broker, egress), good for `BURST` times as long.

    Each ticket is a key of its own that was never there before, so of any number that ask for it
    one gets it, in Redis and by the primary key of a table; a key that had run out could be taken
    by two there. Without a pace nobody waits for a turn: for fleets at an emulator.
    """

    broker: str
    egress: str
    pace: float = PACE
    wait: float = WAIT

    async def enter(self) -> None:
        limit = time.monotonic() + self.wait
        while True:
            await self._refuse_when_locked()
            if not self.pace:
                return
            newest = int(time.time() / self.pace)
            for ticket in range(newest - BURST + 1, newest + 1):
                if await cache.aadd(f"{self._key}:{ticket}", 1, timeout=KEPT + self.pace * BURST):
                    return
            if time.monotonic() > limit:
                raise BrokerRateLimited(self.pace)
            await asyncio.sleep(self.pace * random.uniform(0.2, 0.6))  # noqa: S311 (a pause)

    async def lock(self, seconds: float) -> None:
        # A little longer, and for each lock-out differently, so that not all come back at once.
        lasting = seconds * random.uniform(1.0, 1.1)  # noqa: S311 (a pause)
        await cache.aset(f"{self._key}:locked", time.time() + lasting, timeout=lasting)

    async def _refuse_when_locked(self) -> None:
        until = await cache.aget(f"{self._key}:locked")
        if isinstance(until, float) and (left := until - time.time()) > 0:
            raise BrokerRateLimited(left)

    @property
    def _key(self) -> str:
        return f"broker-login:{self.broker}:{self.egress}"
