"""What is simulated of a network that GHDL has no time for."""

from dataclasses import replace

from fpga_export.core.ir import Conv, Network
from fpga_export.core.vhdl.budget import plan
from fpga_export.tests.test_hdl_traps import conv, source


def chain(size: int, depth: int) -> Network:
    nodes = [source((size, size, 4))]
    for place in range(depth):
        nodes.append(conv(nodes[-1], outputs=4, name=f"c{place}"))
    return Network("chain", tuple(nodes), nodes[-1].name)


def test_a_small_network_is_simulated_whole_with_three_pictures() -> None:
    found = plan(chain(4, 2), lanes=4)
    assert (found.pictures, found.through) == (3, None)


def test_a_network_beyond_five_million_products_is_simulated_with_one_picture() -> None:
    picture = source((120, 120, 4))
    network = Network("wide", (picture, conv(picture, outputs=100)), "c")  # 5.76 million
    assert plan(network, lanes=16, cpu_seconds=10_000).pictures == 1


def test_a_network_that_takes_too_long_is_simulated_through_the_last_node_in_time() -> None:
    network = chain(40, 10)
    whole = plan(network, lanes=4, cpu_seconds=10_000)
    each = whole.seconds / whole.pictures
    part = plan(network, lanes=4, cpu_seconds=each)  # of which half is planned for
    assert part.pictures == 1
    assert part.through == "c4"
    assert plan(network, lanes=4, cpu_seconds=0.001).through == "c0"


def test_wide_sums_take_longer() -> None:
    narrow = chain(8, 1)
    node = narrow.nodes[1]
    assert isinstance(node.operation, Conv)
    wide = replace(node, operation=replace(node.operation, sum_bits=40))
    slow = plan(replace(narrow, nodes=(narrow.nodes[0], wide)), lanes=4)
    assert slow.seconds > 1.5 * plan(narrow, lanes=4).seconds
