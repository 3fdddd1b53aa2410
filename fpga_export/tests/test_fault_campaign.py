"""A campaign tells how much each layer and each bit matters."""

import csv
import io
import itertools
import time

import numpy as np
import pytest

from fpga_export.core.fault_campaign import (
    Plan,
    campaign,
    campaign_csv,
    curves,
    faults_of,
    heat_maps,
)
from fpga_export.core.faults import BadFault, run_with_faults
from fpga_export.core.integer_run import answers, run_integer
from fpga_export.tests.small_networks import classifier, pictures

PLAN = Plan(("conv", "dense"), ("bit_flip", "stuck_at_1"), runs=3, hits=5, seed=4)


def test_a_campaign_tries_every_kind_node_bit_and_run() -> None:
    trials = list(campaign(classifier(), pictures(10), PLAN))
    assert len(trials) == len(faults_of(classifier(), PLAN)) == 2 * 2 * 6 * 3
    found = {(one.fault.kind, one.fault.node, one.bit, one.run) for one in trials}
    assert len(found) == len(trials)
    assert [one.number for one in trials] == list(range(len(trials)))
    assert trials[0].layers == ("conv2d", "relu")


def test_trials_come_one_by_one_and_can_be_stopped() -> None:
    million = Plan(("conv",), runs=100_000, each_bit=False)
    first = list(itertools.islice(campaign(classifier(), pictures(1), million), 3))
    assert [one.run for one in first] == [0, 1, 2]


def test_a_trial_can_be_repeated_alone() -> None:
    network, codes = classifier(), pictures(20)
    healthy = answers(network, run_integer(network, codes))
    for trial in list(campaign(network, codes, PLAN))[::7]:
        again = answers(network, run_with_faults(network, codes, [trial.fault], trial.seed))
        assert trial.agreement == (again == healthy).mean()


def test_the_same_seed_gives_the_same_campaign() -> None:
    first, again = (list(campaign(classifier(), pictures(5), PLAN)) for _ in range(2))
    assert first == again


def test_a_drop_is_of_accuracy_where_the_classes_are_known() -> None:
    network, codes = classifier(), pictures(40)
    labels = answers(network, run_integer(network, codes))
    labels[:10] = (labels[:10] + 1) % 10  # ten are wrong even without a fault
    trials = list(campaign(network, codes, PLAN, labels.tolist()))
    for trial in trials:
        assert trial.accuracy is not None
        assert trial.drop == pytest.approx(0.75 - trial.accuracy)
    alone = next(campaign(network, codes, PLAN))
    assert alone.accuracy is None
    assert alone.drop == pytest.approx(1 - alone.agreement)


def test_a_high_bit_does_more_harm_than_a_low_one() -> None:
    plan = Plan(("conv", "dense"), runs=10, hits=10)
    (heat,) = heat_maps(campaign(classifier(), pictures(50), plan))
    assert heat.nodes == ("conv", "dense")
    assert heat.bits == (5, 4, 3, 2, 1, 0)
    for row, worst in zip(heat.mean, heat.worst, strict=True):
        assert row[0] > row[-1]  # type: ignore[operator]
        assert all(w >= m for m, w in zip(row, worst, strict=True))  # type: ignore[operator]


def test_a_node_with_fewer_bits_leaves_cells_empty() -> None:
    plans = (Plan(("conv",), runs=1), Plan(("pool",), target="activations", runs=1))
    trials = [one for plan in plans for one in campaign(classifier(), pictures(2), plan)]
    (heat,) = heat_maps(trials)
    assert heat.bits == tuple(range(7, -1, -1))
    assert heat.mean[0][:2] == (None, None)
    assert None not in heat.mean[1]


def test_a_curve_rises_with_the_rate() -> None:
    plan = Plan(("conv", "dense"), rates=(0.3, 0.0, 0.02), each_bit=False, runs=5)
    found = curves(campaign(classifier(), pictures(50), plan))
    assert [one.node for one in found] == ["conv", "dense"]
    for curve in found:
        assert curve.rates == (0.0, 0.02, 0.3)
        assert curve.drops[0] == 0
        assert curve.drops[2] > curve.drops[1]


def test_noise_has_no_bits() -> None:
    plan = Plan(("pool",), ("random_noise",), "activations", rates=(0.5,), runs=2)
    trials = list(campaign(classifier(), pictures(5), plan))
    assert [one.bit for one in trials] == [None, None]


def test_the_table_is_csv_without_formulas() -> None:
    text = campaign_csv(campaign(classifier(), pictures(3), PLAN))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 72
    assert rows[0]["node"] == "conv"
    assert rows[0]["layers"] == "conv2d, relu"
    assert rows[0]["bit"] == "5"
    assert rows[0]["rate"] == ""


def test_a_node_without_what_is_hit_is_refused_at_the_start() -> None:
    for plan in (Plan(("conv", "pool")), Plan(("nothing",)), Plan(("conv",), hits=10**9)):
        with pytest.raises(BadFault):
            next(campaign(classifier(), pictures(1), plan))


def test_a_thousand_trials_on_fifty_pictures_take_seconds_of_a_processor() -> None:
    plan = Plan(("conv", "dense"), runs=84)
    started = time.process_time()
    trials = list(campaign(classifier(), pictures(50), plan))
    assert len(trials) == 1008
    assert time.process_time() - started < 20
    assert np.mean([one.drop for one in trials]) > 0
