"""Workbooks open in openpyxl with every number and text as it was."""

import io
import math
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from openpyxl import load_workbook

from fpga_export.core import workbook as core
from fpga_export.core.workbook import Bold, Sheet, column_letters, sheet_names, workbook


def opened(data: bytes, name: str) -> list[tuple[object, ...]]:
    return list(load_workbook(io.BytesIO(data))[name].iter_rows(values_only=True))


def test_rows_of_text_and_numbers_come_back() -> None:
    data = workbook([Sheet("one", [Bold(("name", "n")), ("ñ <&> \"'", 5), (None, -1.5), (1e-9,)])])
    assert opened(data, "one") == [("name", "n"), ("ñ <&> \"'", 5), (None, -1.5), (1e-9, None)]
    sheet = load_workbook(io.BytesIO(data))["one"]
    assert sheet["A1"].font.b
    assert not sheet["A2"].font.b


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0", "\t=1", "007"])
def test_a_text_is_never_a_formula(text: str) -> None:
    data = workbook([Sheet("one", [(text,)])])
    cell = load_workbook(io.BytesIO(data))["one"]["A1"]
    assert (cell.value, cell.data_type) == (text, "s")
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet


def test_signs_that_xml_forbids_are_dropped_and_long_texts_cut() -> None:
    data = workbook([Sheet("one", [("a\x00b\x1bc\ud800", "x" * 40_000, "_x0041_")])])
    ((first, second, third),) = opened(data, "one")
    assert (first, third) == ("abc", "_x005F_x0041_")  # ECMA-376 22.9.2.19: Excel reads _x0041_
    assert isinstance(second, str)
    assert len(second) == 32_767


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_a_grid_comes_back_exactly(kind: type[np.generic]) -> None:
    grid = (np.random.default_rng(0).normal(0, 100, (5, 30)) ** 3).astype(kind)
    grid[0, :3] = (0, -1, 100_000)
    rows = opened(workbook([Sheet("one", [("head",), grid])]), "one")
    found = np.array(rows[1:], np.float64)
    if kind is np.float64:
        np.testing.assert_allclose(found, grid, rtol=1e-14)
    else:
        np.testing.assert_array_equal(found.astype(kind), grid)


def test_numbers_that_are_not_finite_are_named() -> None:
    grid = np.array([[1.0, math.inf, math.nan]])
    rows = opened(workbook([Sheet("one", [grid, (math.nan, np.float64(2.5), True)])]), "one")
    assert rows == [(1, "inf", "nan"), ("nan", 2.5, 1)]


def test_the_names_of_sheets_keep_the_rules_of_excel() -> None:
    names = sheet_names(["a/b:c", "A_B_C", "x" * 40, "x" * 35, "", "'q'", "a&<\"'b"])
    assert names == ["a_b_c", "A_B_C_2", "x" * 31, "x" * 29 + "_2", "sheet", "q", "a&<\"'b"]
    data = workbook([Sheet(name, [(1,)]) for name in names])
    assert load_workbook(io.BytesIO(data)).sheetnames == names


def test_columns_have_letters() -> None:
    found = [column_letters(n) for n in (0, 25, 26, 701, 702, 16_383)]
    assert found == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


def test_what_excel_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        workbook([Sheet("one", [np.zeros((1, 16_385))])])
    with pytest.raises(ValueError, match="too many"):
        workbook([Sheet("one", [np.zeros((1_048_577, 1))])])


def test_a_sheet_tells_its_size_before_it_is_read() -> None:
    sheets = [
        Sheet("both", [("a", "b", "c"), np.zeros((4, 7))]),
        Sheet("wide", [np.zeros((1, 16_384))]),
        Sheet("nothing", []),
        Sheet("empty row", [()]),
    ]
    data = workbook(sheets)
    book = load_workbook(io.BytesIO(data), read_only=True)
    found = [sheet.calculate_dimension() for sheet in book.worksheets]
    assert found == ["A1:G5", "A1:XFD1", "A1:A1", "A1:A1"]
    assert [len(list(sheet.iter_rows())) for sheet in book.worksheets[:2]] == [5, 1]


def test_a_sheet_may_be_filled_to_its_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert core.MOST_ROWS == 1_048_576  # which would take seconds to write
    monkeypatch.setattr(core, "MOST_ROWS", 1_000)
    data = workbook([Sheet("long", [("head",), np.arange(999).reshape(-1, 1)])])
    rows = opened(data, "long")
    assert (len(rows), rows[0], rows[-1]) == (1_000, ("head",), (998,))
    with pytest.raises(ValueError, match="too many"):
        workbook([Sheet("long", [("head",), np.arange(1_000).reshape(-1, 1)])])


def test_every_part_is_sound_xml_that_the_book_names() -> None:
    data = workbook([Sheet("a & <b>", [("x",)]), Sheet("c", [np.eye(2)])])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    named = {one.get("PartName") for one in parts["[Content_Types].xml"] if one.get("PartName")}
    assert named == {f"/{name}" for name in parts if not name.endswith((".rels", "_Types].xml"))}
    links = parts["xl/_rels/workbook.xml.rels"]
    targets = {one.get("Id"): one.get("Target") for one in links}
    assert all(f"xl/{target}" in parts for target in targets.values())
    (sheets,) = [one for one in parts["xl/workbook.xml"] if one.tag.endswith("}sheets")]
    ids = [value for one in sheets for key, value in one.attrib.items() if key.endswith("}id")]
    assert [targets[one] for one in ids] == ["worksheets/sheet1.xml", "worksheets/sheet2.xml"]


def test_the_same_numbers_give_the_same_bytes() -> None:
    sheets = [Sheet("one", [("a", 1), np.eye(3)])]
    assert workbook(sheets) == workbook(sheets)
