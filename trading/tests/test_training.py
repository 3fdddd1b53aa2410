"""What training comes to on markets whose truth is known, in a process with Keras.

`python -m trading.tests.train_known` does the same with more seeds and more candles.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.services.server import ROOT

SEEDS = 3


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "trading.tests.train_known", str(SEEDS), "12000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_on_a_driftless_walk_it_learns_to_hold(found: dict[str, Any]) -> None:
    rates = [one["hold_rate"] for one in found["walk"]]
    assert len(rates) == SEEDS
    assert min(rates) > 0.95


def test_on_an_injected_signal_it_wins_out_of_sample(found: dict[str, Any]) -> None:
    assert len(found["signal"]) == SEEDS
    for one in found["signal"]:
        assert one["trades"] > 2000
        assert one["win_rate"] >= 0.62


def test_numpy_says_what_keras_says(found: dict[str, Any]) -> None:
    assert found["compared"] >= 20_000
    assert found["largest_difference"] <= 1e-5


def test_the_same_seed_trains_the_same_agent(found: dict[str, Any]) -> None:
    assert found["same_again"] is True
