"""Weights become ROM entities, and their files say what was lost."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from fpga_export.core.ir import Format
from fpga_export.core.memories import read_header, read_raw
from fpga_export.core.memory_vhdl import read_vhdl
from fpga_export.core.weight_memory import NotFinite, best_fraction, weight_memories
from fpga_export.tests.ghdl import analyse, through_the_port


@dataclass
class Layer:
    name: str
    weights: dict[str, np.ndarray]


@dataclass
class Graph:
    layers: list[Layer] = field(default_factory=list)


def normal(*shape: int) -> np.ndarray:
    generator = np.random.default_rng(len(shape))
    return generator.normal(0, 0.2, shape).astype(np.float32)


def graph() -> Graph:
    return Graph(
        [
            Layer("conv2d", {"kernel": normal(3, 3, 2, 5), "bias": normal(5)}),
            Layer(
                "Block/Sep",
                {"depthwise_kernel": normal(3, 3, 2, 1), "pointwise_kernel": normal(1, 1, 2, 3)},
            ),
            Layer("dw", {"depthwise_kernel": normal(3, 3, 4, 1)}),
            Layer("bn", {"gamma": normal(5), "moving_variance": normal(5) ** 2}),
            Layer("empty", {}),
            Layer(
                "process", {"dense/kernel:0": normal(7, 3), "dense/bias:0": np.zeros(3, np.float32)}
            ),
        ]
    )


def test_each_tensor_has_the_file_that_the_contract_names() -> None:
    files = weight_memories(graph(), kinds=()).files
    assert list(files) == [
        "conv2d_weights.txt",
        "conv2d_bias.txt",
        "Block_Sep_depthwise_weights.txt",
        "Block_Sep_pointwise_weights.txt",
        "dw_weights.txt",
        "bn_gamma.txt",
        "bn_moving_variance.txt",
        "process_weights.txt",
        "process_bias.txt",
    ]


def test_a_float_network_does_not_become_zeros() -> None:
    layer = Layer("conv2d", {"kernel": np.array([0.5, -0.25, 0.125, 0.0], np.float32)})
    found = weight_memories(Graph([layer]), bits=8)
    (facts,) = found.facts
    assert facts.format == Format(8, 7)  # 0.5 is 64
    assert read_vhdl(str(found.files["conv2d_weights.txt"]))[:4].tolist() == [64, 224, 16, 0]
    assert (facts.largest_error, facts.sqnr_db) == (0, None)


@pytest.mark.parametrize(
    ("values", "bits", "fraction"),
    [
        ([0.5, -0.5], 8, 7),  # 64 and -64 are exact; finer ones clip
        ([1.0], 8, 6),
        ([-1.0], 8, 6),  # 7 is as exact; of two the coarser one
        ([-1.0, 0.75], 3, 2),
        ([1000.0], 8, -3),  # 125 * 8
        ([0.0, 0.0], 8, 7),
        ([2.0**-20], 4, 22),
        ([1e-45], 8, 155),  # 1.4e-45 = 2**-149 = 64 * 2**-155
    ],
)
def test_the_scale_is_the_power_of_two_that_loses_least(
    values: list[float], bits: int, fraction: int
) -> None:
    assert best_fraction(np.array(values, np.float32), bits) == fraction


def test_the_error_is_told_in_the_file_and_beside_it() -> None:
    layer = Layer("d", {"kernel": np.array([[1.0], [0.3]], np.float32)})
    found = weight_memories(Graph([layer]), bits=4)
    (facts,) = found.facts
    assert facts.format == Format(4, 2)  # 4 and 1: 0.3 became 0.25
    assert facts.largest_error == pytest.approx(0.05, abs=1e-6)
    assert facts.mean_error == pytest.approx(0.025, abs=1e-6)
    assert facts.sqnr_db == pytest.approx(10 * np.log10(1.09 / 0.0025), abs=1e-3)
    assert (facts.clipped, facts.zeros, facts.zeros_before) == (0, 0, 0)
    text = str(found.files["d_weights.txt"])
    assert "-- layer d, kernel: 2 in x 1 out, the last axis fastest" in text
    assert "2 words of 4 bits, two's complement, Q2.2: value = word * 2**-2" in text
    assert "largest 0.05" in text


@pytest.mark.parametrize("bits", range(2, 17))
def test_each_file_is_read_back_at_each_width(bits: int) -> None:
    found = weight_memories(graph(), bits=bits)
    for facts in found.facts:
        stem = facts.file.removesuffix(".txt")
        expected = read_raw("bin", found.files[f"{stem}.bin"], bits)
        assert len(expected) == facts.count
        for kind in ("coe", "mif", "mem", "hex"):
            read = read_raw(kind, found.files[f"{stem}.{kind}"], bits)
            np.testing.assert_array_equal(read, expected)
        np.testing.assert_array_equal(read_header(str(found.files[f"{stem}.h"]), bits), expected)
        wide = read_vhdl(str(found.files[facts.file]))
        np.testing.assert_array_equal(wide[: facts.count], expected)


@pytest.mark.parametrize("bits", [2, 5, 8, 13, 16])
def test_every_rom_is_analysed_by_ghdl(tmp_path: Path, bits: int) -> None:
    files = weight_memories(graph(), bits=bits, kinds=()).files
    analyse(tmp_path, {name: str(text) for name, text in files.items()})


def test_the_codes_of_a_kernel_come_through_the_port_in_its_order(tmp_path: Path) -> None:
    kernel = (np.arange(2 * 3 * 2 * 4).reshape(2, 3, 2, 4) - 24).astype(np.float32)
    found = weight_memories(Graph([Layer("conv", {"kernel": kernel})]), bits=6, kinds=())
    assert found.facts[0].format == Format(6, 0)
    text = str(found.files["conv_weights.txt"])
    read = through_the_port(tmp_path, "conv_weights", text, bits=6, address_bits=6)
    assert read[:48] == [number & 63 for number in range(-24, 24)]
    assert not any(read[48:])


def test_names_that_would_collide_or_inject_are_made_safe(tmp_path: Path) -> None:
    wild = Graph(
        [
            Layer("A", {"kernel": normal(2, 2)}),
            Layer("a", {"kernel": normal(2, 2)}),
            Layer("../x\nend;", {"kernel": normal(2, 2)}),
            Layer("9 \u2028 -- */", {"kernel": normal(2, 2)}),
        ]
    )
    found = weight_memories(wild)
    names = ["A_weights", "a_weights_2", "_x_end__weights", "9_--__weights"]
    assert [facts.file for facts in found.facts] == [f"{name}.txt" for name in names]
    texts = {f"{n}.vhd": str(found.files[facts.file]) for n, facts in enumerate(found.facts)}
    analyse(tmp_path, texts)


def test_weights_that_are_no_numbers_and_other_widths_are_refused() -> None:
    for number in (np.inf, -np.inf, np.nan):
        broken = Graph([Layer("conv", {"kernel": np.array([1, number], np.float32)})])
        with pytest.raises(NotFinite) as refusal:
            weight_memories(broken)
        assert refusal.value.facts == {"layer": "conv", "weight": "kernel"}
    for bits in (1, 17):
        with pytest.raises(ValueError, match="bits"):
            weight_memories(graph(), bits=bits)


def test_a_million_weights_are_written_in_five_seconds_of_a_processor(tmp_path: Path) -> None:
    million = Graph([Layer("dense", {"kernel": normal(1024, 1024), "bias": normal(1024)})])
    started = time.process_time()
    found = weight_memories(million)
    assert time.process_time() - started < 5
    analyse(tmp_path, {"rom.vhd": str(found.files["dense_weights.txt"])})
