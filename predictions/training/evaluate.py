"""Judges a converted network on the validation rows, through the classifier that serves it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core import metrics
from predictions.core.classifier import Classifier, soften
from predictions.core.labels import EMOTIONS
from predictions.training.packs import SIDE, Faces

INT8_MAY_LOSE = 0.005  # of strict accuracy, against fp32
CROPS = (0.8, 0.9, 1.1, 1.25)  # side of the crop, in sides of the crop it learnt from


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network got right among some rows, all shares 0..1."""

    rows: int
    accuracy: float
    accuracy_interval: tuple[float, float]  # Wilson, 95 %
    macro_f1: float
    recall: dict[str, float | None]  # None where n is 0
    n: dict[str, int]
    confusion: list[list[int]]  # row is the truth, column the answer, in the order of EMOTIONS
    ece_before: float
    ece_after: float  # with the temperature


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One converted file on all validation rows."""

    temperature: float  # fitted on all of them, by majority label
    strict: Scores  # FER+ rows whose majority is more than half of the votes
    every: Scores  # all FER+ rows
    press: Scores  # press photographs


def log_answers(tflite: Path, gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 7) log-probabilities at temperature 1 for (n, 96, 96) gray faces."""
    classifier = Classifier(tflite, temperature=1.0)
    answers = np.empty((len(gray), len(EMOTIONS)), np.float32)
    for start in range(0, len(gray), 256):
        faces = np.repeat(gray[start : start + 256, :, :, None], 3, axis=3)
        answers[start : start + 256] = classifier.probabilities(faces)
    return np.asarray(np.log(np.maximum(answers, 1e-30)), np.float32)


def evaluate(answers: NDArray[np.float32], faces: Faces) -> Evaluation:
    """Score (n, 7) log-probabilities of the n validation rows."""
    temperature = metrics.fit_temperature(answers, faces.labels)

    def among(rows: NDArray[np.bool_]) -> Scores:
        return score(answers[rows], faces.labels[rows], temperature)

    return Evaluation(
        temperature=temperature,
        strict=among(faces.strict & ~faces.press),
        every=among(~faces.press),
        press=among(faces.press),
    )


def score(answers: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> Scores:
    """Score (n, 7) log-probabilities against (n,) labels; n is at least 1."""
    predicted = answers.argmax(axis=1)
    matrix = metrics.confusion_matrix(labels, predicted, classes=len(EMOTIONS))
    recall = metrics.recall_per_class(matrix)
    before = soften(answers, np.float32(1))
    after = soften(answers, np.float32(temperature))
    return Scores(
        rows=len(labels),
        accuracy=metrics.accuracy(labels, predicted),
        accuracy_interval=metrics.wilson_interval(int(np.trace(matrix)), len(labels)),
        macro_f1=metrics.macro_f1(matrix),
        recall={
            emotion: None if np.isnan(share) else float(share)
            for emotion, share in zip(EMOTIONS, recall, strict=True)
        },
        n=dict(zip(EMOTIONS, matrix.sum(axis=1).tolist(), strict=True)),
        confusion=matrix.tolist(),
        ece_before=metrics.expected_calibration_error(before, labels),
        ece_after=metrics.expected_calibration_error(after, labels),
    )


def int8_is_good_enough(fp32: Evaluation, int8: Evaluation) -> bool:
    """Whether int8 loses at most half a point of strict accuracy."""
    return fp32.strict.accuracy - int8.strict.accuracy <= INT8_MAY_LOSE


def accuracy_by_crop(tflite: Path, faces: Faces) -> dict[str, float]:
    """Strict accuracy when the crop is tighter or looser, edges repeated, by side of the crop."""
    strict = faces.take(faces.strict & ~faces.press)
    return {
        f"{side:g}": metrics.accuracy(
            strict.labels, log_answers(tflite, _crop(strict.images, side)).argmax(axis=1)
        )
        for side in CROPS
    }


def _crop(images: NDArray[np.uint8], side: float) -> NDArray[np.uint8]:
    edge = (SIDE - 1) / 2 * (1 - side)
    move = np.array([[side, 0, edge], [0, side, edge]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cropped = [
        cv2.warpAffine(image, move, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        for image in images
    ]
    return np.stack(cropped).astype(np.uint8)
