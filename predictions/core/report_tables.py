"""The tables of an evaluation report in Markdown, for cards, documents and terminals."""

from collections.abc import Iterable, Sequence
from typing import Any

from predictions.core.report import Interval, Report, SetScores

NONE = "none"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [_row(heads), "|" + "---|" * len(heads), *(_row(row) for row in rows)]
    return "\n".join(lines)


def aligned(text: str) -> str:
    """A table with its columns as wide as their widest cell, for a terminal."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    rows[1] = [""] * len(rows[0])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    rows[1] = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def sets_table(report: Report) -> str:
    """One row a set: accuracy, macro-F1, top-3, calibration."""
    return table(
        [
            "rows",
            "n",
            "accuracy (95 % interval)",
            "macro-F1 (95 % interval)",
            "top-3",
            "ECE before",
            "ECE",
        ],
        (
            [
                one["title"],
                f"{one['n']:,}",
                with_interval(one["accuracy"], one["accuracy_interval"]),
                with_interval(one["macro_f1"], one["macro_f1_interval"]) + _of_classes(one, report),
                share(one["top3"]),
                share(one["calibration"]["ece_before"]),
                share(one["calibration"]["ece"]),
            ]
            for one in report["sets"]
        ),
    )


def coverage_table(report: Report) -> str:
    """Accuracy on the most confident rows, one column a share."""
    shares = [part["share"] for part in report["sets"][0]["coverage"]] if report["sets"] else []
    return table(
        ["rows", *(f"{each:.0%} most confident" for each in shares)],
        (
            [one["title"], *(share(part["accuracy"]) for part in one["coverage"])]
            for one in report["sets"]
        ),
    )


def recall_table(report: Report) -> str:
    """Recall of each class on each set, with the number of rows."""
    return table(
        ["class", *(one["name"] for one in report["sets"])],
        ([name, *(_recall(one, name) for one in report["sets"])] for name in report["classes"]),
    )


def class_table(scores: SetScores) -> str:
    """Precision, recall and F1 of each class of one set."""
    rows = []
    for name, one in scores["per_class"].items():
        recall, ends = one["recall"], one["recall_interval"]
        said = NONE if recall is None or ends is None else with_interval(recall, ends)
        rows.append([name, f"{one['n']:,}", share(one["precision"]), said, share(one["f1"])])
    return table(["class", "n", "precision", "recall (95 % interval)", "F1"], rows)


def confusion_table(scores: SetScores) -> str:
    classes = list(scores["per_class"])
    rows = zip(classes, scores["confusion"], strict=True)
    return table(["truth \\ answer", *classes], ([name, *counts] for name, counts in rows))


def reliability_table(scores: SetScores) -> str:
    """The bins of confidence that have rows."""
    return table(
        ["confidence", "n", "mean confidence", "accuracy"],
        (
            [
                f"{one['low']:.2f} to {one['high']:.2f}",
                f"{one['n']:,}",
                share(one["confidence"]),
                share(one["accuracy"]),
            ]
            for one in scores["calibration"]["bins"]
            if one["n"]
        ),
    )


def corruption_table(report: Report) -> str:
    return table(
        ["what was done to the picture", "accuracy", "drop in points"],
        (
            [one["title"], share(one["accuracy"]), f"{100 * one['drop']:.1f}"]
            for one in report.get("corruptions", [])
        ),
    )


def crop_table(report: Report) -> str:
    return table(
        ["side of the crop", "accuracy"],
        ([f"{one['side']:g}", share(one["accuracy"])] for one in report.get("crop", [])),
    )


def margin_table(report: Report) -> str:
    """One row a margin; faces found and accuracy among them, all told and in each set."""
    measured = report.get("end_to_end", [])
    names = list(measured[0]["by_set"]) if measured else []
    return table(
        ["margin", "found", "accuracy", *(f"{name}: found, accuracy" for name in names)],
        (
            [
                f"{one['margin']:g}",
                share(one["found"]),
                share(one["accuracy"]),
                *(
                    f"{share(part['found'])}, {share(part['accuracy'])}"
                    for part in one["by_set"].values()
                ),
            ]
            for one in measured
        ),
    )


def seeds_table(report: Report) -> str:
    """One row a seed, and their mean."""
    seeds = report.get("seeds", [])
    classes = list(seeds[0]["recall"]) if seeds else []
    figures = [[*_seed_figures(one), *(one["recall"][name] for name in classes)] for one in seeds]
    rows: list[list[object]] = [
        [one["seed"], *map(share, line)] for one, line in zip(seeds, figures, strict=True)
    ]
    if len(rows) > 1:
        means = [sum(column) / len(column) for column in zip(*figures, strict=True)]
        rows.append(["mean", *map(share, means)])
    heads = ["seed", "accuracy", "macro-F1", "ECE", *(f"recall of {name}" for name in classes)]
    return table(heads, rows)


def provenance_table(report: Report) -> str:
    return table(
        ["source", "training", "validation", "licence"],
        (
            [one["source"], f"{one['train']:,}", f"{one['validation']:,}", one["licence"]]
            for one in report.get("provenance", [])
        ),
    )


def precision_table(report: Report) -> str:
    return table(
        [".tflite", "accuracy", "macro-F1"],
        (
            [name, f"{one['accuracy']:.4f}", share(one["macro_f1"])]
            for name, one in report.get("precision", {}).items()
        ),
    )


def agreement(report: Report) -> str:
    """A sentence, or nothing where it was not measured."""
    if "agreement" not in report:
        return ""
    one, parts = report["agreement"], []
    if "training" in one:
        parts.append(f"{one['training']:.2%} with the evaluation of the training code")
    if "keras" in one:
        parts.append(f"{one['keras']:.2%} with the .keras file in fp32")
    return f"The server's label agrees on {one['n']:,} validation rows: {', '.join(parts)}."


def share(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def with_interval(value: float, ends: Interval) -> str:
    return f"{value:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"


def _of_classes(scores: SetScores, report: Report) -> str:
    counted = scores["macro_f1_classes"]
    if len(counted) == len(report["classes"]):
        return ""
    return f", of {len(counted)} classes: {' '.join(counted)}"


def _recall(scores: SetScores, name: str) -> str:
    one = scores["per_class"][name]
    return NONE if one["recall"] is None else f"{one['recall']:.2f} (n={one['n']})"


def _seed_figures(one: dict[str, Any]) -> list[float]:
    return [one["accuracy"], one["macro_f1"], one["ece"]]


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
