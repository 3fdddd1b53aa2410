"""The circuit breaker: its rules against a plain model, and processes that share one."""

import asyncio
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.services.server import ROOT, environment_for
from visionai.lib.breaker import Breaker, Outcome, Rules, Ticket, admit, record, settled
from visionai.lib.retries import RetryBudget, full_jitter
from visionai.lib.shared_breaker import SharedBreaker, in_thread

RULES = Rules()
BAD, GOOD, CALLER, LEFT = Outcome.BAD, Outcome.GOOD, Outcome.CALLER, Outcome.LEFT


def after(*outcomes: Outcome, state: Breaker | None = None, at: float = 100.0) -> Breaker:
    """The state after calls with these outcomes, all at one time."""
    state = state or Breaker()
    for outcome in outcomes:
        state = record(state, RULES, Ticket(state.epoch), outcome, at)
    return state


def test_the_fifth_failure_of_five_opens_it_for_five_seconds() -> None:
    assert after(BAD, BAD, BAD, BAD).phase(100) == "closed"
    opened = after(BAD, BAD, BAD, BAD, BAD)
    assert [opened.phase(at) for at in (100, 104.9, 105)] == ["open", "open", "half-open"]
    assert admit(opened, RULES, 104.9)[1] is None


@pytest.mark.parametrize(
    ("outcomes", "phase"),
    [
        ([GOOD, GOOD, GOOD, BAD, BAD], "closed"),  # 2 of 5
        ([GOOD, GOOD, GOOD, BAD, BAD, BAD], "open"),  # 3 of 6
        ([BAD, BAD, GOOD, GOOD, GOOD], "closed"),
        ([BAD, BAD, BAD, GOOD, GOOD], "open"),
        ([CALLER] * 50, "closed"),
        ([LEFT] * 50, "closed"),
        ([BAD, BAD, BAD, BAD, CALLER, LEFT], "closed"),
    ],
)
def test_half_of_at_least_five_must_be_bad(outcomes: list[Outcome], phase: str) -> None:
    assert after(*outcomes).phase(100) == phase


def test_what_is_older_than_the_window_counts_no_more() -> None:
    state = after(BAD, BAD, BAD, BAD, at=100)
    assert after(BAD, state=state, at=130).phase(130) == "closed"
    assert after(BAD, state=state, at=129.9).phase(129.9) == "open"


def test_a_call_that_is_told_late_does_not_undo_those_told_before() -> None:
    state = after(BAD, BAD, BAD, at=100)
    assert len(after(BAD, state=state, at=99).calls) == 4
    assert after(BAD, BAD, state=state, at=99).phase(100) == "open"
    assert len(after(BAD, state=state, at=20).calls) == 1  # the clock was set back


def test_each_failed_probe_doubles_the_rest_up_to_a_minute() -> None:
    state, now, waits = after(BAD, BAD, BAD, BAD, BAD), 100.0, []
    for _ in range(6):
        wait = state.wait_s(now)
        waits.append(wait)
        now += wait
        state, ticket = admit(state, RULES, now)
        assert ticket is not None
        assert ticket.probe
        state = record(state, RULES, ticket, BAD, now)
    assert waits == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize("outcome", [GOOD, CALLER])
def test_one_probe_that_comes_back_closes_it(outcome: Outcome) -> None:
    opened = after(BAD, BAD, BAD, BAD, BAD)
    probing, ticket = admit(opened, RULES, 105)
    assert admit(probing, RULES, 106)[1] is None
    assert ticket is not None
    closed = record(probing, RULES, ticket, outcome, 106)
    assert closed.phase(106) == "closed"
    assert after(BAD, BAD, BAD, BAD, state=closed).phase(106) == "closed"  # counts from nothing


def test_a_probe_that_nobody_waits_for_leaves_the_place_to_the_next() -> None:
    probing, ticket = admit(after(BAD, BAD, BAD, BAD, BAD), RULES, 105)
    assert ticket is not None
    state = record(probing, RULES, ticket, LEFT, 106)
    assert admit(state, RULES, 106)[1] is not None


def test_a_probe_of_a_dead_process_has_failed_after_its_own_deadline() -> None:
    probing, ticket = admit(after(BAD, BAD, BAD, BAD, BAD), RULES, 105)
    assert admit(probing, RULES, 114.9)[1] is None
    assert settled(probing, RULES, 115).wait_s(115) == 10
    assert ticket is not None
    late = record(probing, RULES, ticket, GOOD, 116)
    assert late.phase(116) == "open"


def test_what_began_before_it_opened_does_not_close_or_prolong_it() -> None:
    slow = Ticket(0)
    opened = after(BAD, BAD, BAD, BAD, BAD)
    for outcome in (GOOD, BAD):
        assert record(opened, RULES, slow, outcome, 103) == opened


def test_a_clock_that_is_set_back_does_not_hold_it_open() -> None:
    opened = after(BAD, BAD, BAD, BAD, BAD, at=9_000)
    assert settled(opened, RULES, 100).wait_s(100) == 5
    probing, _ticket = admit(opened, RULES, 9_005)
    assert settled(probing, RULES, 100).wait_s(100) == RULES.probe_s


class Plain:
    """The same rules said again, with a list of all that happened and nothing clever."""

    def __init__(self) -> None:
        self.counted: list[tuple[float, bool]] = []
        self.rest: float | None = None  # length of the current rest
        self.until = 0.0  # end of the rest
        self.probe: int | None = None
        self.probe_until = 0.0
        self.valid: set[int] = set()  # tickets whose outcomes mean something

    def pass_time(self, now: float) -> None:
        if self.probe is not None and self.probe_until <= now:
            self.fail(self.probe_until)

    def fail(self, at: float) -> None:
        assert self.rest is not None
        self.rest = min(60.0, self.rest * 2)
        self.until, self.probe, self.valid = at + self.rest, None, set()

    def ask(self, number: int, now: float) -> bool:
        self.pass_time(now)
        if self.rest is None:
            self.valid.add(number)
            return True
        if self.probe is not None or now < self.until:
            return False
        self.probe, self.probe_until, self.valid = number, now + 10.0, {number}
        return True

    def end(self, number: int, outcome: Outcome, now: float) -> None:
        self.pass_time(now)
        if number not in self.valid:
            return
        self.valid.discard(number)
        if number == self.probe:
            if outcome is BAD:
                self.fail(now)
            elif outcome is LEFT:
                self.probe, self.until = None, now
            else:
                self.rest, self.probe, self.counted = None, None, []
        elif outcome in {GOOD, BAD}:
            self.counted.append((now, outcome is BAD))
            fresh = [bad for at, bad in self.counted if at > now - 30.0]
            if len(fresh) >= 5 and 2 * sum(fresh) >= len(fresh):
                self.rest, self.until, self.valid, self.counted = 5.0, now + 5.0, set(), []


class Machine(RuleBasedStateMachine):
    """Calls that overlap, time that passes: the state and the plain model agree throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.plain, self.now, self.number = Breaker(), Plain(), 1000.0, 0
        self.out: dict[int, Ticket] = {}

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 4.75, 5.0, 10.0, 29.75, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def call(self) -> None:
        self.number += 1
        self.state, ticket = admit(self.state, RULES, self.now)
        assert (ticket is not None) == self.plain.ask(self.number, self.now)
        if ticket is not None:
            self.out[self.number] = ticket

    @precondition(lambda self: self.out)
    @rule(data=st.data(), outcome=st.sampled_from([BAD, BAD, GOOD, CALLER, LEFT]))
    def end(self, data: st.DataObject, outcome: Outcome) -> None:
        number = data.draw(st.sampled_from(sorted(self.out)))
        ticket = self.out.pop(number)
        self.state = record(self.state, RULES, ticket, outcome, self.now)
        self.plain.end(number, outcome, self.now)

    @rule(count=st.integers(1, 8), outcome=st.sampled_from([BAD, GOOD]))
    def several(self, count: int, outcome: Outcome) -> None:
        for _ in range(count):
            self.number += 1
            self.state, ticket = admit(self.state, RULES, self.now)
            assert (ticket is not None) == self.plain.ask(self.number, self.now)
            if ticket is not None:
                self.state = record(self.state, RULES, ticket, outcome, self.now)
                self.plain.end(self.number, outcome, self.now)

    @invariant()
    def it_never_rests_for_longer_than_a_minute(self) -> None:
        assert 0 <= settled(self.state, RULES, self.now).wait_s(self.now) <= 60


TestMachine = Machine.TestCase
TestMachine.settings = hypothesis_settings(
    max_examples=150, stateful_step_count=40, deadline=None, derandomize=True
)


# Shared by processes


@pytest.fixture
def name() -> str:
    return f"test-{random.getrandbits(64):x}"


@pytest.mark.django_db(transaction=True)
async def test_another_holder_of_the_same_name_sees_it_open(name: str) -> None:
    one, other = SharedBreaker(name), SharedBreaker(name)
    for _ in range(5):
        ticket = await one.admit()
        assert ticket is not None
        await one.record(ticket, BAD)
    assert await other.admit() is None
    await other.reset()
    assert await one.admit() is not None


@pytest.mark.django_db(transaction=True)
async def test_a_hundred_outcomes_at_once_are_all_counted(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    breaker = SharedBreaker(name)
    await asyncio.gather(*(breaker.record(Ticket(0), GOOD) for _ in range(100)))
    assert len((await in_thread(SharedBreaker(name).state)).calls) == 100
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
async def test_a_cache_that_forgets_leaves_it_closed(name: str) -> None:
    breaker = SharedBreaker(name)
    for _ in range(5):
        await breaker.record(Ticket(0), BAD)
    assert await breaker.admit() is None
    await cache.adelete(f"breaker:{name}")
    ticket = await breaker.admit()
    assert ticket is not None
    for _ in range(5):
        await breaker.record(ticket, BAD)
    assert await breaker.admit() is None


@pytest.mark.django_db(transaction=True)
async def test_without_the_cache_a_process_counts_for_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("canary")

    for method in ("get", "set", "add", "delete"):
        monkeypatch.setattr(type(caches["default"]), method, fail)
    breaker = SharedBreaker(name)
    for _ in range(5):
        ticket = await breaker.admit()
        assert ticket is not None
        await breaker.record(ticket, BAD)
    assert await breaker.admit() is None
    assert len(caplog.records) == 1
    assert "canary" not in caplog.text


@pytest.mark.django_db(transaction=True)
async def test_an_outcome_waits_for_the_next_one_while_the_lock_is_held(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visionai.lib.shared_breaker.WAIT_S", 0.1)
    await cache.aset(f"breaker:{name}:lock", "somebody", 60)
    breaker = SharedBreaker(name)
    began = time.monotonic()
    await breaker.record(Ticket(0), BAD)
    assert time.monotonic() - began < 30
    assert (await in_thread(breaker.state)).calls == ()
    await cache.adelete(f"breaker:{name}:lock")
    await breaker.record(Ticket(0), GOOD)
    assert len((await in_thread(breaker.state)).calls) == 2


# A process of its own that does what it is told, line by line.
CHILD = """
import asyncio, sys, time
import django
django.setup()
from visionai.lib.breaker import Outcome, Ticket
from visionai.lib import shared_breaker
shared_breaker.WAIT_S = 60  # a busy machine is no loss
breaker = shared_breaker.SharedBreaker(sys.argv[1])
print("ready", flush=True)
async def record(count, outcome):
    for _ in range(count):
        await breaker.record(Ticket(breaker.state().epoch), outcome)
    return count
async def admit(count):
    return sum([await breaker.admit() is not None for _ in range(count)])
for line in sys.stdin:
    word, count = line.split()
    if word == "good":
        told = asyncio.run(record(int(count), Outcome.GOOD))
    elif word == "bad":
        told = asyncio.run(record(int(count), Outcome.BAD))
    elif word == "rest-is-over":
        breaker.clock = lambda: time.time() + 6
        told = 0
    elif word == "admit":
        told = asyncio.run(admit(int(count)))
    else:
        told = len(breaker.state().calls)
    print(told, flush=True)
"""


def test_processes_lose_no_outcome_and_send_one_probe(
    migrated: Path, tmp_path: Path, name: str
) -> None:
    shutil.copy(migrated, tmp_path / "visionai.sqlite3")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, name],
            cwd=ROOT,
            env=environment_for(tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    def told() -> list[str]:
        return [(child.stdout.readline() if child.stdout else "").strip() for child in children]

    def tell(line: str) -> list[int]:
        for child in children:
            assert child.stdin is not None
            child.stdin.write(f"{line}\n")
            child.stdin.flush()
        return [int(answer) for answer in told()]

    assert told() == ["ready"] * 3
    tell("good 10")
    assert tell("calls 0") == [30, 30, 30]
    tell("bad 15")  # 30 of 60 open it; the rest comes too late to count
    assert tell("admit 3") == [0, 0, 0]
    tell("rest-is-over 0")
    assert sum(tell("admit 8")) == 1
    for child in children:
        child.communicate(timeout=30)


# When a failed call is made again


def test_a_pause_lies_anywhere_below_a_limit_that_doubles() -> None:
    rng = random.Random(1)
    for attempt, limit in [(1, 0.2), (2, 0.4), (3, 0.8), (9, 2.0)]:
        pauses = [full_jitter(attempt, rng) for _ in range(500)]
        assert 0 <= min(pauses) < 0.05 * limit
        assert 0.95 * limit < max(pauses) <= limit


def test_retries_are_a_tenth_of_the_calls_once_the_reserve_is_used() -> None:
    budget = RetryBudget()
    retried = 0
    for _ in range(200):
        budget.called()
        retried += sum(budget.take() for _ in range(2))
    assert 10 + 18 <= retried <= 10 + 20
