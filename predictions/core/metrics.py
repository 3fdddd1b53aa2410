"""Scores of a classifier, from its answers and the truth alone."""

from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964  # the normal quantile of 0.975


def accuracy(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """The share of right answers, 0..1; nan without rows. Both are (n,) class numbers."""
    return float(np.mean(labels == predicted)) if len(labels) else float("nan")


def confusion_matrix(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], *, classes: int
) -> NDArray[np.int64]:
    """(classes, classes) counts: row is the truth, column the answer."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def recall_per_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of each row's truth that was found; nan for a class without rows."""
    found, there = np.diag(matrix).astype(np.float64), matrix.sum(axis=1)
    recall = np.full(len(matrix), np.nan)
    np.divide(found, there, out=recall, where=there > 0)
    return recall


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """The mean F1 of the classes that have rows; nan when none has."""
    found, there, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    present = there > 0
    if not present.any():
        return float("nan")
    return float(np.mean(2 * found[present] / (there + said)[present]))


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], *, bins: int = 15
) -> float:
    """Mean |confidence - accuracy| over equal bins of confidence, weighted by rows; 0..1.

    `probabilities` is (n, classes). A bin holds its upper edge. Source: Guo et al. 2017.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def negative_log_likelihood(
    logits: NDArray[np.floating], labels: NDArray[np.int64], temperature: float
) -> float:
    """Mean -log p(label) of softmax(logits / temperature), in nats. `logits` is (n, classes)."""
    scaled = logits.astype(np.float64) / temperature
    top = scaled.max(axis=1)
    total = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
    return float(np.mean(total - scaled[np.arange(len(labels)), labels]))


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """The temperature in 0.05..20 under which the labels are likeliest, to 4 digits."""
    shrink = (sqrt(5) - 1) / 2  # golden section: the loss has one minimum in 1 / temperature
    low, high = log(0.05), log(20)
    while high - low > 1e-5:
        left, right = high - shrink * (high - low), low + shrink * (high - low)
        if negative_log_likelihood(logits, labels, exp(left)) < negative_log_likelihood(
            logits, labels, exp(right)
        ):
            high = right
        else:
            low = left
    return exp((low + high) / 2)


def wilson_interval(successes: int, n: int, *, z: float = Z_95) -> tuple[float, float]:
    """Where the true share lies, 0..1, at 95 % by default; (0, 1) without rows.

    Source: Wilson 1927, without correction for continuity.
    """
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    middle = share + z * z / (2 * n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
