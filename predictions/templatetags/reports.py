"""The tables of a report on a page."""

from urllib.parse import urlencode

from django import template

from predictions.core.report_view import ReportTable
from predictions.model_cards import ModelCard
from predictions.report_words import cell, class_word, head, said

MANY = 12  # rows; as cards they would make an endless page

register = template.Library()
register.filter("said", said)
register.filter("class_word", class_word)


@register.inclusion_tag("predictions/_report_table.html")
def report_table(table: ReportTable, label: str) -> dict[str, object]:
    """The table, as cards on a narrow screen where it has few columns."""
    heads = [head(column) for column in table.columns]
    text = [column.kind in {"text", "class"} for column in table.columns]
    lines = [
        [
            {"head": name, "text": cell(column, row), "is_text": plain}
            for name, column, plain in zip(heads, table.columns, text, strict=True)
        ]
        for row in table.rows
    ]
    return {
        "label": label,
        "heads": list(zip(heads, text, strict=True)),
        "lines": lines,
        "stacks": 3 < len(heads) <= 8 and len(lines) <= MANY,
    }


@register.simple_tag
def table_url(card: ModelCard, table: str, chosen: str = "") -> str:
    """Where a table is to be had as a file."""
    query = {"network": card.network, "version": card.tag, "format": "csv"}
    if chosen:
        query["set"] = chosen
    return f"/api/v1/model/card/{table}?{urlencode(query)}"
