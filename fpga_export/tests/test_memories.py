"""Memories are written, and what a reader finds is what was meant."""

from pathlib import Path

import numpy as np
import pytest

from fpga_export.core.memories import (
    BadMemory,
    Words,
    raw_files,
    read_coe,
    read_header,
    read_hex,
    read_mem,
    read_mif,
    read_raw,
    write_bin,
    write_coe,
    write_header,
    write_hex,
    write_mem,
    write_mif,
)
from fpga_export.core.memory_vhdl import package, plain_rom, read_vhdl, rom
from fpga_export.tests.ghdl import analyse, through_the_port

SMALL = Words(np.array([1, -1, 127, -128]), 8)
WIDTHS = [1, 2, 3, 5, 7, 8, 12, 16, 20, 24, 33, 62]


def random_words(bits: int, count: int) -> Words:
    low = -(1 << (bits - 1))
    values = np.random.default_rng(bits).integers(low, -low, count)
    return Words(values, bits)


def test_a_coe_is_as_vivado_wants_it() -> None:
    text = "memory_initialization_radix=16;\nmemory_initialization_vector=\n01,\nFF,\n7F,\n80;\n"
    assert write_coe(SMALL) == text


def test_a_mif_is_as_quartus_wants_it() -> None:
    assert write_mif(SMALL) == (
        "DEPTH = 4;\nWIDTH = 8;\nADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n"
        "0 : 01;\n1 : FF;\n2 : 7F;\n3 : 80;\nEND;\n"
    )


def test_a_mem_is_as_readmemh_wants_it() -> None:
    assert write_mem(SMALL, ["conv2d"]) == "// conv2d\n@0\n01\nFF\n7F\n80\n"


def test_intel_hex_records_carry_length_address_kind_and_sum() -> None:
    assert write_hex(SMALL) == ":0400000001FF7F80FD\n:00000001FF\n"


def test_intel_hex_goes_on_past_64_kilobytes() -> None:
    text = write_hex(Words(np.zeros(65537, np.int64), 8))
    assert ":02000004000" + "1F9" in text
    assert len(read_hex(text, 8)) == 65537


def test_bytes_are_sign_extended_and_big_endian() -> None:
    assert write_bin(Words(np.array([-2, 5]), 12)) == b"\xff\xfe\x00\x05"


def test_a_c_header_declares_the_narrowest_type() -> None:
    text = write_header(SMALL, "weights")
    assert "static const int8_t weights[4] = {\n  1, -1, 127, -128\n};" in text
    assert "uint16_t" in write_header(Words(np.array([300]), 9, signed=False), "image")
    assert read_header(text, 8).tolist() == [1, 255, 127, 128]


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 1000])
def test_each_format_is_read_back(bits: int, count: int) -> None:
    words = random_words(bits, count)
    files = raw_files("layer", words, ["a layer; of two", "second */ line"])
    assert set(files) == {f"layer.{kind}" for kind in ("coe", "mif", "mem", "hex", "bin")}
    for name, content in files.items():
        found = read_raw(name.rpartition(".")[2], content, bits)
        np.testing.assert_array_equal(found, words.patterns, name)
    np.testing.assert_array_equal(read_header(write_header(words, "x"), bits), words.patterns)
    for text in (plain_rom("x", words), package("x", words)):
        np.testing.assert_array_equal(read_vhdl(text)[:count], words.patterns)
    wide = read_vhdl(rom("x", words))
    np.testing.assert_array_equal(wide[:count], words.patterns)
    assert not wide[count:].any()


@pytest.mark.parametrize(("bits", "count"), [(2, 1), (3, 16), (5, 33), (8, 256), (16, 100)])
def test_a_rom_gives_every_word_one_clock_later(tmp_path: Path, bits: int, count: int) -> None:
    words = random_words(bits, count)
    expected = words.patterns.tolist()
    wide_bits = max((count - 1).bit_length(), 5)
    found = through_the_port(
        tmp_path, "weights", rom("weights", words), bits=bits, address_bits=wide_bits
    )
    assert found == expected + [0] * (2**wide_bits - count)
    plain_bits = max((count - 1).bit_length(), 1)
    found = through_the_port(
        tmp_path, "plain", plain_rom("plain", words), bits=bits, address_bits=plain_bits
    )
    assert found == expected + [0] * (2**plain_bits - count)


def test_every_vhdl_text_is_analysed_by_ghdl(tmp_path: Path) -> None:
    texts = {}
    for bits in WIDTHS:
        for count in (1, 2, 32, 33):
            words, about = random_words(bits, count), ["layer", "line\nfeed", "\u2028"]
            for writer in (rom, plain_rom, package):
                name = f"{writer.__name__}_{bits}_{count}"
                texts[f"{name}.vhd"] = writer(name, words, about)
    analyse(tmp_path, texts)


def test_a_remark_cannot_leave_its_comment() -> None:
    about = ["end\n; 99\r\nassert", "*/ int x; /*"]
    for name, content in raw_files("x", SMALL, about, ["coe", "mif", "mem"]).items():
        assert read_raw(name[2:], content, 8).tolist() == [1, 255, 127, 128]
    assert write_header(SMALL, "x", about).count("*/") == 2


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_coe, "memory_initialization_radix=2;\nmemory_initialization_vector=\n01;\n"),
        (read_coe, "memory_initialization_radix=16;\nmemory_initialization_vector=\n01,,02;\n"),
        (read_mif, write_mif(SMALL).replace("2 : 7F;\n", "")),
        (read_mem, "01\nFF\n"),
        (read_mem, "@0\n0G\n"),
        (read_vhdl, plain_rom("x", SMALL).replace('x"7F"', 'x"7"')),
    ],
)
def test_a_damaged_text_is_refused(reader: object, text: str) -> None:
    assert callable(reader)
    with pytest.raises(BadMemory):
        reader(text)


@pytest.mark.parametrize(
    "text",
    [":0400000001FF7F80FE\n:00000001FF\n", ":0400000001FF7F80FD\n", ":0400010001FF7F80FC\n", "\n"],
)
def test_a_damaged_intel_hex_is_refused(text: str) -> None:
    with pytest.raises(BadMemory):
        read_hex(text, 8)


def test_words_that_do_not_fit_are_refused() -> None:
    for values, bits in (([128], 8), ([-129], 8), ([], 8), ([0], 0), ([0], 63)):
        with pytest.raises(ValueError, match=r"word|bits"):
            Words(np.array(values, np.int64), bits)
    with pytest.raises(ValueError, match="outside"):
        Words(np.array([-1]), 8, signed=False)
