"""Judges a network on labelled rows, through the classifier that serves it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core import metrics
from predictions.core.classifier import Classifier
from predictions.core.corruptions import CORRUPTIONS
from predictions.core.labels import EMOTIONS
from predictions.core.report import CorruptionScore, CropScore, Latency, Report, SetScores, score
from predictions.training.packs import Faces

INT8_MAY_LOSE = 0.005  # of the first set's accuracy, against fp32
CROPS = (0.8, 0.9, 1.1, 1.25)  # side of the crop, in sides of the crop it learnt from
AT_ONCE = 256  # rows that are answered together

Images = NDArray[np.uint8]  # (n, side, side, 3) RGB, or (n, side, side) gray
LogAnswers = NDArray[np.float32]  # (n, classes) log-probabilities at temperature 1
Reader = Callable[[Images], LogAnswers]


class Network(Protocol):
    """Something that answers as a classifier at temperature 1 does."""

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Subset:
    """Some of the rows, under a name of their own."""

    name: str
    title: str
    rows: NDArray[np.bool_]


def read_tflite(
    path: Path, *, classes: int = len(EMOTIONS), bias: Sequence[float] | None = None
) -> Reader:
    """A .tflite with its bias, at temperature 1. Raises `ModelUnfit`."""
    return reader(Classifier(path, temperature=1.0, classes=classes, bias=bias))


def reader(network: Network) -> Reader:
    """Answers any number of rows, gray ones too."""

    def read(images: Images) -> LogAnswers:
        parts = [
            network.probabilities(as_colour(images[start : start + AT_ONCE]))
            for start in range(0, max(1, len(images)), AT_ONCE)
        ]
        return np.asarray(np.log(np.maximum(np.concatenate(parts), 1e-30)), np.float32)

    return read


def as_colour(images: Images) -> NDArray[np.uint8]:
    """(n, side, side, 3), whether gray or colour was given."""
    return images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)


def emotion_subsets(faces: Faces) -> list[Subset]:
    """What is reported of the emotion packs, without the sets that have no rows."""
    crowd = "FER+ faces on which more than half of the crowd agrees"
    named = [
        Subset("strict", crowd, faces.strict & ~faces.press),
        Subset("every", "all FER+ faces, doubtful ones too, by majority", ~faces.press),
        Subset("press", "press photographs of people it never saw", faces.press),
    ]
    return [subset for subset in named if subset.rows.any()]


def judge(
    answers: LogAnswers,
    labels: NDArray[np.int64],
    subsets: Sequence[Subset],
    *,
    classes: Sequence[str] = EMOTIONS,
    temperature: float = 1.0,
) -> list[SetScores]:
    """Score each of the subsets."""
    return [
        score(
            subset.name,
            answers[subset.rows],
            labels[subset.rows],
            title=subset.title,
            classes=classes,
            temperature=temperature,
        )
        for subset in subsets
    ]


def fitted_temperature(answers: LogAnswers, labels: NDArray[np.int64]) -> float:
    """As it is written down and served: to four digits."""
    return round(metrics.fit_temperature(answers, labels), 4)


def summary(scores: SetScores) -> dict[str, float]:
    """One line of a comparison."""
    return {"accuracy": scores["accuracy"], "macro_f1": scores["macro_f1"]}


def int8_is_good_enough(fp32: SetScores, int8: SetScores) -> bool:
    """Whether int8 loses at most half a point of accuracy."""
    return fp32["accuracy"] - int8["accuracy"] <= INT8_MAY_LOSE


def corruption_table(
    read: Reader, images: Images, labels: NDArray[np.int64]
) -> list[CorruptionScore]:
    """Accuracy on the same rows under each corruption, and how much it costs."""
    clean = _accuracy(read, images, labels)
    table: list[CorruptionScore] = []
    for corruption in CORRUPTIONS:
        share = _accuracy(read, corruption.apply(as_colour(images)), labels)
        table.append(
            {
                "name": corruption.name,
                "title": corruption.title,
                "accuracy": round(share, 6),
                "drop": round(clean - share, 6),
            }
        )
    return table


def crop_table(read: Reader, images: Images, labels: NDArray[np.int64]) -> list[CropScore]:
    """Accuracy when the crop is tighter or looser, edges repeated."""
    return [
        {"side": side, "accuracy": round(_accuracy(read, recut(images, side), labels), 6)}
        for side in CROPS
    ]


def recut(images: Images, side: float) -> Images:
    """The crop that is `side` times as wide about the same middle; edges are repeated."""
    width = images.shape[1]
    edge = (width - 1) / 2 * (1 - side)
    move = np.array([[side, 0, edge], [0, side, edge]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = [
        cv2.warpAffine(image, move, (width, width), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        for image in images
    ]
    return np.stack(cut).astype(np.uint8)


def latency(network: Network, *, side: int = 96, n: int = 200) -> Latency:
    """Milliseconds for one face at a time on this machine, after ten to warm up."""
    faces = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    spent = []
    for _ in range(n + 10):
        began = time.perf_counter()
        network.probabilities(faces)
        spent.append((time.perf_counter() - began) * 1000)
    p50, p95 = np.percentile(spent[10:], [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "n": n}


def full_report(
    read: Reader,
    images: Images,
    labels: NDArray[np.int64],
    subsets: Sequence[Subset],
    *,
    classes: Sequence[str] = EMOTIONS,
    temperature: float = 1.0,
    tables: bool = True,
) -> Report:
    """The report of all subsets; with `tables`, what spoils the answers on the first of them."""
    answers = read(images)
    report: Report = {
        "classes": list(classes),
        "sets": judge(answers, labels, subsets, classes=classes, temperature=temperature),
    }
    if tables:
        first = subsets[0].rows
        report["corruptions"] = corruption_table(read, images[first], labels[first])
        report["crop"] = crop_table(read, images[first], labels[first])
    return report


def _accuracy(read: Reader, images: Images, labels: NDArray[np.int64]) -> float:
    return metrics.accuracy(labels, read(images).argmax(axis=1))
