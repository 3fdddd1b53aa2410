"""Costs follow from sizes, and equal what the generator writes."""

import pytest

from fpga_export.core.costs import Cost, blocks_of, cost_of, costs
from fpga_export.core.ir import Conv, Depthwise
from fpga_export.core.vhdl.packing import bias_memory, pack_of, weight_memory
from fpga_export.tests.random_networks import random_network
from fpga_export.tests.small_networks import classifier


@pytest.mark.parametrize(
    ("depth", "width", "kind", "count"),
    [
        (512, 36, "ramb18", 1),
        (513, 36, "ramb18", 2),
        (1024, 36, "ramb36", 1),
        (2304, 8, "ramb18", 2),  # 2 x 1 of 2048 x 9, or 1 x 2 of 4096 x 4
        (256, 16, "ebr", 1),
        (1024, 8, "ebr", 2),
        (20, 128, "ramb36", 2),
        (300, 36, "m9k", 2),
    ],
)
def test_blocks_are_counted_in_the_shape_that_needs_the_fewest(
    depth: int, width: int, kind: str, count: int
) -> None:
    assert blocks_of(depth, width, kind) == count


def test_the_cost_of_a_convolution_is_worked_out_by_hand() -> None:
    conv = cost_of(classifier().node("conv"), lanes=2)
    assert conv.parameters == 9 * 4 + 4
    assert conv.weight_bits == 36 * 6
    assert conv.ram_bits == 8 * 8 * 2 * (2 * 8)  # two words a pixel
    assert conv.rom_bits == 18 * 12 + 2 * 2 * 7  # biases are within -50 to 49
    assert conv.multipliers == 2


@pytest.mark.parametrize("seed", range(25))
def test_roms_are_as_large_as_those_that_are_written(seed: int) -> None:
    network = random_network(seed)
    for lanes in (1, 3, 16):
        for node in network.nodes:
            if isinstance(node.operation, (Conv, Depthwise)):
                own = pack_of(node, lanes)
                written = [make(node.operation, own) for make in (weight_memory, bias_memory)]
                bits = sum(max(len(one.words), 2) * one.width for one in written)
                assert cost_of(node, lanes=lanes).rom_bits == bits


def test_costs_add_up() -> None:
    each = costs(classifier(), lanes=4)
    total = sum(each.values(), start=Cost())
    assert list(each) == ["picture", "conv", "pool", "dense"]
    assert total.multipliers == 8
    assert total.parameters == 40 + 64 * 10 + 10
    assert total.ram_bits == (64 + 64 * 4 + 16 * 4 + 3 * 4) * 8  # ten classes fill three words
