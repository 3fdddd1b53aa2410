"""What each strategy does, on prices laid out by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.market import Candles, Decision, Direction
from trading.core.strategies import (
    STRATEGIES,
    BadParameters,
    checked,
    first,
    last,
    strategy,
)


def candles_of(closes: Any, *, spread: float = 0.5, seconds: int = 60) -> Candles:
    close = np.asarray(closes, np.float64)
    before = np.concatenate([close[:1], close[:-1]])
    return Candles(
        "EURUSD",
        seconds,
        np.arange(len(close), dtype=np.int64) * seconds,
        open=before,
        high=np.maximum(close, before) + spread,
        low=np.minimum(close, before) - spread,
        close=close,
    )


def a_walk(seed: int, count: int = 300) -> Candles:
    steps = np.random.default_rng(seed).normal(0, 1.0, count)
    return candles_of(100 + np.cumsum(steps))


RULES = [name for name in STRATEGIES if name != "agent"]


def test_hold_never_trades() -> None:
    assert strategy("hold", {}).decide(a_walk(1)).direction is None


@pytest.mark.parametrize(("step", "direction"), [(1.0, Direction.CALL), (-1.0, Direction.PUT)])
def test_momentum_goes_with_a_trend_and_reversal_against_it(
    step: float, direction: Direction
) -> None:
    trend = candles_of(100 + step * np.arange(60.0))
    with_it = strategy("momentum", {"period": 10, "threshold": 1}).decide(trend)
    against = strategy("reversal", {"period": 20, "width": 1.5}).decide(trend)
    assert with_it.direction is direction
    assert with_it.reason == f"momentum_{direction}"
    assert against.direction is not None
    assert against.direction is not direction


def test_momentum_measures_in_average_true_ranges() -> None:
    # Every candle rises by 1 and reaches 0.5 beyond each end: a true range of 2, and 10 candles
    # are 5 of them.
    trend = candles_of(100 + np.arange(60.0))
    assert strategy("momentum", {"period": 10, "threshold": 5.0}).decide(trend).direction is None
    assert strategy("momentum", {"period": 10, "threshold": 4.9}).decide(trend).direction


def test_the_strength_index_buys_low_and_sells_high() -> None:
    down, up = candles_of(500 - np.arange(200.0)), candles_of(500 + np.arange(200.0))
    index = strategy("rsi", {})
    assert index.decide(down) == Decision(Direction.CALL, 1.0, "rsi_low")
    assert index.decide(up) == Decision(Direction.PUT, 1.0, "rsi_high")


@pytest.mark.parametrize("name", RULES)
def test_a_market_that_stands_still_is_left_alone(name: str) -> None:
    assert strategy(name, {}).decide(candles_of(np.ones(300), spread=0.0)).direction is None


@pytest.mark.parametrize("name", RULES)
def test_too_few_candles_are_no_reason_to_trade(name: str) -> None:
    rule = strategy(name, {})
    assert rule.decide(first(a_walk(2), rule.needs - 1)).direction is None


@pytest.mark.parametrize("name", RULES)
@given(seed=st.integers(0, 10_000))
def test_a_strategy_decides_alike_with_more_history(name: str, seed: int) -> None:
    rule, candles = strategy(name, {}), a_walk(seed)
    assert rule.decide(candles) == rule.decide(last(candles, rule.needs))


@pytest.mark.parametrize("name", RULES)
def test_confidence_lies_between_none_and_all(name: str) -> None:
    rule = strategy(name, {})
    found = [rule.decide(first(a_walk(3, 600), size)) for size in range(150, 600)]
    assert all(0 <= one.confidence <= 1 for one in found)
    assert name == "hold" or {one.direction for one in found} >= {Direction.CALL, Direction.PUT}


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("martingale", {}, "unknown_strategy"),
        ("rsi", {"periods": 3}, "unknown_parameter"),
        ("rsi", {"period": "14"}, "not_a_number"),
        ("rsi", {"period": True}, "not_a_number"),
        ("rsi", {"period": float("nan")}, "not_a_number"),
        ("rsi", {"period": 10**400}, "not_a_number"),
        ("rsi", {"period": 2.5}, "not_whole"),
        ("rsi", {"period": 1}, "out_of_range"),
        ("rsi", {"low": 60}, "out_of_range"),
        ("rsi", [], "not_an_object"),
        ("agent", {}, "no_agent"),
        ("agent", {"agent": 3}, "bad_choice"),
        ("agent", {"agent": "mine"}, "no_agent"),
    ],
)
def test_what_is_no_parameter_is_refused(name: str, given: Any, code: str) -> None:
    with pytest.raises(BadParameters) as refused:
        strategy(name, given)
    assert refused.value.code == code


def test_a_parameter_that_is_not_given_has_its_default() -> None:
    assert checked("rsi", {"period": 7.0}) == {"period": 7, "low": 30.0, "high": 70.0}


@pytest.mark.parametrize("name", RULES)
def test_every_default_lies_in_its_own_range(name: str) -> None:
    assert strategy(name, {one.name: one.default for one in STRATEGIES[name].parameters})
