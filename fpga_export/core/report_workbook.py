"""A report, which is JSON, as a workbook: one sheet of single facts, and one for each table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fpga_export.core.workbook import MOST_COLUMNS, Bold, Cell, Grid, Row, Sheet, workbook


def report_workbook(report: Mapping[str, Any]) -> bytes:
    """An XLSX file. A list of objects is a sheet with a column a key; what lies deeper in a row is
    written with its path ("format.bits"), and a list of plain values as one text.
    """
    facts: list[Row | Grid] = [Bold(("fact", "value"))]
    sheets: list[Sheet] = []
    for path, value in _leaves(report, ""):
        if _is_table(value):
            sheets.append(Sheet(path, _table(value)))
        else:
            facts.append((path, _cell(value)))
    return workbook([Sheet("report", facts), *sheets])


def _leaves(data: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """(path, value) of all that is no object itself."""
    for key, value in data.items():
        place = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, place)
        else:
            yield place, value


def _is_table(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(one, Mapping) for one in value)
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> list[Row | Grid]:
    flat = [dict(_leaves(row, "")) for row in rows]
    heads = list(dict.fromkeys(key for row in flat for key in row))[:MOST_COLUMNS]
    cells = [[_cell(row.get(head)) for head in heads] for row in flat]
    return [Bold(heads), *cells]


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, Sequence):
        return ", ".join("" if one is None else str(_cell(one)) for one in value)
    return str(value)
