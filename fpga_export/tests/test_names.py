"""Names that strangers chose become VHDL identifiers and file names."""

import re
from pathlib import Path

import pytest

from fpga_export.core.names import FORBIDDEN, file_stem, identifier
from fpga_export.tests.ghdl import analyse


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv2d_1", "conv2d_1"),
        ("Conv2D", "conv2d"),
        ("block1/conv__dw_", "block1_conv_dw"),
        ("1x1", "n_1x1"),
        ("", "n"),
        ("___", "n"),
        ("日本", "n"),
        ("capa_número", "capa_numero"),
        ("ﬁlter", "filter"),
        ("signal", "signal_layer"),
        ("Process", "process_layer"),
        ("force", "force_layer"),  # reserved since VHDL-2008
        ("output", "output_layer"),  # Verilog's
        ("std_logic_vector", "std_logic_vector_layer"),
        ('x"; end entity; --', "x_end_entity"),
        ("a" * 200, "a" * 64),
    ],
)
def test_a_name_becomes_an_identifier(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_names_that_differ_by_case_or_by_signs_are_told_apart() -> None:
    taken: set[str] = set()
    for name in ("IC", "ic", "i/c", "i_c", "Ic_2"):
        taken.add(identifier(name, taken))
    assert taken == {"ic", "ic_2", "i_c", "i_c_2", "ic_2_2"}
    assert identifier("conv", {"CONV"}) == "conv_2"
    assert identifier("b" * 64, {"b" * 64}) == "b" * 62 + "_2"


def test_every_identifier_keeps_the_rules_of_vhdl(tmp_path: Path) -> None:
    wild = [*sorted(FORBIDDEN), *(chr(code) * 2 + "_" for code in range(32, 600)), "_a", "a__b"]
    taken: set[str] = set()
    for name in wild:
        word = identifier(name, taken)
        assert re.fullmatch(r"[a-z](?:_?[a-z0-9])*", word)
        taken.add(word)
    assert len(taken) == len(wild)
    text = "".join(f"entity {name} is end entity {name};\n" for name in sorted(taken))
    analyse(tmp_path, {"names.vhd": text})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv2d_1", "conv2d_1"),
        ("Block/Conv", "Block_Conv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        (".hidden", "hidden"),
        ("", "_"),
        ("..", "_"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("a\x00b\n", "a_b_"),
        ("-rf", "rf"),
    ],
)
def test_a_name_becomes_a_file_that_stays_in_its_folder(name: str, expected: str) -> None:
    assert file_stem(name) == expected


def test_files_that_differ_by_case_are_told_apart() -> None:
    assert file_stem("conv", {"Conv"}) == "conv_2"
