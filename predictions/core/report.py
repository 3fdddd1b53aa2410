"""The evaluation report: what a classifier got right on sets of rows, for any list of classes.

It is plain data, as `evaluate_model --json` writes it and as `ModelVersion.metrics` keeps it.
Every share is 0..1 and rounded to six digits; None means that there was nothing to measure.
"""

from collections.abc import Sequence
from typing import Any, Final, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from predictions.core import metrics
from predictions.core.classifier import soften

ENOUGH: Final = 10  # rows of a class below which its F1 says nothing
SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Interval = tuple[float, float]  # low and high end, 95 %
Logits = NDArray[np.floating]  # (n, classes), or log-probabilities
Labels = NDArray[np.int64]  # (n,) class numbers


class ClassScore(TypedDict):
    n: int
    precision: float | None
    recall: float | None
    recall_interval: Interval | None  # Wilson
    f1: float | None


class Bin(TypedDict):
    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


class Calibration(TypedDict):
    ece_before: float  # of the answers as the network gives them
    ece: float  # with the temperature
    bins: list[Bin]  # with the temperature


class Coverage(TypedDict):
    share: float  # of the rows, the most confident ones
    accuracy: float
    threshold: float  # the lowest confidence among them


class SetScores(TypedDict):
    name: str
    title: str
    n: int
    accuracy: float
    accuracy_interval: Interval  # Wilson
    macro_f1: float
    macro_f1_interval: Interval  # bootstrap
    macro_f1_classes: list[str]
    top3: float | None
    per_class: dict[str, ClassScore]
    confusion: list[list[int]]  # row is the truth, column the answer
    calibration: Calibration
    coverage: list[Coverage]


class CorruptionScore(TypedDict):
    name: str
    title: str
    accuracy: float
    drop: float  # against the same rows as they were


class CropScore(TypedDict):
    side: float  # of the crop, in sides of the crop that the network learnt from
    accuracy: float


class MarginScore(TypedDict):
    margin: float  # around the detector's box, in sides of the box
    found: float  # share of the pictures in which the face was found
    accuracy: float | None  # of the label, among those found
    n: int  # pictures
    as_given: float | None  # accuracy on the same faces as they were cut by hand
    by_set: dict[str, dict[str, float | None]]  # found and accuracy


class Agreement(TypedDict):
    """Shares of rows on which two ways give the same label."""

    n: int
    training: NotRequired[float]  # the served path and the code of the training
    keras: NotRequired[float]  # the served path and the .keras file in fp32


class Latency(TypedDict):
    p50: float
    p95: float
    n: int


class Report(TypedDict):
    classes: list[str]
    sets: list[SetScores]
    corruptions: NotRequired[list[CorruptionScore]]  # of the first set
    crop: NotRequired[list[CropScore]]
    end_to_end: NotRequired[list[MarginScore]]
    agreement: NotRequired[Agreement]
    latency_ms: NotRequired[Latency]
    precision: NotRequired[dict[str, dict[str, float]]]
    seeds: NotRequired[list[dict[str, Any]]]
    provenance: NotRequired[list[dict[str, Any]]]
    recipe: NotRequired[dict[str, Any]]
    limits: NotRequired[list[str]]
    subject: NotRequired[dict[str, Any]]  # which file was judged, and how it is served
    faces: NotRequired[dict[str, int]]  # pictures in which a face was searched, and found


def score(
    name: str,
    logits: Logits,
    labels: Labels,
    *,
    title: str,
    classes: Sequence[str],
    temperature: float = 1.0,
) -> SetScores:
    """Score one set of rows. Raises `ValueError` when it is empty."""
    if not len(labels):
        raise ValueError(f"the set {name} has no rows")
    before = soften(logits.astype(np.float32), np.float32(1))
    after = soften(logits.astype(np.float32), np.float32(temperature))
    matrix = metrics.confusion_matrix(labels, logits.argmax(axis=1), classes=len(classes))
    right = int(np.trace(matrix))
    counted = counted_classes(matrix)
    return {
        "name": name,
        "title": title,
        "n": len(labels),
        "accuracy": _number(right / len(labels)),
        "accuracy_interval": _interval(metrics.wilson_interval(right, len(labels))),
        "macro_f1": _number(metrics.macro_f1(matrix, among=counted)),
        "macro_f1_interval": _interval(metrics.macro_f1_interval(matrix, among=counted)),
        "macro_f1_classes": [classes[number] for number in counted],
        "top3": _number(metrics.top_accuracy(logits, labels, 3)) if len(classes) > 3 else None,
        "per_class": _per_class(matrix, classes),
        "confusion": matrix.tolist(),
        "calibration": {
            "ece_before": _number(metrics.expected_calibration_error(before, labels)),
            "ece": _number(metrics.expected_calibration_error(after, labels)),
            "bins": reliability(after, labels),
        },
        "coverage": coverage(after, labels),
    }


def counted_classes(matrix: NDArray[np.int64]) -> list[int]:
    """The classes that macro-F1 counts: with `ENOUGH` rows, or with any where none has enough."""
    there = matrix.sum(axis=1)
    enough = np.flatnonzero(there >= ENOUGH)
    return [int(number) for number in (enough if len(enough) else np.flatnonzero(there))]


def reliability(
    probabilities: NDArray[np.floating], labels: Labels, *, bins: int = metrics.BINS
) -> list[Bin]:
    """Confidence against accuracy in equal bins of confidence."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = metrics.bin_of(confidence, bins=bins)
    table: list[Bin] = []
    for number in range(bins):
        inside = place == number
        some = bool(inside.any())
        table.append(
            {
                "low": _number(number / bins),
                "high": _number((number + 1) / bins),
                "n": int(inside.sum()),
                "confidence": _number(float(confidence[inside].mean())) if some else None,
                "accuracy": _number(float(right[inside].mean())) if some else None,
            }
        )
    return table


def coverage(
    probabilities: NDArray[np.floating], labels: Labels, *, shares: Sequence[float] = SHARES
) -> list[Coverage]:
    """Accuracy among the most confident rows, for each share of them (at least one row)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    table: list[Coverage] = []
    for share in shares:
        kept = order[: max(1, round(share * len(labels)))]
        table.append(
            {
                "share": share,
                "accuracy": _number(float(right[kept].mean())),
                "threshold": _number(float(confidence[kept[-1]])),
            }
        )
    return table


def find_set(report: Report, name: str) -> SetScores | None:
    """The set of that name, if the report has it."""
    return next((one for one in report["sets"] if one["name"] == name), None)


def _per_class(matrix: NDArray[np.int64], classes: Sequence[str]) -> dict[str, ClassScore]:
    found, there, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    table: dict[str, ClassScore] = {}
    for number, name in enumerate(classes):
        hits, n, answers = int(found[number]), int(there[number]), int(said[number])
        table[name] = {
            "n": n,
            "precision": _number(hits / answers) if answers else None,
            "recall": _number(hits / n) if n else None,
            "recall_interval": _interval(metrics.wilson_interval(hits, n)) if n else None,
            "f1": _number(2 * hits / (n + answers)) if n else None,
        }
    return table


def _number(value: float) -> float:
    return round(float(value), 6)


def _interval(ends: Interval) -> Interval:
    return _number(ends[0]), _number(ends[1])
