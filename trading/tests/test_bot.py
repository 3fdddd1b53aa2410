"""One step of a bot."""

import uuid
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from trading.core.bot import Plan, command_of
from trading.core.market import Candles, Direction
from trading.core.strategies import first, strategy
from trading.tests.test_strategies import candles_of

RISING = candles_of(100 + np.arange(60.0))
CLOSE = 60 * 60  # of the last of 60 candles of a minute that began at 0
SESSION = uuid.UUID(int=7)


def a_plan(**changes: object) -> Plan:
    rule = strategy("momentum", {"period": 10, "threshold": 1})
    usual = Plan(SESSION, rule, "EURUSD", 60, Decimal("2.50"), 1)
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_a_command_says_what_the_strategy_wants() -> None:
    command = command_of(a_plan(), RISING, now=CLOSE + 0.2)
    assert command
    assert (command.direction, command.stake, command.minutes) == (
        Direction.CALL,
        Decimal("2.50"),
        1,
    )
    assert (command.closed_at, command.reason) == (CLOSE, "momentum_call")


def test_two_looks_at_one_candle_ask_for_one_order() -> None:
    once = command_of(a_plan(), RISING, now=CLOSE)
    again = command_of(a_plan(stake=Decimal(9)), RISING, now=CLOSE + 3)
    other = command_of(a_plan(session=uuid.UUID(int=8)), RISING, now=CLOSE)
    before = command_of(a_plan(), first(RISING, 59), now=CLOSE - 60)
    assert once
    assert again
    assert other
    assert before
    assert once.key == again.key
    assert len({once.key, other.key, before.key}) == 3


@pytest.mark.parametrize("now", [CLOSE - 0.1, CLOSE + 30, CLOSE + 86_400, float("nan")])
def test_a_candle_that_is_not_closed_or_long_past_asks_for_nothing(now: float) -> None:
    assert command_of(a_plan(), RISING, now=now) is None


def test_a_missing_candle_asks_for_nothing() -> None:
    late = replace(RISING, start=RISING.start + 60 * (np.arange(60) >= 50))
    assert command_of(a_plan(), late, now=CLOSE + 60) is None
    early = replace(RISING, start=RISING.start + 60 * (np.arange(60) >= 2))
    assert command_of(a_plan(), early, now=CLOSE + 60), "it does not look that far back"


def test_the_candles_of_another_asset_or_size_are_a_fault() -> None:
    with pytest.raises(ValueError, match="not the plan's"):
        command_of(a_plan(asset="GBPUSD"), RISING, now=CLOSE)
    with pytest.raises(ValueError, match="not the plan's"):
        command_of(a_plan(seconds=5), RISING, now=CLOSE)


def test_a_command_is_one_line_that_never_changes() -> None:
    command = command_of(a_plan(), RISING, now=CLOSE)
    assert command
    assert command.line() == (
        b'{"asset":"EURUSD","closed_at":3600,"confidence":0.8,"direction":"call",'
        b'"key":"' + str(command.key).encode() + b'","minutes":1,'
        b'"reason":"momentum_call","stake":"2.50"}'
    )


def test_no_candles_are_no_command() -> None:
    empty: Candles = first(RISING, 0)
    assert command_of(a_plan(), empty, now=0.0) is None
