"""A report as a workbook."""

import io

from openpyxl import load_workbook

from fpga_export.core.report_workbook import report_workbook

REPORT = {
    "network": {"name": "=small", "parameters": 5258, "worst": {"layer": "dense", "db": 38.5}},
    "agreement": None,
    "simulated": True,
    "tools": ["GHDL 2.0", "yosys"],
    "layers": [
        {"name": "conv2d", "shape": [26, 26, 8], "format": {"bits": 8, "fraction": 4}},
        {"name": "dense", "shape": [10], "cycles": 900, "note": "-1"},
    ],
    "nothing": [],
}


def test_single_facts_stand_in_one_sheet_and_tables_in_their_own() -> None:
    book = load_workbook(io.BytesIO(report_workbook(REPORT)))
    assert book.sheetnames == ["report", "layers"]
    facts = dict(book["report"].iter_rows(values_only=True))
    assert facts == {
        "fact": "value",
        "network.name": "=small",
        "network.parameters": 5258,
        "network.worst.layer": "dense",
        "network.worst.db": 38.5,
        "agreement": None,
        "simulated": "yes",
        "tools": "GHDL 2.0, yosys",
        "nothing": "",
    }
    assert list(book["layers"].iter_rows(values_only=True)) == [
        ("name", "shape", "format.bits", "format.fraction", "cycles", "note"),
        ("conv2d", "26, 26, 8", 8, 4, None, None),
        ("dense", "10", None, None, 900, "-1"),
    ]


def test_no_text_of_a_report_is_a_formula() -> None:
    book = load_workbook(io.BytesIO(report_workbook(REPORT)))
    kinds = {cell.data_type for sheet in book for row in sheet for cell in row if cell.value}
    assert kinds <= {"s", "n"}
