"""A bot's run, written down by the real gate and the real settlements, and gone through again."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from trading.brokers.base import Position
from trading.core.bot import Plan, command_of
from trading.core.market import Candles, Direction
from trading.core.replay import command_line, replay
from trading.core.settlement import outcome_of, profit_of
from trading.core.strategies import first, strategy
from trading.core.synthetic import persistent
from trading.events import emit_log
from trading.gate import pass_gate
from trading.models import ClosedCandle, LimitSet, Order, TradingSession
from trading.order_flow import Owner, apply_position, mark_sent
from trading.ownership import owned
from trading.recordings import recording_of_session
from trading.refusals import Conflict, RiskLimit
from trading.tests.rows import NOON, a_settled_order, a_trading_session

pytestmark = pytest.mark.django_db
BEFORE, RUN = 30, 70  # candles before the bot's start, and of its run
PARAMETERS = {"period": 8, "width": 1.0}
END = NOON + timedelta(minutes=RUN, seconds=30)


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
    candles = replace(persistent(BEFORE + RUN, seed=9, start=start), asset="EURUSD-OTC")
    ClosedCandle.objects.bulk_create(
        ClosedCandle(
            broker="paper",
            asset="EURUSD-OTC",
            seconds=60,
            start=int(candles.start[index]),
            **{k: float(getattr(candles, k)[index]) for k in ("open", "high", "low", "close")},
        )
        for index in range(len(candles))
    )
    return candles


def run_bot(session: TradingSession, candles: Candles) -> tuple[bytes, int]:
    """As a node does it, a fifth of a second after each close; the commands, and the refusals."""
    plan = Plan(
        session.pk, strategy("reversal", PARAMETERS), "EURUSD-OTC", 60, Decimal(10), minutes=1
    )
    owner, said, refused = Owner(session.pk, 1), b"", 0
    waiting: list[tuple[Order, Position]] = []
    for index in range(BEFORE, BEFORE + RUN):
        close = NOON + timedelta(minutes=index - BEFORE + 1)
        for order, position in waiting:
            price = float(candles.close[index])
            outcome = outcome_of(position.direction, opened=position.open_price, closed=price)
            profit = profit_of(outcome, stake=order.stake, payout=position.payout)
            ended = replace(position, outcome=outcome, profit=profit, close_price=price)
            apply_position(owner, ended, order_pk=order.pk, at=close + timedelta(seconds=0.1))
        waiting.clear()
        at = close + timedelta(seconds=0.2)
        command = command_of(plan, first(candles, index + 1), now=at.timestamp())
        if command is None:
            continue
        try:
            order = placed(session, command, at=at)
        except (RiskLimit, Conflict):
            refused += 1
            continue
        said += command_line(command) + b"\n"
        waiting.append((order, opened(owner, order, float(candles.close[index]), at=at)))
    return said, refused


def placed(session: TradingSession, command: Any, *, at: datetime) -> Order:
    order = pass_gate(
        session,
        key=command.key,
        asset=command.asset,
        direction=command.direction.value,
        stake=command.stake,
        minutes=command.minutes,
        source="bot",
        fence=1,
        at=at,
    )
    with owned(session.pk, 1) as row:
        emit_log(row, "bot_order", at=at, command=command.as_json())
    return order


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


@pytest.mark.parametrize(
    "limits",
    [{}, {"trades_per_hour": 6}, {"consecutive_losses": 2}, {"daily_loss": 25}, {"drawdown": 20}],
)
def test_a_replay_of_a_session_gives_its_commands_byte_for_byte(limits: dict[str, int]) -> None:
    session = a_bot_session(**limits)
    a_settled_order(session, "-4.00", NOON - timedelta(minutes=10))
    TradingSession.objects.filter(pk=session.pk).update(realised=-4)
    said, refused = run_bot(session, market())
    assert said.count(b"\n") > (1 if limits else 15)
    assert bool(refused) == bool(limits)
    session.refresh_from_db()
    recording = recording_of_session(session, until=END)
    again = replay(recording.splitlines(), strategy)
    assert again.found == said
    assert again.recorded == said
    assert recording == recording_of_session(session, until=END)


def test_a_command_that_was_changed_in_the_log_is_found_out() -> None:
    session = a_bot_session()
    run_bot(session, market())
    recording = recording_of_session(session, until=END)
    bent = recording.replace(b'"direction":"put"', b'"direction":"call"', 1)
    assert bent != recording
    assert not replay(bent.splitlines(), strategy).same


def test_a_session_without_a_bot_has_no_recording() -> None:
    assert recording_of_session(a_trading_session(), until=END) == b""
