"""Scores of a classifier, from its answers and the truth alone."""

from collections.abc import Sequence
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964  # the normal quantile of 0.975
BINS = 15  # of confidence
DRAWS = 1000  # of a bootstrap


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


def top_accuracy(scores: NDArray[np.floating], labels: NDArray[np.int64], most: int) -> float:
    """The share of rows whose label is among the `most` highest of its (n, classes) `scores`."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :most]
    return float(np.mean((best == labels[:, None]).any(axis=1))) if len(labels) else float("nan")


def macro_f1(matrix: NDArray[np.int64], *, among: Sequence[int] | None = None) -> float:
    """The mean F1 of the classes numbered `among`, by default of those that have rows; nan
    when there are none."""
    rows = np.flatnonzero(matrix.sum(axis=1) > 0) if among is None else np.asarray(among, np.intp)
    return float(_macro_f1(matrix[None], rows)[0]) if len(rows) else float("nan")


def macro_f1_interval(
    matrix: NDArray[np.int64], *, among: Sequence[int], draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Where macro-F1 lies at 95 %: percentiles of a bootstrap over rows; (0, 1) without rows.

    To draw n rows anew is to draw n cells of the confusion matrix.
    """
    n = int(matrix.sum())
    if not n or not len(among):
        return 0.0, 1.0
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, matrix.ravel() / n, draws).reshape(draws, *matrix.shape)
    low, high = np.percentile(_macro_f1(drawn, np.asarray(among, np.intp)), [2.5, 97.5])
    return float(low), float(high)


def _macro_f1(matrices: NDArray[np.int64], among: NDArray[np.intp]) -> NDArray[np.float64]:
    """(draws, classes, classes) to (draws,); a class that a draw lacks on both sides counts 0."""
    found = np.diagonal(matrices, axis1=1, axis2=2)[:, among]
    both = (matrices.sum(axis=1) + matrices.sum(axis=2))[:, among]
    scores = np.zeros(found.shape)
    np.divide(2 * found, both, out=scores, where=both > 0)
    return np.asarray(scores.mean(axis=1), np.float64)


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], *, bins: int = BINS
) -> float:
    """Mean |confidence - accuracy| over equal bins of confidence, weighted by rows; 0..1.

    `probabilities` is (n, classes). A bin holds its upper edge. Source: Guo et al. 2017.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    gaps = np.bincount(bin_of(confidence, bins=bins), confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def bin_of(confidence: NDArray[np.floating], *, bins: int = BINS) -> NDArray[np.int64]:
    """(n,) confidences to the numbers of their bins; a bin holds its upper edge."""
    upper = np.ceil(confidence.astype(np.float64) * bins).astype(np.int64)
    return np.asarray(np.clip(upper - 1, 0, bins - 1), np.int64)


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
