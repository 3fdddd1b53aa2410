"""One breaker for all processes: its state lies in the cache, changed by one of them at a time."""

import logging
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from django.core.cache import cache

from visionai.lib.breaker import Breaker, Outcome, Rules, Ticket, admit, record, settled
from visionai.lib.threads import Threads
from visionai.lib.turns import turn

KEPT_S: Final = 300  # longer than any state matters
LOCK_S: Final = 5  # after which the lock of a dead process is taken over
WAIT_S: Final = 2.0  # for the lock; longer, and outcomes wait for the next one
PAUSE_S: Final = 0.02
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass
class SharedBreaker:
    """`name` is what all processes call it. A cache that fails leaves each process its own state.

    The cache is never touched between `admit` and the call's end: no lock is held while anybody
    waits for the far side.
    """

    name: str
    rules: Rules = field(default_factory=Rules)
    clock: Callable[[], float] = time.time
    _own: Breaker = field(default_factory=Breaker)
    _cache_fails: bool = False
    _told: deque[tuple[Ticket, Outcome, float]] = field(default_factory=deque)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)  # of this process

    def state(self) -> Breaker:
        """As it is now."""
        return settled(self._read(), self.rules, self.clock())

    async def admit(self) -> Ticket | None:
        """A ticket to give back with `record`, or None: make no call."""
        state = await in_thread(self.state)
        now = self.clock()
        if state.opened_at is None:  # without the lock, as nothing changes
            return Ticket(state.epoch)
        if state.wait_s(now) > 0:
            return None
        found = await self._change(lambda known: admit(known, self.rules, self.clock()))
        return found[0] if found else None

    async def wait_s(self) -> float:
        """Seconds until a call has a chance again."""
        return (await in_thread(self.state)).wait_s(self.clock())

    async def record(self, ticket: Ticket, outcome: Outcome) -> None:
        """How the call ended; what many tell at once goes into the cache together."""
        if outcome in {Outcome.CALLER, Outcome.LEFT} and not ticket.probe:
            return
        self._told.append((ticket, outcome, self.clock()))
        await in_thread(self._pass_on)

    async def reset(self) -> None:
        """Closed, as at the start; calls under way count no more."""
        await self._change(lambda known: (Breaker(epoch=known.epoch + 1), None))

    async def _change(self, change: Callable[[Breaker], tuple[Breaker, T]]) -> tuple[T] | None:
        """What `change` gave besides the state; None when the lock could not be had in time."""

        def run() -> tuple[T] | None:
            with self._one_at_a_time:
                return self._changed(change)

        return await in_thread(run)

    def _pass_on(self) -> None:
        with self._one_at_a_time:
            told = [self._told.popleft() for _ in range(len(self._told))]
            if not told:  # another thread has passed it on
                return

            def change(state: Breaker) -> tuple[Breaker, None]:
                for ticket, outcome, at in told:
                    state = record(state, self.rules, ticket, outcome, at)
                return state, None

            if self._changed(change) is None:
                self._told.extendleft(reversed(told))  # with the next outcome, then

    def _changed(self, change: Callable[[Breaker], tuple[Breaker, T]]) -> tuple[T] | None:
        limit = time.monotonic() + WAIT_S
        while (changed := self._try(change)) is None:
            if time.monotonic() > limit:
                log.warning("the breaker %s stayed locked", self.name)
                return None
            time.sleep(random.uniform(0, PAUSE_S))  # noqa: S311 (no secret)
        return changed

    def _try(self, change: Callable[[Breaker], tuple[Breaker, T]]) -> tuple[T] | None:
        lock, mine = f"breaker:{self.name}:lock", uuid.uuid4().hex
        try:
            with turn():
                if not (cache.add(lock, mine, LOCK_S) and cache.get(lock) == mine):
                    return None
        except Exception as error:  # noqa: BLE001 (whatever the cache raises, calls go on)
            self._lost(error)
            self._own, given = change(self._own)
            return (given,)
        with turn():
            try:
                before = self._read()
                after, given = change(before)
                if after != before:
                    self._write(after)
            finally:
                self._unlock(lock)
        return (given,)

    def _read(self) -> Breaker:
        try:
            known = cache.get(self._key)
        except Exception as error:  # noqa: BLE001 (as above)
            self._lost(error)
            return self._own
        self._cache_fails = False
        if isinstance(known, Breaker):
            self._own = known
        elif self._own.calls or self._own.opened_at is not None:  # forgotten by the cache
            self._own = Breaker(epoch=self._own.epoch + 1)
        return self._own

    def _write(self, state: Breaker) -> None:
        self._own = state
        try:
            cache.set(self._key, state, KEPT_S)
        except Exception as error:  # noqa: BLE001 (as above)
            self._lost(error)

    def _unlock(self, lock: str) -> None:
        try:
            cache.delete(lock)
        except Exception as error:  # noqa: BLE001 (as above: it runs out by itself)
            self._lost(error)

    def _lost(self, error: Exception) -> None:
        if not self._cache_fails:
            log.warning("the breaker %s is without the cache: %s", self.name, type(error).__name__)
        self._cache_fails = True

    @property
    def _key(self) -> str:
        return f"breaker:{self.name}"


# Never the main thread: whoever asks may wait there for the answer.
in_thread = Threads("breakers", most=4).do
