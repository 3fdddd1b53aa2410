"""One provider's calls: a deadline, few retries inside it, and its circuit breaker.

Nothing here knows which provider it is. `by` is a time of `time.monotonic`.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from django.utils.translation import gettext_lazy as _

from assistant.providers.base import Filtered, Piece, ProviderFault, ProviderTimeout
from assistant.providers.faults import ProviderLocked
from visionai.lib.breaker import Outcome, Rules, Ticket
from visionai.lib.retries import RetryBudget, full_jitter
from visionai.lib.shared_breaker import SharedBreaker

MOST_RETRIES: Final = 2
SLOW_SHARE: Final = 0.8  # of the time it had: an answer that late counts as a failure
T = TypeVar("T")
_rng = random.Random()  # noqa: S311 (no secret)


class ProviderResting(ProviderFault):
    """Its breaker is open: it failed so often lately that it is not asked now."""

    status, code, title = 503, "provider_resting", _("The provider is left alone for a while")
    detail = _("The assistant's provider failed several times; try again in a moment.")


@dataclass
class Guard:
    """Made once for each provider and capability in a process."""

    name: str
    breaker: SharedBreaker
    budget: RetryBudget = field(default_factory=RetryBudget)

    async def call(self, make: Callable[[], Awaitable[T]], *, by: float) -> T:
        """What `make` gives. Raises `ProviderFault` or `Filtered`."""
        for attempt in range(MOST_RETRIES + 1):
            try:
                async with self._attempt(by) as one:
                    async with asyncio.timeout_at(one.by):
                        return await make()
            except ProviderFault as fault:
                await self._before_again(fault, attempt, by)
        raise AssertionError("the last attempt gave or raised")

    async def stream(
        self, make: Callable[[], AsyncIterator[Piece]], *, by: float, idle_s: float
    ) -> AsyncIterator[Piece]:
        """The pieces: the first before `by`, then never `idle_s` apart.

        Another attempt is made only while nothing has come. Raises as `call`.
        """
        for attempt in range(MOST_RETRIES + 1):
            began = False
            try:
                async with self._attempt(by) as one, aclosing(cast("Any", make())) as pieces:
                    while (piece := await _next(pieces, one.by)) is not None:
                        if not began:
                            await one.answers()
                        began = True
                        yield piece
                        one.by = _now() + idle_s
                return
            except ProviderFault as fault:
                if began:
                    raise
                await self._before_again(fault, attempt, by)

    async def _before_again(self, fault: ProviderFault, attempt: int, by: float) -> None:
        """Wait for the next attempt; raises the fault where there is none to make."""
        final = (ProviderTimeout, ProviderResting, ProviderLocked)
        if attempt == MOST_RETRIES or isinstance(fault, final) or not fault.counts:
            raise fault
        pause = max(full_jitter(attempt + 1, _rng), fault.retry_after or 0)
        if time.monotonic() + pause >= by or not self.budget.take():
            raise fault
        await asyncio.sleep(pause)

    @asynccontextmanager
    async def _attempt(self, by: float) -> AsyncIterator["_Attempt"]:
        """One call: its outcome is told to the breaker, whatever happens."""
        ticket = await self.breaker.admit()
        if ticket is None:
            raise ProviderResting(retry_after=max(1, round(await self.breaker.wait_s())))
        self.budget.called()
        limit = min(by, time.monotonic() + self.breaker.rules.probe_s) if ticket.probe else by
        one = _Attempt(self.breaker, ticket, limit - time.monotonic(), by=_now(limit))
        try:
            yield one
        except TimeoutError:
            one.outcome = Outcome.BAD
            raise ProviderTimeout from None
        except ProviderFault as fault:
            one.outcome = Outcome.BAD if fault.counts else Outcome.CALLER
            raise
        except Filtered:
            one.outcome = Outcome.GOOD
            raise
        except (asyncio.CancelledError, GeneratorExit):
            one.outcome = one.if_left()
            raise
        except Exception:
            one.outcome = Outcome.LEFT  # a fault of ours tells nothing of the far side
            raise
        finally:
            await one.tell()


@dataclass
class _Attempt:
    breaker: SharedBreaker
    ticket: Ticket
    allowed_s: float
    by: float  # in the time of the event loop
    outcome: Outcome = Outcome.GOOD
    began_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None
    told: bool = False

    async def answers(self) -> None:
        """The far side has begun: a probe has succeeded."""
        self.answered_at = time.monotonic()
        if self.ticket.probe:
            await self.tell()

    def if_left(self) -> Outcome:
        """What a call tells that nobody waits for any more."""
        if self.answered_at is not None:
            return Outcome.GOOD
        return Outcome.BAD if self._slow(time.monotonic()) else Outcome.LEFT

    async def tell(self) -> None:
        if self.told:
            return
        self.told = True
        if self.outcome is Outcome.GOOD and self._slow(self.answered_at or time.monotonic()):
            self.outcome = Outcome.BAD
        await self.breaker.record(self.ticket, self.outcome)

    def _slow(self, at: float) -> bool:
        return at - self.began_at > SLOW_SHARE * self.allowed_s


_guards: dict[str, Guard] = {}


def guard_of(name: str) -> Guard:
    """The one guard of this process for `name`."""
    if name not in _guards:
        _guards[name] = Guard(name, SharedBreaker(name, Rules()))
    return _guards[name]


def clear_guards() -> None:
    """As in a new process."""
    _guards.clear()


async def _next(pieces: AsyncIterator[Piece], by: float) -> Piece | None:
    async with asyncio.timeout_at(by):
        return await anext(pieces, None)


def _now(at: float | None = None) -> float:
    """The time of the event loop, now or at a time of `time.monotonic`."""
    ahead = 0.0 if at is None else at - time.monotonic()
    return asyncio.get_running_loop().time() + ahead
