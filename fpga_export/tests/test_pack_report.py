"""Agreement, accuracy and what became of which class, over a pack."""

import math

import numpy as np
import pytest

from fpga_export.core.float_run import run_float
from fpga_export.core.pack_report import classes_named, judged, named, share
from fpga_export.core.quantise import quantise
from fpga_export.core.report import agreement
from fpga_export.tests.float_networks import classifier, pictures


def test_a_share_has_wilsons_interval() -> None:
    """95 of 100, by the published formula: 0.8882 to 0.9785."""
    told = share(np.arange(100) < 95)
    assert (told["same"], told["pictures"], told["share"]) == (95, 100, 0.95)
    assert told["low"] == pytest.approx(0.8882, abs=1e-4)
    assert told["high"] == pytest.approx(0.9785, abs=1e-4)


def test_a_coarse_network_differs_where_it_is_said_to() -> None:
    graph, shown = classifier(), pictures(120)
    network = quantise(graph, shown[:4], weight_bits=2, activation_bits=4)
    classes = [f"c{number}" for number in range(10)]
    exact = run_float(graph, np.stack(shown))["dense"].argmax(axis=1)
    found = judged(graph, network, shown, labels=exact, classes=classes)
    assert found["pictures"] == 120
    assert found["agreement"]["same"] == agreement(graph, network, shown)["same"] < 120
    assert found["accuracy_float"]["share"] == 1
    assert found["accuracy_integer"] == found["agreement"]
    assert sum(one["count"] for one in found["changed"]) == 120 - found["agreement"]["same"]
    first = found["changed"][0]
    assert first["float_name"] == f"c{first['float_class']}"
    assert first["float_class"] != first["integer_class"]
    assert first["float_right"] == first["count"]
    assert first["integer_right"] == 0
    assert found["changed"] == sorted(found["changed"], key=lambda one: -one["count"])


def test_the_signal_over_the_noise_is_that_of_all_pictures_together() -> None:
    graph, shown = classifier(), pictures(90)
    network = quantise(graph, shown[:4])
    whole = judged(graph, network, shown)
    assert {one["name"] for one in whole["layers"]} == {node.name for node in network.nodes}
    worst = min(one["sqnr_db"] for one in whole["layers"] if one["sqnr_db"] is not None)
    assert whole["worst_sqnr_db"] == worst
    halves = [judged(graph, network, part) for part in (shown[:45], shown[45:])]
    figures = [{one["name"]: one["sqnr_db"] for one in part["layers"]} for part in (whole, *halves)]
    low, high = sorted(figures[number]["conv2d"] for number in (1, 2))
    assert low <= figures[0]["conv2d"] <= high
    assert math.isfinite(low)


def test_it_ends_where_it_is_told_to_and_says_so() -> None:
    graph, shown = classifier(), pictures(200)
    network = quantise(graph, shown[:4])
    found = judged(graph, network, shown, goes_on=lambda done: done < 100)
    assert 100 <= found["pictures"] < 200
    assert found["complete"] is False
    assert found["labelled"] is False
    assert found["accuracy_float"] is None


def test_classes_are_called_by_their_names_where_those_are_known() -> None:
    graph, shown = classifier(), pictures(2)
    network = quantise(graph, shown)
    told = classes_named(graph, network, shown[0], [])
    assert told["float_name"] == str(told["float_class"])
    named_ones = classes_named(graph, network, shown[0], list("ABCDEFGHIJ"))
    assert named_ones["integer_name"] == "ABCDEFGHIJ"[named_ones["integer_class"]]
    assert named(12, ["A"]) == "12"
    assert named(None, ["A"]) == ""
