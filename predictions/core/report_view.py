"""An evaluation report as tables, for pages and files.

Reports come from files of other people too, so a part that is missing or is not as `report.py`
describes it is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["text", "class", "count", "number", "share", "figure", "points", "ms"]
UNSEEN: Final = "unseen"  # the set whose source had no part in the training

Row = Mapping[str, object]
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """`ends` are the keys of an interval around the value; `class` is one of the report's."""

    key: str
    kind: Kind = "text"
    ends: tuple[str, str] | None = None
    name: str = ""  # of the class that a column of kind `count` or `share` is about


@dataclass(frozen=True, slots=True)
class ReportTable:
    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of a row, the ends of intervals after their value."""
        return tuple(key for one in self.columns for key in (one.key, *(one.ends or ())))


@dataclass(frozen=True, slots=True)
class Results:
    """The tables of a report that are there, by name; `chosen` is the set of the detailed ones."""

    classes: tuple[str, ...]
    sets: tuple[tuple[str, str], ...]  # name and title
    chosen: str
    tables: Mapping[str, ReportTable]
    limits: tuple[str, ...]
    recipe: Mapping[str, object]


def read_results(raw: object, *, chosen: str = "") -> Results:
    """The report that `raw` holds, whatever it holds.

    The chosen set is the one of that name, else what the network had never seen, else the first.
    """
    report: Raw = raw if isinstance(raw, Mapping) else {}
    classes = tuple(map(str, _list(report.get("classes"))))
    sets = [one for one in _list(report.get("sets")) if _names_itself(one)]
    named: dict[str, Raw] = {str(one["name"]): one for one in sets}
    scores: Raw = named.get(chosen) or named.get(UNSEEN) or (sets[0] if sets else {})
    found = {name: _attempt(make, report) for name, make in OF_REPORT.items()}
    found |= {name: _attempt(make, scores) for name, make in OF_SET.items()}
    recipe = report.get("recipe")
    return Results(
        classes=classes,
        sets=tuple((str(one["name"]), str(one["title"])) for one in sets),
        chosen=str(scores.get("name", "")),
        tables={name: one for name, one in found.items() if one is not None and one.rows},
        limits=tuple(one for one in _list(report.get("limits")) if isinstance(one, str)),
        recipe=dict(recipe) if isinstance(recipe, Mapping) else {},
    )


def sets_table(report: Raw) -> ReportTable:
    columns = (
        Column("title"),
        Column("n", "count"),
        Column("accuracy", "share", ("accuracy_low", "accuracy_high")),
        Column("macro_f1", "figure", ("macro_f1_low", "macro_f1_high")),
        Column("macro_f1_classes", "count"),
        Column("top3", "share"),
        Column("ece_before", "figure"),
        Column("ece", "figure"),
    )
    rows = [_set_row(one) for one in report["sets"]]
    return ReportTable("sets", columns, tuple(rows))


def _set_row(one: Raw) -> Row:
    calibration = one.get("calibration") or {}
    return {
        "set": str(one["name"]),
        "title": str(one["title"]),
        "n": int(one["n"]),
        "accuracy": float(one["accuracy"]),
        **_ends("accuracy", one.get("accuracy_interval")),
        "macro_f1": _float(one.get("macro_f1")),
        **_ends("macro_f1", one.get("macro_f1_interval")),
        "macro_f1_classes": len(_list(one.get("macro_f1_classes"))) or None,
        "top3": _float(one.get("top3")),
        "ece_before": _float(calibration.get("ece_before")),
        "ece": _float(calibration.get("ece")),
    }


def classes_table(scores: Raw) -> ReportTable:
    columns = (
        Column("class", "class"),
        Column("n", "count"),
        Column("precision", "share"),
        Column("recall", "share", ("recall_low", "recall_high")),
        Column("f1", "figure"),
    )
    rows = [
        {
            "class": str(name),
            "n": int(one["n"]),
            "precision": _float(one.get("precision")),
            "recall": _float(one.get("recall")),
            **_ends("recall", one.get("recall_interval")),
            "f1": _float(one.get("f1")),
        }
        for name, one in scores["per_class"].items()
    ]
    return ReportTable("classes", columns, tuple(rows))


def confusion_table(scores: Raw) -> ReportTable:
    """Row truth, column answer; counts."""
    names = [str(name) for name in scores["per_class"]]
    matrix = [[int(count) for count in line] for line in scores["confusion"]]
    if [len(line) for line in matrix] != [len(names)] * len(names):
        raise ValueError("the matrix is not as wide and high as there are classes")
    columns = (Column("truth", "class"), *(Column(name, "count", name=name) for name in names))
    lines = zip(names, matrix, strict=True)
    rows = [{"truth": name, **dict(zip(names, line, strict=True))} for name, line in lines]
    return ReportTable("confusion", columns, tuple(rows))


def reliability_table(scores: Raw) -> ReportTable:
    """The bins of confidence that have rows."""
    columns = (
        Column("low", "share"),
        Column("high", "share"),
        Column("n", "count"),
        Column("confidence", "share"),
        Column("accuracy", "share"),
    )
    rows = [
        {
            "low": float(one["low"]),
            "high": float(one["high"]),
            "n": int(one["n"]),
            "confidence": float(one["confidence"]),
            "accuracy": float(one["accuracy"]),
        }
        for one in scores["calibration"]["bins"]
        if one["n"]
    ]
    return ReportTable("reliability", columns, tuple(rows))


def coverage_table(scores: Raw) -> ReportTable:
    keys = ("share", "accuracy", "threshold")
    rows = tuple({key: float(one[key]) for key in keys} for one in scores["coverage"])
    return ReportTable("coverage", tuple(Column(key, "share") for key in keys), rows)


def corruptions_table(report: Raw) -> ReportTable:
    columns = (Column("corruption"), Column("accuracy", "share"), Column("drop", "points"))
    rows = [
        {
            "corruption": str(one["title"]),
            "accuracy": float(one["accuracy"]),
            "drop": float(one["drop"]),
        }
        for one in report["corruptions"]
    ]
    return ReportTable("corruptions", columns, tuple(rows))


def crop_table(report: Raw) -> ReportTable:
    columns = (Column("side", "number"), Column("accuracy", "share"))
    rows = [
        {"side": float(one["side"]), "accuracy": float(one["accuracy"])} for one in report["crop"]
    ]
    return ReportTable("crop", columns, tuple(rows))


def end_to_end_table(report: Raw) -> ReportTable:
    """One row a margin; `as_given` is the accuracy on the same faces as they were cut by hand."""
    columns = (
        Column("margin", "share"),
        Column("n", "count"),
        Column("found", "share"),
        Column("accuracy", "share"),
        Column("as_given", "share"),
    )
    rows = [
        {
            "margin": float(one["margin"]),
            "n": _int(one.get("n")),
            "found": float(one["found"]),
            "accuracy": _float(one.get("accuracy")),
            "as_given": _float(one.get("as_given")),
        }
        for one in report["end_to_end"]
    ]
    return ReportTable("end_to_end", columns, tuple(rows))


def agreement_table(report: Raw) -> ReportTable:
    """How often the server's label is the same as that of two other ways."""
    columns = (
        Column("n", "count"),
        Column("same_training", "share"),
        Column("same_keras", "share"),
    )
    one = report["agreement"]
    row = {
        "n": int(one["n"]),
        "same_training": _float(one.get("training")),
        "same_keras": _float(one.get("keras")),
    }
    return ReportTable("agreement", columns, (row,))


def precision_table(report: Raw) -> ReportTable:
    columns = (Column("format"), Column("accuracy", "share"), Column("macro_f1", "figure"))
    rows = [
        {
            "format": str(name),
            "accuracy": float(one["accuracy"]),
            "macro_f1": _float(one.get("macro_f1")),
        }
        for name, one in report["precision"].items()
    ]
    return ReportTable("precision", columns, tuple(rows))


def latency_table(report: Raw) -> ReportTable:
    columns = (Column("p50", "ms"), Column("p95", "ms"), Column("n", "count"))
    one = report["latency_ms"]
    row = {"p50": float(one["p50"]), "p95": float(one["p95"]), "n": int(one["n"])}
    return ReportTable("latency", columns, (row,))


def seeds_table(report: Raw) -> ReportTable:
    """One row a seed, and their mean, which has none."""
    seeds: Sequence[Raw] = report["seeds"]
    names = [str(name) for name in (seeds[0].get("recall") or {})] if seeds else []
    columns = (
        Column("seed", "count"),
        Column("accuracy", "share"),
        Column("macro_f1", "figure"),
        Column("ece", "figure"),
        *(Column(f"recall_{name}", "share", name=name) for name in names),
    )
    rows: list[Row] = []
    for one in seeds:
        recall = {f"recall_{name}": _float(one["recall"].get(name)) for name in names}
        figures = {key: _float(one.get(key)) for key in ("macro_f1", "ece")}
        rows.append(
            {"seed": int(one["seed"]), "accuracy": float(one["accuracy"]), **figures, **recall}
        )
    if len(rows) > 1:
        means = {column.key: _mean(rows, column.key) for column in columns[1:]}
        rows.append({"seed": None, **means})
    return ReportTable("seeds", columns, tuple(rows))


def provenance_table(report: Raw) -> ReportTable:
    columns = (
        Column("source"),
        Column("train", "count"),
        Column("validation", "count"),
        *([Column("test", "count")] if any("test" in one for one in report["provenance"]) else []),
        Column("licence"),
    )
    rows = [
        {
            "source": str(one["source"]),
            "train": _int(one.get("train")),
            "validation": _int(one.get("validation")),
            "test": _int(one.get("test")),
            "licence": str(one.get("licence", "")),
        }
        for one in report["provenance"]
    ]
    return ReportTable("provenance", columns, tuple(rows))


OF_REPORT: Mapping[str, Callable[[Raw], ReportTable]] = {
    "sets": sets_table,
    "corruptions": corruptions_table,
    "crop": crop_table,
    "end_to_end": end_to_end_table,
    "precision": precision_table,
    "agreement": agreement_table,
    "latency": latency_table,
    "seeds": seeds_table,
    "provenance": provenance_table,
}
OF_SET: Mapping[str, Callable[[Raw], ReportTable]] = {
    "classes": classes_table,
    "confusion": confusion_table,
    "reliability": reliability_table,
    "coverage": coverage_table,
}
TABLES = (*OF_REPORT, *OF_SET)


def _attempt(make: Callable[[Raw], ReportTable], raw: Raw) -> ReportTable | None:
    try:
        return make(raw)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None


def _names_itself(one: object) -> bool:
    return isinstance(one, Mapping) and "name" in one and "title" in one


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _int(value: Any) -> int | None:
    return None if value is None else int(value)


def _ends(key: str, interval: Any) -> dict[str, float | None]:
    low, high = (None, None) if interval is None else interval
    return {f"{key}_low": _float(low), f"{key}_high": _float(high)}


def _mean(rows: Sequence[Row], key: str) -> float | None:
    values = [value for row in rows if isinstance(value := row[key], int | float)]
    return sum(values) / len(values) if len(values) == len(rows) else None
