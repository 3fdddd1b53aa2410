"""The report says what was computed."""

import json
import math

import numpy as np
import pytest

from fpga_export.core.integer_run import run_integer, saturations, to_values
from fpga_export.core.quantise import codes_of, quantise
from fpga_export.core.report import agreement, report, sqnr_db
from fpga_export.core.report_workbook import report_workbook
from fpga_export.core.summary import histogram, model_summary, statistics
from fpga_export.core.vhdl.cycles import predict
from fpga_export.tests.float_networks import classifier, pictures


def test_each_layer_is_reported_in_numbers() -> None:
    graph, seen = classifier(), pictures(6)
    network = quantise(graph, seen)
    found = report(graph, network, seen, lanes=4)
    source, conv, pool, dense = found["layers"]
    assert [one["kind"] for one in found["layers"]] == ["Source", "Conv", "MaxPool", "Conv"]
    assert conv["layers"] == ["conv2d"]
    assert conv["shape"] == [8, 8, 4]
    assert conv["macs"] == 8 * 8 * 4 * 9
    assert conv["format"]["bits"] == conv["weight_format"]["bits"] == 8
    assert source["weight_format"] is None
    assert pool["sum_bits"] is None
    assert conv["values"] == sum(conv["histogram"]["counts"]) == 6 * 256
    for layer in (source, conv, pool, dense):
        assert layer["sqnr_db"] > 25
        assert layer["mean_error"] <= layer["max_error"]
    assert 2 <= dense["sum_bits_used"] <= dense["sum_bits"]


def test_errors_are_those_of_the_integers_against_the_floats() -> None:
    graph, seen = classifier(), pictures(3)
    network = quantise(graph, seen)
    codes = np.stack([codes_of(graph, network, one) for one in seen])
    node = network.nodes[0]
    lost = np.abs(to_values(codes, node.format) - np.stack(seen))
    found = report(graph, network, seen, lanes=1)["layers"][0]
    assert found["max_error"] == pytest.approx(lost.max())
    assert found["mean_error"] == pytest.approx(lost.mean())
    clipped = saturations(network, codes)
    layers = report(graph, network, seen, lanes=1)["layers"]
    for name, one in clipped.items():
        (layer,) = [layer for layer in layers if layer["name"] == name]
        assert layer["saturated"] == one.clipped
        assert layer["zeros"] == (run_integer(network, codes)[name] == 0).sum()


def test_the_whole_network_is_told_in_cycles_and_time() -> None:
    graph, seen = classifier(), pictures(4)
    network = quantise(graph, seen)
    found = report(graph, network, seen, lanes=2, clock_mhz=50)["network"]
    cycles = sum(predict(network, lanes=2).values())
    assert found["cycles"] == cycles
    assert found["latency_us"] == pytest.approx(cycles / 50)
    assert found["pictures_per_second"] == pytest.approx(50e6 / cycles, abs=0.01)
    assert found["whole"]
    assert found["macs"] == 2304 + 640
    assert found["worst_layer"] in {"pixels", "conv2d", "pool", "dense"}
    assert found["cost"]["multipliers"] == 4


def test_agreement_is_of_classes_also_in_several_batches() -> None:
    graph, many = classifier(), pictures(40)
    network = quantise(graph, many[:4])
    found = agreement(graph, network, many)
    assert found["pictures"] == 40
    assert found["share"] == found["same"] / 40 > 0.9
    assert report(graph, network, many, lanes=1)["agreement"] == found


def test_what_is_not_simulated_says_so_and_cycles_are_taken_from_the_verdict() -> None:
    graph, seen = classifier(), pictures(2)
    network = quantise(graph, seen)
    alone = report(graph, network, seen, lanes=2)
    assert alone["verification"] == {"label": "not_simulated"}
    assert alone["layers"][1]["simulated_cycles"] is None
    verdict = {"label": "verified", "layers": [{"name": "conv2d", "cycles": 77}]}
    more = {"estimates": {"xc7": {"lut": 5}}}
    full = report(graph, network, seen, lanes=2, verdict=verdict, more=more)
    assert full["layers"][1]["simulated_cycles"] == 77
    assert full["verification"]["label"] == "verified"
    assert full["estimates"] == more["estimates"]


def test_a_network_that_ends_earlier_is_reported_as_far_as_it_goes() -> None:
    graph, seen = classifier(), pictures(2)
    network = quantise(graph, seen, until="pool")
    found = report(graph, network, seen, lanes=1)
    assert [one["name"] for one in found["layers"]] == ["pixels", "conv2d", "pool"]
    assert (found["network"]["through"], found["network"]["whole"]) == ("pool", False)


def test_a_report_is_json_and_a_workbook() -> None:
    graph, seen = classifier(), pictures(2)
    found = report(graph, quantise(graph, seen), seen, lanes=1)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert report_workbook(found)[:2] == b"PK"


def test_the_ratio_of_signal_to_error_is_in_decibels() -> None:
    assert sqnr_db(np.array([3.0, 4.0]), np.array([3.0, 4.5])) == 20.0  # 25 / 0.25
    assert sqnr_db(np.array([1.0]), np.array([1.0])) is None
    assert sqnr_db(np.array([0.0]), np.array([1.0])) is None


def test_a_summary_tells_layers_weights_and_what_hardware_takes() -> None:
    found = model_summary(classifier())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["parameters"], found["macs"]) == (690, 2944)
    assert found["hardware"] == {"whole": True, "through": "dense", "layer": None, "reason": None}
    conv = found["layers"][1]
    assert (conv["type"], conv["output_shape"], conv["inputs"]) == ("Conv2D", [8, 8, 4], ["pixels"])
    kernel = conv["weights"][0]
    assert (kernel["name"], kernel["shape"]) == ("kernel", [3, 3, 1, 4])
    assert sum(kernel["histogram"]["counts"]) == kernel["count"] == 36


def test_a_summary_names_what_stops_the_hardware() -> None:
    found = model_summary(classifier(last="GRU"))["hardware"]
    assert found == {
        "whole": False,
        "through": "flatten",
        "layer": "dense",
        "reason": "no such layer in hardware",
    }


def test_statistics_count_by_equal_parts() -> None:
    assert histogram(np.array([0.0, 0.4, 0.5, 1.0]), 0, 1, bars=2) == [2, 2]
    assert histogram(np.array([3.0, 3.0]), 3, 3, bars=4) == [2, 0, 0, 0]
    found = statistics(np.array([0.0, 2.0]))
    assert (found["mean"], found["deviation"], found["zeros"]) == (1, 1, 1)
    assert statistics(np.array([math.nan])) == {"count": 1, "finite": False}
    assert statistics(np.array([])) == {"count": 0, "finite": True}
