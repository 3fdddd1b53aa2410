"""A bot's run, written down by the real gate and the real settlements, and gone through again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from trading.brokers.base import Position
from trading.core.bot import Command, Plan, command_of
from trading.core.market import Candle, Candles, Direction, Outcome
from trading.core.replay import Replayed, command_line, replay
from trading.core.settlement import outcome_of, profit_of
from trading.core.strategies import strategy
from trading.core.synthetic import persistent
from trading.feeds import Feed
from trading.gate import pass_gate
from trading.heard import apply_position
from trading.limits import change_limits, session_limits_of, user_scope
from trading.looks import Look, Looks, begin_run, write, write_passage
from trading.models import BotLook, BotRun, LimitSet, Order, TradingSession
from trading.order_flow import Owner, mark_sent
from trading.recordings import recording_of_run
from trading.refusals import short_code
from trading.services import release
from trading.switches import EVERYTHING, set_switch
from trading.tests.rows import NOON, a_settled_order, a_trading_session
from visionai.lib.errors import DomainError

pytestmark = pytest.mark.django_db
BEFORE, RUN = 30, 70  # candles before the bot's start, and of its run
PARAMETERS = {"period": 8, "width": 1.0}
BY_HAND = UUID("0f9f4a50-44d3-4d1c-8c55-0a8a8a0a4f55")


def a_bot_session(**limits: Any) -> TradingSession:
    session = a_trading_session(
        bot_wanted=True,
        bot_started_at=NOON,
        strategy="reversal",
        parameters=PARAMETERS,
        bot_asset="EURUSD-OTC",
        bot_stake=Decimal(10),
    )
    LimitSet.objects.filter(session=session).update(**limits)
    return session


def market() -> Candles:
    start = int((NOON - timedelta(minutes=BEFORE)).timestamp())
    return replace(persistent(BEFORE + RUN, seed=9, start=start), asset="EURUSD-OTC")


def heard(feed: Feed, candles: Candles, index: int) -> None:
    """One closed candle more."""
    start = datetime.fromtimestamp(int(candles.start[index]), UTC)
    opened, high, low, close = (
        float(getattr(candles, k)[index]) for k in ("open", "high", "low", "close")
    )
    feed.add(Candle("EURUSD-OTC", start, 60, opened, high, low, close))


@dataclass
class Run:
    """As a node does it; the commands that the gate let pass, and the refusals."""

    session: TradingSession
    candles: Candles
    said: bytes = b""
    refused: list[str] = field(default_factory=list)
    waiting: list[tuple[Order, Position]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rule = strategy("reversal", PARAMETERS)
        self.owner = Owner(self.session.pk, 1)
        self.plan = Plan(self.session.pk, rule, "EURUSD-OTC", 60, Decimal(10), minutes=1)
        self.feed = Feed("paper", "EURUSD-OTC", 60)
        for index in range(BEFORE):
            heard(self.feed, self.candles, index)
        self.run_id = begin_run(self.owner, at=NOON)
        self.looks = Looks(self.run_id, rule.needs)

    @property
    def recording(self) -> bytes:
        return b"".join(recording_of_run(BotRun.objects.get(pk=self.run_id)))

    def go(self, *, late: int = -1, deaf: int = -1, settled_after: bool = False) -> Run:
        """A fifth of a second after each close; `late` is looked at too late, `deaf` not at all.
        Options end before the look at their end, or in the same moment after it."""
        for index in range(BEFORE, BEFORE + RUN):
            close = NOON + timedelta(minutes=index - BEFORE + 1)
            heard(self.feed, self.candles, index)
            ending, self.waiting = self.waiting, []
            at = close + timedelta(seconds=35 if index == late else 0.2)
            if not settled_after:
                self.settle(ending, index, at=close + timedelta(seconds=0.1))
            if index != deaf:
                self.look(index, at=at)
            if settled_after:
                # Written after the look, and yet earlier on the clock.
                self.settle(ending, index, at=at - timedelta(seconds=0.1))
        return self

    def settle(self, ending: list[tuple[Order, Position]], index: int, *, at: datetime) -> None:
        for order, position in ending:
            price = float(self.candles.close[index])
            outcome = outcome_of(position.direction, opened=position.open_price, closed=price)
            profit = profit_of(outcome, stake=order.stake, payout=position.payout)
            ended = replace(position, outcome=outcome, profit=profit, close_price=price)
            apply_position(self.owner, ended, order_pk=order.pk, at=at)

    def look(self, index: int, *, at: datetime) -> None:
        seen, now = self.feed.candles(), at.timestamp()
        look = self.looks.look(self.feed, seen, now=now)
        command = command_of(self.plan, seen, now=now)
        if command is None:
            write([look])
            self.looks.written(look)
            return
        try:
            order = asked(self.session, command, look, at=at)
        except DomainError as refusal:
            self.refused.append(short_code(refusal))
            self.looks.written(look)
            return
        self.looks.written(look)
        self.said += command_line(command) + b"\n"
        price = float(self.candles.close[index])
        self.waiting.append((order, opened(self.owner, order, price, at=at)))


def asked(session: TradingSession, command: Command, look: Look, *, at: datetime) -> Order:
    return pass_gate(
        session,
        key=command.key,
        asset=command.asset,
        direction=command.direction.value,
        stake=command.stake,
        minutes=command.minutes,
        source="bot",
        fence=1,
        note=partial(write_passage, look, command),
        at=at,
    )


def opened(owner: Owner, order: Order, price: float, *, at: datetime) -> Position:
    mark_sent(owner, order.pk, clock=at, at=at)
    position = Position(
        str(order.pk),
        order.asset,
        Direction(order.direction),
        order.stake,
        at,
        at + timedelta(minutes=1),
        price,
        Decimal("0.87"),
    )
    apply_position(owner, position, order_pk=order.pk, at=at)
    return position


def check(run: Run) -> Replayed:
    """The same commands and refusals, byte for byte; and the recording is always the same one."""
    recording = run.recording
    again = replay(recording.splitlines(), strategy)
    assert again.difference() is None
    assert again.found == again.recorded
    commands = [line for line in again.found.splitlines(keepends=True) if b'"command"' in line]
    assert b"".join(commands) == run.said
    refused = [json.loads(line)["why"] for line in again.found.splitlines() if b'"why"' in line]
    assert refused == run.refused
    assert recording == run.recording
    return again


@pytest.mark.parametrize(
    "limits",
    [{}, {"trades_per_hour": 6}, {"consecutive_losses": 2}, {"daily_loss": 25}, {"drawdown": 20}],
)
@pytest.mark.parametrize("settled_after", [False, True])
def test_a_replay_of_a_session_gives_its_commands_byte_for_byte(
    limits: dict[str, int], settled_after: bool
) -> None:
    session = a_bot_session(**limits)
    a_settled_order(session, "-4.00", NOON - timedelta(minutes=10))
    TradingSession.objects.filter(pk=session.pk).update(realised=-4)
    run = Run(session, market()).go(settled_after=settled_after)
    assert run.said.count(b"\n") > (1 if limits else 15)
    assert set(run.refused) == set(limits)
    assert check(run).looks == RUN


def test_looks_that_came_late_or_not_at_all_are_gone_through_as_they_were() -> None:
    plain = Run(a_bot_session(), market()).go()
    asked_at = [json.loads(line)["closed_at"] for line in plain.said.splitlines()]
    first = int(plain.candles.start[0])
    second, fifth = ((asked_at[place] - 60 - first) // 60 for place in (1, 4))
    run = Run(a_bot_session(), market()).go(late=second, deaf=fifth)
    closes = [json.loads(line)["closed_at"] for line in run.said.splitlines()]
    assert closes == [one for one in asked_at if one not in (asked_at[1], asked_at[4])]
    assert BotLook.objects.get(run=run.run_id, said="late").start == asked_at[1] - 60
    assert check(run).looks == RUN - 1


def test_what_came_from_outside_the_session_is_part_of_its_record() -> None:
    """Halted, limits of the user, an order by hand, limits that change, and a release."""
    session = a_bot_session(consecutive_losses=3)
    run, owner = Run(session, market()), session.user
    halted = {BEFORE + 10: True, BEFORE + 20: False}
    for index in range(BEFORE, BEFORE + RUN):
        close = NOON + timedelta(minutes=index - BEFORE + 1)
        heard(run.feed, run.candles, index)
        ending, run.waiting = run.waiting, []
        run.settle(ending, index, at=close + timedelta(seconds=0.1))
        at = close + timedelta(seconds=0.2)
        if index in halted:
            set_switch(EVERYTHING, on=halted[index], by=None, at=at)
        if index == BEFORE + 25:
            row = session_limits_of(session)
            change_limits(row, user=owner, values={"open_positions": 1}, at=at)
            by_hand(session, at=at)
        if index == BEFORE + 35:
            Order.objects.filter(source="manual").update(state="open")
            apply_position(run.owner, by_hand_ended(session, at=at), at=at)
        if index == BEFORE + 40:
            user_limits = LimitSet.objects.filter(scope=user_scope(owner.pk, "PRACTICE"))
            user_limits.update(stake=5)
        if index == BEFORE + 50:
            user_limits.update(stake=100)
            release(session, by=owner, at=at)
        run.look(index, at=at)
    assert {"halted", "open_positions", "stake"} <= set(run.refused)
    check(run)
    scopes = BotLook.objects.filter(run=run.run_id, said="refused").values_list("outside", "why")
    assert {("before", "halted"), ("", "open_positions"), ("after", "stake")} <= set(scopes)


def by_hand(session: TradingSession, *, at: datetime) -> None:
    pass_gate(
        session,
        key=BY_HAND,
        asset="GBPUSD-OTC",
        direction="call",
        stake=Decimal(7),
        minutes=60,
        source="manual",
        at=at,
    )


def by_hand_ended(session: TradingSession, *, at: datetime) -> Position:
    order = Order.objects.get(session=session, key=BY_HAND)
    return Position(
        "manual",
        order.asset,
        Direction.CALL,
        order.stake,
        at,
        at,
        1.0,
        Decimal("0.87"),
        outcome=Outcome.LOST,
        profit=Decimal(-7),
        close_price=0.9,
        reference=str(BY_HAND),
    )


def test_a_limit_that_was_raised_holds_from_its_day_on() -> None:
    session = a_bot_session(trades_per_hour=2)
    asked_at = NOON - timedelta(hours=24) + timedelta(minutes=30, seconds=30)
    row = session_limits_of(session)
    change_limits(row, user=session.user, values={"trades_per_hour": 50}, at=asked_at)
    run = Run(session, market()).go()
    assert set(run.refused) == {"trades_per_hour"}
    closes = [json.loads(line)["closed_at"] for line in run.said.splitlines()]
    raised_at = asked_at + timedelta(hours=24)
    assert len([one for one in closes if one < raised_at.timestamp()]) == 2
    assert len(closes) > 4
    check(run)


def test_another_node_that_goes_on_sees_all_anew_and_orders_nothing_twice() -> None:
    run = Run(a_bot_session(), market())
    for index in range(BEFORE, BEFORE + RUN):
        close = NOON + timedelta(minutes=index - BEFORE + 1)
        heard(run.feed, run.candles, index)
        run.settle(run.waiting, index, at=close + timedelta(seconds=0.1))
        run.waiting = []
        run.look(index, at=close + timedelta(seconds=0.2))
        if run.said and index == BEFORE + 45:  # killed, and its last looks lost
            lost = BotLook.objects.filter(run=run.run_id, said="hold")
            lost.filter(start__gt=close.timestamp() - 240).delete()
            assert begin_run(run.owner, at=close) == run.run_id
            run.looks = Looks(run.run_id, run.plan.strategy.needs)
    last = BotLook.objects.filter(run=run.run_id, said="order").last()
    assert last is not None
    check(run)
    # The same candle once more: the gate gives the order that is there.
    command = command_of(run.plan, run.feed.candles(), now=NOON.timestamp() + RUN * 60 + 1)
    if command is not None:
        look = run.looks.look(run.feed, run.feed.candles(), now=NOON.timestamp() + RUN * 60 + 1)
        asked(run.session, command, look, at=NOON + timedelta(minutes=RUN, seconds=1))
        assert BotLook.objects.filter(run=run.run_id, said="again").exists()
        check(run)


def test_a_node_that_was_overtaken_writes_nothing() -> None:
    run = Run(a_bot_session(), market())
    TradingSession.objects.filter(pk=run.session.pk).update(fence=2)
    for index in range(BEFORE, BEFORE + RUN):
        heard(run.feed, run.candles, index)
        close = NOON + timedelta(minutes=index - BEFORE + 1)
        run.look(index, at=close + timedelta(seconds=0.2))
    assert set(run.refused) == {"fenced"}
    assert not BotLook.objects.filter(run=run.run_id, said="refused").exists()
    assert not Order.objects.exists()


def test_orders_whose_events_are_gone_count_all_the_same() -> None:
    session = a_bot_session(daily_loss=25)
    a_settled_order(session, "-20.00", NOON - timedelta(minutes=10))
    TradingSession.objects.filter(pk=session.pk).update(realised=-20)
    run = Run(session, market()).go()
    assert run.refused
    assert run.said == b"" or check(run)
    check(run)


def test_a_recording_that_was_changed_is_found_out() -> None:
    run = Run(a_bot_session(), market()).go()
    bent = run.recording.replace(b'"direction":"put"', b'"direction":"call"', 1)
    assert bent != run.recording
    again = replay(bent.splitlines(), strategy)
    found = again.difference()
    assert not again.same
    assert found is not None
    assert '"call"' in found.recorded
    assert '"put"' in found.found
    cut = b"\n".join(line for line in run.recording.splitlines() if b'"command"' not in line)
    missing = replay(cut.splitlines(), strategy).difference()
    assert missing is not None
    assert (missing.line, missing.recorded) == (1, "")
