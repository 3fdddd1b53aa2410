"""Each mistake that hardware once made, and that none of its tools reports by itself."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpga_export.core.integer_run import run_integer
from fpga_export.core.ir import (
    Add,
    AveragePool,
    Codes,
    Concat,
    Conv,
    Format,
    Leak,
    MaxPool,
    Network,
    Node,
    Operation,
    Rounding,
    Shape,
    Source,
    Window,
)
from fpga_export.core.names import identifier
from fpga_export.core.vhdl.design import design
from fpga_export.simulators import library, netlist, simulate, write
from fpga_export.tests.ghdl import needs

BYTE = Format(8, 4)


def source(shape: Shape, form: Format = BYTE, name: str = "picture") -> Node:
    return Node(name, (name,), (), shape, form, Source())


def conv(
    before: Node,
    *,
    outputs: int,
    name: str = "c",
    window: Window | None = None,
    shape: Shape | None = None,
    rounding: Rounding | None = None,
    form: Format = BYTE,
    weight_bits: int = 8,
    sum_bits: int = 0,
    seed: int = 1,
) -> Node:
    """A convolution with random weights of both signs; 1 x 1 unless told."""
    window = window or Window((1, 1))
    rng = np.random.default_rng(seed)
    low, high = -(1 << (weight_bits - 1)), 1 << (weight_bits - 1)
    weights = rng.integers(low, high, (*window.kernel, before.shape[2], outputs))
    bias = rng.integers(-200, 200, outputs)
    most = np.abs(weights).sum(axis=(0, 1, 2)) * -before.format.low + np.abs(bias)
    operation = Conv(
        window,
        weights,
        bias,
        Format(weight_bits, 4),
        max(sum_bits, int(most.max()).bit_length() + 1),
        rounding or Rounding(5, form.low, form.high),
    )
    size = shape or (before.shape[0], before.shape[1], outputs)
    return Node(name, (name,), (before.name,), size, form, operation)


def network(*nodes: Node) -> Network:
    return Network("trap", nodes, nodes[-1].name)


def random_codes(of: Network, seed: int = 0) -> Codes:
    form = of.nodes[0].format
    codes = np.random.default_rng(seed).integers(form.low, form.high + 1, of.nodes[0].shape)
    return np.asarray(codes, np.int64)


def exported(
    of: Network, folder: Path, *, lanes: int = 4, pictures: list[Codes] | None = None
) -> None:
    needs("ghdl")
    chosen = pictures or [random_codes(of, seed) for seed in range(2)]
    write(design(of, lanes=lanes, pictures=chosen, name="trap", library=library()), folder)


def right_in_rtl(of: Network, folder: Path, *, lanes: int = 4) -> None:
    exported(of, folder, lanes=lanes)
    verdict = simulate(folder)
    assert verdict.label == "verified", verdict.log


def right_everywhere(of: Network, folder: Path, *, lanes: int = 4) -> None:
    """In GHDL, and past its synthesis in Icarus."""
    needs("iverilog")
    right_in_rtl(of, folder, lanes=lanes)
    verdict = netlist(folder)
    assert verdict.label == "verified", verdict.log


def test_a_negative_sum_is_shifted_with_its_sign_after_synthesis(tmp_path: Path) -> None:
    """GHDL 2.0 writes shift_right(signed) to Verilog as a logical shift."""
    picture = source((3, 3, 2))
    of = network(picture, conv(picture, outputs=4))
    assert (run_integer(of, random_codes(of))["c"] < 0).any()
    right_everywhere(of, tmp_path)


def test_codes_without_a_sign_keep_their_highest_bit_in_every_engine(tmp_path: Path) -> None:
    """255 is not -1. GHDL 2.0 also fails to synthesise a call with a slice of varying bounds."""
    plain = Format(8, 4, signed=False)
    picture = source((4, 4, 3), plain)
    first = conv(picture, outputs=4, form=plain, rounding=Rounding(3, 0, 255), sum_bits=20)
    halved = Window((2, 2), (2, 2))
    most = Node("m", ("m",), ("c",), (2, 2, 4), plain, MaxPool(halved))
    mean_of = AveragePool(halved, ((4, 64),), 20, Rounding(8, 0, 255))
    mean = Node("a", ("a",), ("c",), (2, 2, 4), plain, mean_of)
    both = Add((0, 0), 12, Rounding(1, 0, 255))
    added = Node("s", ("s",), ("m", "a"), (2, 2, 4), plain, both)
    sides = Concat((Rounding(0, 0, 255), Rounding(0, 0, 255)))
    joined = Node("j", ("j",), ("s", "m"), (2, 2, 8), plain, sides)
    of = network(picture, first, most, mean, added, joined)
    found = run_integer(of, random_codes(of))
    assert all((found[name] > 127).any() for name in ("c", "m", "a", "s", "j"))
    right_everywhere(of, tmp_path, lanes=3)


def test_no_engine_shifts_a_signed_number_by_a_function() -> None:
    code = "\n".join(without_comments(text) for text in library().values())
    assert not re.search(r"shift_right|\bsra\b|\bmod 2 \*\*.*signed", code)


def test_a_sum_of_more_than_32_bits_is_clipped_below_zero_after_synthesis(tmp_path: Path) -> None:
    """GHDL 2.0 writes a negative integer beside a wide vector to Verilog without its sign."""
    picture = source((2, 2, 3), Format(16, 8))
    wide = Format(16, 4)
    node = conv(picture, outputs=3, weight_bits=16, sum_bits=40, form=wide)
    assert isinstance(node.operation, Conv)
    clipped = replace(node.operation, rounding=Rounding(2, -300, 200))
    right_everywhere(network(picture, replace(node, operation=clipped)), tmp_path)


def test_a_leak_multiplies_negative_sums_after_synthesis(tmp_path: Path) -> None:
    """GHDL 2.0 writes a product by a small constant to Verilog without its sign."""
    picture = source((2, 3, 3))
    leaky = Rounding(9, BYTE.low, BYTE.high, Leak(77, 8))
    right_everywhere(network(picture, conv(picture, outputs=5, rounding=leaky)), tmp_path)


def test_a_word_of_many_bits_stays_a_number_after_synthesis(tmp_path: Path) -> None:
    """GHDL 2.0 writes a wide scalar constant to Verilog as a string of letters."""
    picture = source((1, 1, 16), Format(16, 8))
    node = conv(picture, outputs=16, weight_bits=16, form=Format(16, 4))
    right_everywhere(network(picture, node), tmp_path, lanes=16)


def test_no_memory_has_a_single_word(tmp_path: Path) -> None:
    """GHDL 2.0's synthesis dies of an array of one."""
    picture = source((1, 1, 1))
    of = network(picture, conv(picture, outputs=1))
    right_everywhere(of, tmp_path, lanes=1)
    for path in tmp_path.rglob("*.vhd"):
        assert not re.search(r"array \(0 to 0\)|DEPTH => 1\b", path.read_text()), path


def test_no_vhdl_reaches_into_another_entity_by_an_external_name(tmp_path: Path) -> None:
    """GHDL 2.0 crashes on them; ports for the test bench do the same."""
    picture = source((2, 2, 1))
    exported(network(picture, conv(picture, outputs=2)), tmp_path)
    for path in tmp_path.rglob("*.vhd"):
        assert "<<" not in path.read_text(), path


def test_the_top_has_none_of_the_test_bench_s_ports(tmp_path: Path) -> None:
    picture = source((2, 2, 1))
    exported(network(picture, conv(picture, outputs=2)), tmp_path)
    entity = (tmp_path / "trap.vhd").read_text().partition("end entity")[0]
    assert "dbg" not in entity
    assert "class_index" in entity


@pytest.mark.parametrize("kernel", [(1, 1), (1, 3), (3, 1)])
def test_a_kernel_one_wide_leaves_no_counter_without_a_range(
    kernel: tuple[int, int], tmp_path: Path
) -> None:
    picture = source((3, 3, 1))
    shape = (4 - kernel[0], 4 - kernel[1], 1)
    node = conv(picture, outputs=1, window=Window(kernel), shape=shape)
    pool = Node("p", ("p",), ("c",), (1, 1, 1), BYTE, MaxPool(Window(shape[:2])))
    right_everywhere(network(picture, node, pool), tmp_path, lanes=1)


def test_a_padded_address_is_never_out_of_range_even_for_a_moment(tmp_path: Path) -> None:
    """A delta cycle beyond the memory stops GHDL: the address is clamped where it is made."""
    picture = source((2, 2, 3))
    window = Window((3, 3), (2, 2), (2, 2), (4, 4, 4, 4))
    node = conv(picture, outputs=3, window=window, shape=(3, 3, 3))
    right_in_rtl(network(picture, node), tmp_path, lanes=2)


@pytest.mark.parametrize(
    "window",
    [
        Window((3, 3), padding=(1, 1, 1, 1)),
        Window((2, 2), (2, 2), padding=(0, 1, 0, 1)),
        Window((3, 2), (1, 3), (2, 1), (2, 0, 0, 1)),
        Window((5, 5), (3, 2), padding=(2, 2, 2, 2)),
    ],
)
def test_padding_strides_and_dilation_meet_the_same_pixels(window: Window, tmp_path: Path) -> None:
    picture = source((7, 6, 3))
    top, bottom, left, right = window.padding
    reach = [(k - 1) * d + 1 for k, d in zip(window.kernel, window.dilation, strict=True)]
    height = (7 + top + bottom - reach[0]) // window.stride[0] + 1
    width = (6 + left + right - reach[1]) // window.stride[1] + 1
    node = conv(picture, outputs=5, window=window, shape=(height, width, 5))
    right_in_rtl(network(picture, node), tmp_path)


def test_nothing_undefined_is_computed_with(tmp_path: Path) -> None:
    """Past the first moment, whose warnings are switched off, numeric_std has none to give."""
    picture = source((3, 3, 3))
    right_in_rtl(network(picture, conv(picture, outputs=5)), tmp_path)
    assert "metavalue" not in simulate(tmp_path).log


def test_names_that_differ_in_case_or_are_keywords_become_different_identifiers(
    tmp_path: Path,
) -> None:
    given = ["Conv", "conv", "CONV", "signal", "wire", "1st", "a__b", "a_", "конв", "x y"]
    taken: list[str] = []
    for name in given:
        taken.append(identifier(name, taken))
    nodes = [source((1, 1, 2))]
    for name in taken:
        nodes.append(conv(nodes[-1], outputs=2, name=name))
    right_everywhere(network(*nodes), tmp_path, lanes=1)


def test_no_layer_s_name_meets_a_name_of_ours(tmp_path: Path) -> None:
    names = "x a a_x a_w a_b class begins start clk memory t_a classes picture p i bad waited core"
    names += " trap trap_core nn_mac rom_a w_a engine_a through"
    nodes = [source((1, 1, 2), name="y")]
    for name in names.split():
        nodes.append(conv(nodes[-1], outputs=2, name=name))
    right_everywhere(network(*nodes), tmp_path, lanes=2)


def test_a_layer_s_name_cannot_leave_a_comment(tmp_path: Path) -> None:
    """GHDL can read and write files: what strangers wrote must not become VHDL."""
    picture = source((1, 1, 1))
    hostile = "dense\nend architecture;\r-- `|\u2028\x85\x0b entity evil"
    node = replace(conv(picture, outputs=2), layers=(hostile,))
    right_in_rtl(network(picture, node), tmp_path)
    for path in tmp_path.rglob("*.vhd"):
        for line in path.read_text("utf-8").splitlines():
            assert "evil" not in line.partition("--")[0], path


@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 5, 7, 16])
def test_a_last_group_of_fewer_channels_is_filled_up(lanes: int, tmp_path: Path) -> None:
    picture = source((2, 2, 5))
    first = conv(picture, outputs=7, name="first")
    pool = Node("pool", ("pool",), ("first",), (1, 1, 7), BYTE, MaxPool(Window((2, 2))))
    right_in_rtl(network(picture, first, pool, conv(pool, outputs=3)), tmp_path, lanes=lanes)


def test_of_equal_outputs_the_first_is_the_class(tmp_path: Path) -> None:
    picture = source((1, 1, 6))
    same: Operation = Add((0,), 8, Rounding(0, BYTE.low, BYTE.high))
    of = network(picture, Node("same", ("same",), ("picture",), (1, 1, 6), BYTE, same))
    ties = [np.array([[row]]) for row in ([1, 5, 5, 0, 5, 2], [-8] * 6, [0, 0, 0, 0, 0, 1])]
    exported(of, tmp_path, pictures=ties)
    assert (
        "CLASSES : nn_integers(0 to 2) := (0 => 1, 1 => 0, 2 => 5)"
        in (tmp_path / "sim" / "trap_vectors.vhd").read_text()
    )
    assert simulate(tmp_path).label == "verified"


def test_a_tensor_added_to_itself_and_read_by_two_layers_is_read_whole(tmp_path: Path) -> None:
    picture = source((2, 2, 3))
    doubled: Operation = Add((0, 1), 11, Rounding(1, BYTE.low, BYTE.high))
    twice = Node("twice", ("twice",), ("picture", "picture"), (2, 2, 3), BYTE, doubled)
    node = conv(picture, outputs=3)
    both: Operation = Add((0, 0), 9, Rounding(0, 0, BYTE.high))
    end = Node("end", ("end",), ("twice", "c"), (2, 2, 3), BYTE, both)
    right_everywhere(network(picture, twice, node, end), tmp_path, lanes=2)


@pytest.mark.parametrize("bits", [2, 3, 15, 16])
def test_the_narrowest_and_the_widest_codes_are_exact(bits: int, tmp_path: Path) -> None:
    form = Format(bits, 1)
    picture = source((2, 2, 3), form)
    node = conv(
        picture,
        outputs=5,
        weight_bits=bits,
        form=form,
        rounding=Rounding(bits, form.low, form.high),
    )
    right_everywhere(network(picture, node), tmp_path)


def without_comments(text: str) -> str:
    return "\n".join(line.partition("--")[0] for line in text.splitlines())
