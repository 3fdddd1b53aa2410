"""Intervals against sources and simulations, and a gate that luck does not pass."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trading.core.agent import TrainedAgent
from trading.core.evaluation import (
    Tally,
    bootstrap,
    calibration,
    folds,
    played,
    tally,
    verdict,
    walk_forward,
    wilson,
)
from trading.core.features import WINDOW
from trading.core.options import CALL, HOLD, PUT, Table, Terms, table
from trading.core.synthetic import persistent
from trading.tests.test_agent import an_agent, constant

DATA = table(persistent(3000, seed=5), Terms())


@pytest.mark.parametrize(
    ("won", "decided", "interval"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_the_interval_of_a_share_is_wilsons(
    won: int, decided: int, interval: tuple[float, float]
) -> None:
    assert wilson(won, decided) == pytest.approx(interval, abs=5e-5)


def test_a_bootstrapped_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [bootstrap(rng.normal(0.3, 1, 400), block=5, seed=one) for one in range(100)]
    inside = sum(low < 0.3 < high for low, high in found)
    assert 88 <= inside <= 100  # 95 expected; 80 blocks make it a little short


def test_too_few_blocks_have_no_interval() -> None:
    assert bootstrap(np.ones(30), block=20, seed=1) == (float("-inf"), float("inf"))


def test_folds_learn_from_the_past_alone_with_a_pause_before_the_trial() -> None:
    slow = table(persistent(3000, seed=5), Terms(minutes=15))
    for data in (DATA, slow):
        parts = folds(data, count=4)
        tried = np.concatenate([one.tried for one in parts])
        assert len(set(tried)) == len(tried)
        for part in parts:
            assert len(part.learn) > 200
            first_seen = part.tried[0] - WINDOW + 1
            assert part.learn.max() < first_seen, "no observation reaches into what was learned"
            assert data.after[part.learn].max() <= part.tried[0] - WINDOW


def test_no_option_is_played_while_another_is_open() -> None:
    data = table(persistent(400, seed=5), Terms(minutes=3))
    rows = np.flatnonzero(data.usable)[:9]
    wanted = np.full(9, CALL)
    assert played(data, rows, wanted).tolist() == [CALL, 0, 0] * 3
    wanted[0] = HOLD
    assert played(data, rows, wanted).tolist() == [0, CALL, 0, 0, CALL, 0, 0, CALL, 0]


def test_a_tally_counts_what_came_of_trades() -> None:
    rows = np.flatnonzero(DATA.usable)[:100]
    best = np.where(DATA.rewards[rows, CALL] > 0, CALL, PUT)
    best[50:] = HOLD
    found = tally(DATA, rows, best)
    assert (found.trades, found.won, found.lost, found.tied) == (50, 50, 0, 0)
    assert (found.win_rate, found.hold_rate) == (1.0, 0.5)
    assert found.profit == pytest.approx(50 * 0.87)


def test_calibration_tells_a_boaster_from_an_honest_one() -> None:
    rng = np.random.default_rng(2)
    says = rng.uniform(0.5, 0.8, 20_000)
    honest = calibration(says, rng.random(20_000) < says)
    boaster = calibration(says + 0.15, rng.random(20_000) < says)
    assert honest.error is not None
    assert boaster.error is not None
    assert honest.error < 0.02
    assert boaster.error == pytest.approx(0.15, abs=0.02)
    assert sum(one.count for one in honest.bins) == 20_000
    assert all(one.won_low <= one.won <= one.won_high for one in honest.bins)
    assert calibration(np.empty(0), np.empty(0, np.bool_)).bins == ()


def a_verdict(rate: float, *, trades: int = 2000, seeds: int = 5, tried: int = 1) -> Any:
    """Of made-up seeds that trade on half of the candles."""
    rng = np.random.default_rng(4)
    gained = np.zeros((seeds, 2 * trades))
    won = np.arange(trades) < rate * trades
    for row in gained:
        row[rng.choice(2 * trades, trades, replace=False)] = np.where(
            rng.permutation(won), 0.87, -1
        )
    wins = int(won.sum())
    tallies = [
        Tally(2 * trades, trades, wins, trades - wins, 0, float(row.sum())) for row in gained
    ]
    beside = {"hold": np.zeros(2 * trades), "random": rng.choice([0.87, -1.0], 2 * trades)}
    return verdict(tallies, gained, beside, break_even=1 / 1.87, block=20, tried=tried)


def test_an_edge_must_be_above_break_even_for_certain() -> None:
    assert a_verdict(0.65).edge
    assert "below_break_even" in a_verdict(0.54).reasons  # above break-even, within its luck
    assert "few_trades" in a_verdict(0.65, trades=90).reasons
    assert "few_seeds" in a_verdict(0.65, seeds=3).reasons


def test_who_tries_more_often_must_show_more() -> None:
    assert a_verdict(0.58, tried=1).edge
    assert "below_break_even" in a_verdict(0.58, tried=5000).reasons


def test_what_a_plain_rule_does_as_well_is_no_edge() -> None:
    rng = np.random.default_rng(0)
    gained = np.where(rng.random((1, 4000)) < 0.65, 0.87, -1.0).repeat(5, axis=0)
    wins = int((gained[0] > 0).sum())
    tallies = [Tally(4000, 4000, wins, 4000 - wins, 0, 1.0)] * 5
    found = verdict(tallies, gained, {"momentum": gained[0]}, break_even=0.5348, block=20)
    assert found.reasons == ("not_above_momentum",)


def follower(data: Table, rows: NDArray[np.int64], seed: int) -> TrainedAgent:
    """Calls after a rise and puts after a fall, as a network: column 0 is the last gain."""
    agent = constant(0.0, 0.0, 0.0)
    (one, bias), (two, other), (three, last) = agent.layers
    one, two, three = one.copy(), two.copy(), three.copy()
    one[0, 0], one[0, 1] = 1.0, -1.0
    two[0, 0] = two[1, 1] = 1.0
    three[0, 1], three[1, 2] = 1.0, 1.0
    return TrainedAgent(((one, bias), (two, other), (three, last)), Terms(), "X", 60, 0.0)


def test_walk_forward_finds_an_injected_edge_and_none_in_a_walk() -> None:
    signal = table(persistent(3000, seed=6, stays=0.65), Terms())
    found = walk_forward(signal, follower)
    assert found.verdict.reasons == ()
    assert found.verdict.win_rate == pytest.approx(0.65, abs=0.025)
    assert found.baselines["hold"].trades == 0
    assert walk_forward(DATA, follower).verdict.edge is False


def test_luck_passes_the_gate_no_oftener_than_it_may() -> None:
    """Forty random agents on forty walks: at 5 % two would pass, and fewer do."""
    lucky = 0
    for seed in range(40):
        walk = table(persistent(900, seed=1000 + seed), Terms())
        found = walk_forward(walk, lambda data, rows, one: an_agent(seed=one), count=2)
        lucky += found.verdict.edge
    assert lucky <= 1


def test_what_is_told_is_plain_data() -> None:
    told = walk_forward(DATA, lambda *a: constant(0, 0, 0, None), count=2).as_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["verdict"]["edge"] is False
    assert told["of_seeds"][0]["hold_rate"] == 1.0
