"""A picture becomes a memory, and every word comes back through its port."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fpga_export.core.image_memory import (
    BadSize,
    decimal_matrix,
    fitted,
    hex_matrix,
    image_memory,
    image_words,
    picture_of,
)
from fpga_export.core.memories import read_raw
from fpga_export.core.memory_vhdl import read_vhdl
from fpga_export.tests.ghdl import analyse, through_the_port

NAME = "Memoria_Imagen_user_1_1700000000_a1b2c3d4"
SESSION = "user_1_1700000000_a1b2c3d4"


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)


def text_of(pixels: np.ndarray) -> str:
    text = image_memory(pixels, session_id=SESSION)[f"{NAME}.vhdl.txt"]
    assert isinstance(text, str)
    return text


def test_a_picture_of_32_by_32_is_exactly_1024_words() -> None:
    pixels = noise(32, 32)
    text = text_of(pixels)
    assert len(re.findall(r'x"[0-9A-F]{2}"', text)) == 1024
    assert "others" not in text
    assert "addr_length : positive := 10" in text
    np.testing.assert_array_equal(read_vhdl(text), pixels.ravel())


def test_the_entity_has_the_ports_and_generics_of_the_original() -> None:
    text = text_of(noise(4, 4))
    entity = text[text.index("entity") : text.index("end entity")]
    assert entity.startswith("entity Memoria_Imagen is")
    names = re.findall(r"^\s+(\w+)\s*:\s*(in|out|positive)", entity, re.MULTILINE)
    assert names == [
        ("data_width", "positive"),
        ("addr_length", "positive"),
        ("clk", "in"),
        ("address", "in"),
        ("data_out", "out"),
    ]


@pytest.mark.parametrize("shape", [(32, 32), (1, 1), (1, 3), (28, 28), (5, 7, 3), (16, 16, 3)])
def test_every_word_is_read_through_the_port(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    words = image_words(pixels)
    bits = max((len(words) - 1).bit_length(), 1)
    found = through_the_port(
        tmp_path, "Memoria_Imagen", text_of(pixels), bits=words.bits, address_bits=bits
    )
    assert found == words.patterns.tolist() + [0] * (2**bits - len(words))


@pytest.mark.parametrize("shape", [(32, 32), (1, 1), (10, 3), (96, 96, 3)])
def test_each_file_of_a_picture_is_read_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    words = image_words(pixels)
    files = image_memory(pixels, session_id=SESSION)
    kinds = ["bin", "coe", "hex", "mem", "mif", "vhdl.txt"]
    assert sorted(files) == sorted([f"{NAME}_pkg.vhdl.txt", *(f"{NAME}.{kind}" for kind in kinds)])
    for name, content in files.items():
        kind = name.rpartition(".")[2]
        if kind == "txt":
            assert isinstance(content, str)
            analyse(tmp_path, {name: content})
            np.testing.assert_array_equal(read_vhdl(content)[: len(words)], words.patterns)
        else:
            np.testing.assert_array_equal(read_raw(kind, content, words.bits), words.patterns)


def test_the_largest_picture_is_written_and_analysed(tmp_path: Path) -> None:
    pixels = noise(1024, 1024, 3)
    text = text_of(pixels)
    np.testing.assert_array_equal(read_vhdl(text), image_words(pixels).patterns)
    analyse(tmp_path, {"image.vhd": text})


def test_a_pixel_of_colour_has_red_in_front() -> None:
    pixels = np.array([[[1, 2, 255]]], np.uint8)
    assert hex_matrix(pixels) == [["0102FF"]]
    assert decimal_matrix(pixels) == [[[1, 2, 255]]]
    assert hex_matrix(np.array([[0, 16], [171, 255]], np.uint8)) == [["00", "10"], ["AB", "FF"]]
    assert decimal_matrix(np.array([[0, 16]], np.uint8)) == [[0, 16]]


def test_a_crop_keeps_the_middle_and_a_resize_the_whole() -> None:
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200
    assert fitted(wide, width=10, height=10, gray=True, way="crop").min() == 200
    assert fitted(wide, width=10, height=10, gray=True).min() == 0
    assert fitted(wide, width=30, height=10, gray=True).tolist() == wide.tolist()
    assert fitted(wide, width=5, height=4, gray=False).shape == (4, 5, 3)


def test_a_photograph_lying_on_its_side_is_set_upright() -> None:
    image = Image.new("L", (64, 32), 0)
    image.paste(255, (0, 0, 32, 32))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to see it upright: the left is then above
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    found = picture_of(file.getvalue(), width=4, height=8)
    assert found.shape == (8, 4)
    assert found[0].min() > 250
    assert found[-1].max() < 5


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (1025, 5), (5, -1), (5, 10**9)])
def test_a_size_beyond_the_limits_is_refused(width: int, height: int) -> None:
    with pytest.raises(BadSize):
        fitted(noise(4, 4), width=width, height=height, gray=True)


@pytest.mark.parametrize("session", ["", "../x", "a/b", "a b", "x\n", "-x", "é", "a" * 129])
def test_a_session_that_is_no_plain_name_is_refused(session: str) -> None:
    with pytest.raises(ValueError, match="session"):
        image_memory(noise(2, 2), session_id=session)
