"""A circuit breaker: who fails too often is left alone for a while, then tried by one call.

Pure: a state, what happened and the time go in, the next state comes out. `shared_breaker` keeps
the state where every process sees it.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal, TypeAlias

MOST_CALLS: Final = 200  # remembered; of more in a window the newest count
Phase: TypeAlias = Literal["closed", "open", "half-open"]


class Outcome(Enum):
    GOOD = "good"
    BAD = "bad"  # failed, or far too slow
    CALLER = "caller"  # the question was at fault, and the far side said so: it lives
    LEFT = "left"  # nobody waited for the end: nothing is known


@dataclass(frozen=True, slots=True)
class Rules:
    window_s: float = 30.0
    least_calls: int = 5
    share: float = 0.5  # of bad ones, from which it opens
    open_s: float = 5.0
    most_open_s: float = 60.0
    probe_s: float = 10.0  # a probe that has not answered by then has failed


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to call; goes back with the outcome."""

    epoch: int
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed while `opened_at` is None. Times are seconds of one clock that all callers share."""

    calls: tuple[tuple[float, bool], ...] = ()  # (when, bad), oldest first, while closed
    opened_at: float | None = None
    open_s: float = 0.0
    probe_until: float | None = None  # of the probe under way
    epoch: int = 0  # outcomes of calls of an earlier one tell nothing any more

    def phase(self, now: float) -> Phase:
        if self.opened_at is None:
            return "closed"
        return "open" if self.wait_s(now) > 0 else "half-open"

    def wait_s(self, now: float) -> float:
        """Seconds until a call has a chance again; 0 when it has one now."""
        if self.opened_at is None:
            return 0.0
        if self.probe_until is not None:
            return max(0.0, self.probe_until - now)
        return max(0.0, self.opened_at + self.open_s - now)


def admit(state: Breaker, rules: Rules, now: float) -> tuple[Breaker, Ticket | None]:
    """A ticket, or None when the call is not to be made; the state changes for a probe alone."""
    state = settled(state, rules, now)
    if state.opened_at is None:
        return state, Ticket(state.epoch)
    if state.wait_s(now) > 0:
        return state, None
    epoch = state.epoch + 1
    probing = replace(state, probe_until=now + rules.probe_s, epoch=epoch)
    return probing, Ticket(epoch, probe=True)


def record(state: Breaker, rules: Rules, ticket: Ticket, outcome: Outcome, now: float) -> Breaker:
    """The state after a call; what belongs to an earlier epoch changes nothing."""
    state = settled(state, rules, now)
    if ticket.epoch != state.epoch:
        return state
    if ticket.probe:
        return _probed(state, rules, outcome, now)
    if state.opened_at is not None or outcome in {Outcome.CALLER, Outcome.LEFT}:
        return state
    calls = (*_in_window(state, rules, now), (now, outcome is Outcome.BAD))[-MOST_CALLS:]
    bad = sum(was_bad for _at, was_bad in calls)
    if len(calls) >= rules.least_calls and bad >= rules.share * len(calls):
        return Breaker(opened_at=now, open_s=rules.open_s, epoch=state.epoch + 1)
    return replace(state, calls=calls)


def settled(state: Breaker, rules: Rules, now: float) -> Breaker:
    """The same after what time alone has done: a probe that never came back has failed.

    A clock that was set back does not keep a breaker open for longer than it was to be.
    """
    if state.opened_at is not None and state.opened_at > now:
        state = replace(state, opened_at=now)
    if state.probe_until is None:
        return state
    if state.probe_until > now + rules.probe_s:
        return replace(state, probe_until=now + rules.probe_s)
    return _reopened(state, rules, state.probe_until) if state.probe_until <= now else state


def _probed(state: Breaker, rules: Rules, outcome: Outcome, now: float) -> Breaker:
    if state.probe_until is None:
        return state
    if outcome is Outcome.BAD:
        return _reopened(state, rules, now)
    if outcome is Outcome.LEFT:  # the next caller tries at once
        return replace(state, probe_until=None, epoch=state.epoch + 1)
    return Breaker(epoch=state.epoch + 1)


def _reopened(state: Breaker, rules: Rules, at: float) -> Breaker:
    longer = min(rules.most_open_s, state.open_s * 2)
    return Breaker(opened_at=at, open_s=longer, epoch=state.epoch + 1)


def _in_window(state: Breaker, rules: Rules, now: float) -> tuple[tuple[float, bool], ...]:
    """A call may be told after a later one: only a clock that was set back makes one too new."""
    oldest, newest = now - rules.window_s, now + rules.window_s
    return tuple(call for call in state.calls if oldest < call[0] <= newest)
