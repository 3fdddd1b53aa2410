"""Integer networks of random float ones: close in wide formats, and sums that always fit."""

from dataclasses import replace

import numpy as np
import pytest

from fpga_export.core.float_run import run_float
from fpga_export.core.graph import FloatGraph
from fpga_export.core.integer_run import run_integer, to_values
from fpga_export.core.ir import Add, Conv, Depthwise, Network, Node, Source
from fpga_export.core.kinds import activation_of
from fpga_export.core.quantise import best_format, codes_of, quantise, room
from fpga_export.tests.float_networks import classifier, pictures
from fpga_export.tests.random_graphs import random_graph, random_pictures


@pytest.mark.parametrize("seed", range(80))
def test_sixteen_bits_come_close_to_floating_point_at_every_layer(seed: int) -> None:
    graph = random_graph(seed)
    shown = random_pictures(graph, 4)
    network = quantise(graph, shown, weight_bits=16, activation_bits=16)
    codes = np.stack([codes_of(graph, network, picture) for picture in shown])
    found = run_integer(network, codes)
    wanted = run_float(graph, np.stack(shown))
    compared = 0
    for node in network.nodes:
        last = node.layers[-1]
        if last in wanted and not _softmax(graph, last):
            exact = wanted[last].reshape(len(shown), *node.shape)
            error = np.abs(to_values(found[node.name], node.format) - exact).max()
            # A slope of 0.3 is 77/256 in hardware: 0.26 % beside it.
            assert error <= 8e-3 * max(1.0, float(np.abs(exact).max())), node.name
            compared += 1
    assert compared >= 2


def _softmax(graph: FloatGraph, name: str) -> bool:
    layer = graph.layer(name)
    return layer.kind == "Softmax" or activation_of(layer.config) == "softmax"


def _said(network: Network, node: Node) -> tuple[int, int]:
    """The codes that the node before can say, zero with them."""
    before = network.node(node.inputs[0])
    kind = before.operation
    if isinstance(kind, Source):
        return before.format.low, before.format.high
    assert isinstance(kind, (Conv, Depthwise))
    return min(kind.rounding.low, 0), max(kind.rounding.high, 0)


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_the_worst_input_just_fits_the_sums(bits: int) -> None:
    """Each weight gets the code that drives the sum furthest; one bit less would overflow."""
    checked = 0
    for seed in range(40):
        graph = random_graph(seed)
        shown = random_pictures(graph, 2)
        network = quantise(graph, shown, weight_bits=bits, activation_bits=bits)
        for node in network.nodes:
            made = node.operation
            if not isinstance(made, Conv) or not isinstance(
                network.node(node.inputs[0]).operation, (Source, Conv, Depthwise)
            ):
                continue
            low, high = _said(network, node)
            weights = made.weights.reshape(-1, made.weights.shape[-1])
            most = (np.where(weights > 0, high, low) * weights).sum(axis=0) + made.bias
            least = (np.where(weights > 0, low, high) * weights).sum(axis=0) + made.bias
            ends = (int(min(least.min(), made.bias.min())), int(max(most.max(), made.bias.max())))
            limit = 1 << (made.sum_bits - 1)
            assert -limit <= ends[0] <= ends[1] < limit
            assert ends[0] < -(limit >> 1) or ends[1] >= limit >> 1 or made.sum_bits == 2
            checked += 1
    assert checked >= 30


def test_a_softmax_after_a_mean_leaves_the_mean_and_its_range() -> None:
    seeds = [seed for seed in range(60) if random_graph(seed).layers[-1].kind == "Softmax"]
    assert len(seeds) >= 5
    for seed in seeds:
        graph = random_graph(seed)
        shown = random_pictures(graph, 3)
        network = quantise(graph, shown)
        assert network.nodes[-1].layers[-1] == graph.output
        before = run_float(graph, np.stack(shown))[graph.layers[-2].name]
        most = float(np.abs(before).max())
        form = network.nodes[-1].format
        assert most * form.scale <= (form.high + 1) * 8


def test_weights_next_to_nothing_do_not_make_the_bias_endless() -> None:
    graph = classifier()
    layers = list(graph.layers)
    conv = layers[1]
    weights = {"kernel": conv.weights["kernel"] * np.float32(1e-25), "bias": conv.weights["bias"]}
    layers[1] = replace(conv, weights=weights)
    faint = replace(graph, layers=tuple(layers))
    network = quantise(faint, pictures(3))
    made = network.nodes[1].operation
    assert isinstance(made, Conv)
    assert made.sum_bits <= 50
    found = run_integer(network, np.stack([codes_of(faint, network, one) for one in pictures(3)]))
    wanted = np.maximum(conv.weights["bias"], 0)
    values = to_values(found[network.nodes[1].name], network.nodes[1].format)
    assert np.abs(values - wanted).max() < 0.01


def test_the_same_seed_makes_the_same_network() -> None:
    first, second = random_graph(11), random_graph(11)
    assert [one.name for one in first.layers] == [one.name for one in second.layers]
    for one, other in zip(first.layers, second.layers, strict=True):
        for key, value in one.weights.items():
            np.testing.assert_array_equal(value, other.weights[key])


def test_a_pictures_bytes_are_its_codes() -> None:
    """A value of k / 255 is the code k: nothing is lost, and the weights have the 255 in them."""
    graph = classifier()
    rng = np.random.default_rng(3)
    shown = [(rng.integers(0, 256, (8, 8, 1)) / 255).astype(np.float32) for _ in range(4)]
    network = quantise(graph, shown, weight_bits=16, activation_bits=16)
    source = network.nodes[0]
    assert (source.format.bits, source.format.low, source.format.high) == (8, 0, 255)
    np.testing.assert_array_equal(
        codes_of(graph, network, shown[0]), np.rint(shown[0] * 255).astype(np.int64)
    )
    found = to_values(codes_of(graph, network, shown[0]), source.format)
    assert np.abs(found - shown[0]).max() < 1e-7


def test_a_picture_that_an_addition_reads_keeps_a_power_of_two() -> None:
    """The addition could not take the 255 away again."""
    found = 0
    for seed in range(60):
        graph = random_graph(seed)
        if graph.layers[1].kind not in {"Activation", "LeakyReLU", "ReLU"}:
            continue
        shape = graph.layers[0].shape
        whole = np.random.default_rng(seed).integers(0, 256, (3, *shape)) / 255
        network = quantise(graph, list(whole.astype(np.float32)))
        if isinstance(network.nodes[1].operation, Add):
            assert network.nodes[0].format.divisor == 1
            found += 1
    assert found >= 2


def test_what_is_never_negative_has_no_sign() -> None:
    graph = classifier()
    network = quantise(graph, pictures(3))
    signs = {node.name: node.format.signed for node in network.nodes}
    assert signs == {"pixels": False, "conv2d": False, "pool": False, "dense": True}


def test_the_answer_keeps_more_bits_unless_it_is_told_otherwise() -> None:
    graph = classifier()
    assert quantise(graph, pictures(3)).nodes[-1].format.bits == 16
    told = quantise(graph, pictures(3), per_layer={"dense": (8, 8)})
    assert told.nodes[-1].format.bits == 8


def test_values_beyond_those_of_the_pictures_have_room() -> None:
    """0.9 of a range of 1 leaves no room for 1.3 times as much: the range is 2 then."""
    values = np.array([0.9, -0.9])
    assert best_format(values, 16).fraction == 15
    assert best_format(values, 16, spare=room(200, 16)).fraction == 14
    assert best_format(np.array([0.7]), 8, spare=room(3, 8)).fraction == 7
    assert (room(200, 8), room(3, 8), room(200, 16), room(3, 16)) == (1.0, 1.3, 1.3, 2.0)
