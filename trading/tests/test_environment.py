"""What an agent sees, what options pay, and the environment over both."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.core.environment import OptionsEnvironment
from trading.core.features import BOUND, COUNT, MIRROR, WINDOW, features, whole_windows
from trading.core.market import Candles
from trading.core.options import CALL, HOLD, PUT, Terms, table
from trading.core.prices import Walk, candles_of
from trading.core.strategies import first, last

MIDNIGHT = 1_700_006_400
WALK = candles_of(Walk(7, "EURUSD", start=1.1), "EURUSD", seconds=60, start=MIDNIGHT, count=400)


def made_of(opens: list[float], closes: list[float]) -> Candles:
    """WINDOW quiet candles, then these."""
    opened, closed = (np.array([100.0] * WINDOW + given) for given in (opens, closes))
    start = MIDNIGHT + 60 * np.arange(len(opened), dtype=np.int64)
    high, low = np.maximum(opened, closed), np.minimum(opened, closed)
    return Candles("EURUSD", 60, start, opened, high, low, closed)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    cut=st.integers(WINDOW, 199),
    skip=st.integers(0, 100),
    scale=st.sampled_from([1e-4, 1.0, 1e4]),
)
def test_a_row_is_the_same_whatever_follows_and_however_much_came_before(
    seed: int, cut: int, skip: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    close = scale * np.exp(np.cumsum(rng.normal(0, 1e-3, 200)))
    start = MIDNIGHT + 60 * np.arange(200, dtype=np.int64)
    whole = Candles("X", 60, start, close, close * 1.001, close * 0.999, close)
    known = features(whole)
    assert np.array_equal(features(first(whole, cut)), known[:cut], equal_nan=True)
    shorter = features(last(whole, 200 - skip))
    assert np.array_equal(shorter[WINDOW - 1 :], known[skip + WINDOW - 1 :])


@given(
    future=st.lists(st.floats(0.5, 2.0), min_size=399 - 200, max_size=399 - 200),
)
@settings(max_examples=30)
def test_another_future_changes_no_row(future: list[float]) -> None:
    factor = np.concatenate([np.ones(201), np.array(future)])
    other = replace(
        WALK, **{k: getattr(WALK, k) * factor for k in ("open", "high", "low", "close")}
    )
    assert np.array_equal(features(other)[:201], features(WALK)[:201], equal_nan=True)


def test_rows_are_bounded_and_unknown_only_in_the_warm_up() -> None:
    found = features(WALK)
    assert found.shape == (400, COUNT)
    assert np.isnan(found[: WINDOW - 1]).all()
    assert np.abs(found[WINDOW - 1 :]).max() <= BOUND
    assert (found[WINDOW - 1 :].std(axis=0) > 0.05).all(), "no column is dead"


def test_prices_turned_upside_down_change_only_signs() -> None:
    # Turned in differences about a high level, where gains are nearly differences.
    away = WALK.close - WALK.close[0]
    up, down = 1000 + away, 1000 - away
    start = WALK.start
    one = features(Candles("X", 60, start, np.roll(up, 1), up + 0.01, up - 0.02, up))
    other = features(Candles("X", 60, start, np.roll(down, 1), down + 0.02, down - 0.01, down))
    np.testing.assert_allclose(one[WINDOW:], other[WINDOW:] * MIRROR, atol=2e-3)


def test_a_market_that_stands_still_looks_like_nothing() -> None:
    still = np.full(60, 1.5)
    start = 60 * np.arange(60, dtype=np.int64)
    seen = features(Candles("X", 60, start, still, still, still, still))[-1]
    assert seen[MIRROR < 0].tolist() == [0.0] * int((MIRROR < 0).sum())


def test_what_an_option_pays_is_worked_out_by_hand() -> None:
    # After the last quiet candle, at 100: the next one opens at 100 and ends, where the one after
    # it opens, at 101, then 101 (a tie), then 99.
    candles = made_of([100.0, 101.0, 101.0, 99.0], [100.5, 101.0, 100.0, 99.0])
    found = table(candles, Terms(payout=0.8, cost=0.05))
    rows = found.rewards[WINDOW - 1 : WINDOW + 2]
    expected = [[0.0, 0.75, -1.05], [0.0, -0.05, -0.05], [0.0, -1.05, 0.75]]
    np.testing.assert_allclose(rows, expected)
    assert found.after[WINDOW - 1 : WINDOW + 2].tolist() == [WINDOW, WINDOW + 1, WINDOW + 2]
    # The last candle's option is not settled in the data, the one before it at its last close.
    assert found.usable[WINDOW - 1 :].tolist() == [True, True, True, True, False]
    assert found.rewards[WINDOW + 2].tolist() == [0.0, -0.05, -0.05]


def test_a_worse_entry_makes_ties_lose() -> None:
    candles = made_of([100.0] * 3, [100.0] * 3)
    assert table(candles, Terms()).rewards[WINDOW, CALL] == 0.0
    assert table(candles, Terms(slippage=1e-5)).rewards[WINDOW, CALL] == -1.0
    assert table(candles, Terms(slippage=1e-5)).rewards[WINDOW, PUT] == -1.0


def test_break_even_follows_from_the_payout() -> None:
    assert Terms(payout=0.87).break_even == pytest.approx(0.53476, abs=1e-5)  # 1 / 1.87
    assert Terms(payout=1.0, cost=0.1).break_even == pytest.approx(0.55)


def test_nothing_is_bought_or_seen_across_a_gap() -> None:
    late = replace(WALK, start=WALK.start + 3600 * (np.arange(400) >= 200))
    found = table(late, Terms())
    assert not found.usable[199], "no candle begins at its close"
    assert not found.usable[200 : 200 + WINDOW - 1].any()
    assert found.usable[200 + WINDOW - 1]
    assert not whole_windows(late)[210]


def test_an_option_that_ends_within_a_candle_has_no_known_price() -> None:
    fives = candles_of(Walk(7, "X", start=1.1), "X", seconds=300, start=MIDNIGHT, count=80)
    assert not table(fives, Terms(minutes=1)).usable.any()
    assert table(fives, Terms(minutes=5)).usable.any()


def test_long_options_end_at_the_quarter_of_an_hour() -> None:
    found = table(WALK, Terms(minutes=15))
    closes = WALK.start + 60
    quarter = int(np.flatnonzero(found.usable & (closes % 900 == 0))[0])
    assert found.after[quarter] == quarter + 15
    # Bought two minutes after a quarter it ends nearest to 15 minutes later: after 13.
    assert found.after[quarter + 2] == quarter + 15


def test_the_environment_passes_gymnasiums_checker() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(OptionsEnvironment(WALK, Terms()), skip_render_check=True)


def test_the_same_seed_is_the_same_episode() -> None:
    def played(seed: int) -> list[float]:
        market = OptionsEnvironment(WALK, Terms(), length=50)
        seen, _ = market.reset(seed=seed)
        market.action_space.seed(seed)
        found = [float(seen.sum())]
        done = False
        while not done:
            seen, reward, _, done, _ = market.step(market.action_space.sample())
            found += [reward, float(seen.sum())]
        return found

    assert played(3) == played(3)
    assert played(3) != played(4)


def test_steps_pay_what_the_table_says_and_go_on_after_the_settlement() -> None:
    market = OptionsEnvironment(WALK, Terms(minutes=3), length=10_000)
    _, info = market.reset(options={"start": 0})
    at, rng, done = info["candle"], np.random.default_rng(0), False
    assert at == WINDOW - 1
    while not done:
        action = rng.integers(3)
        seen, reward, terminated, done, info = market.step(action)
        assert (info["candle"], reward) == (at, market.table.rewards[at, action])
        assert not terminated
        at += 1 if action == HOLD else 3
        if not done:
            assert np.array_equal(seen, market.table.seen[at])


def test_what_is_no_action_and_no_data_is_refused() -> None:
    market = OptionsEnvironment(WALK, Terms())
    with pytest.raises(RuntimeError, match="reset"):
        market.step(np.int64(0))
    market.reset(seed=1)
    with pytest.raises(ValueError, match="no action"):
        market.step(np.int64(3))
    with pytest.raises(ValueError, match="too few"):
        OptionsEnvironment(first(WALK, WINDOW), Terms())
