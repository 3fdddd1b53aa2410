"""Rows as files: CSV, JSON and XLSX, in which a user's words stay words."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

Row = Mapping[str, object]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that all have the same keys, named for the file they are saved as."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[Row]


def as_csv(table: Table) -> bytes:
    """UTF-8 with a mark, so that a spreadsheet reads its accents."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([_plain(row[column]) for column in table.columns])
    return text.getvalue().encode("utf-8-sig")


def as_json(table: Table) -> bytes:
    rows = [{column: row[column] for column in table.columns} for row in table.rows]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def as_xlsx(table: Table) -> bytes:
    """One sheet; every text is typed as text, so that none is taken for a formula."""
    from openpyxl import Workbook  # a second of start-up that other pages need not pay
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.name[:31])
    sheet.append(list(table.columns))
    for row in table.rows:
        cells = []
        for column in table.columns:
            cell = WriteOnlyCell(sheet, value=row[column])
            if isinstance(row[column], str):
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _plain(value: object) -> object:
    risky = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if risky else value


class TableRenderer(BaseRenderer):
    """A `Table` as a file; anything else (a problem document) as JSON."""

    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {})["response"]
        if not isinstance(data, Table):
            response["Content-Type"] = response.content_type or "application/json"
            body: bytes = JSONRenderer().render(data)
            return body
        response["Content-Disposition"] = f'attachment; filename="{data.name}.{self.format}"'
        response["X-Content-Type-Options"] = "nosniff"
        writers = {"csv": as_csv, "json": as_json, "xlsx": as_xlsx}
        return writers[str(self.format)](data)


class CsvRenderer(TableRenderer):
    media_type = "text/csv"
    format = "csv"


class JsonFileRenderer(TableRenderer):
    media_type = "application/json"
    format = "json"


class XlsxRenderer(TableRenderer):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"
