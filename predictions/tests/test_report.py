import json

import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.report import coverage, find_set, reliability, score

CLASSES = ("a", "b", "c", "d")
PROBABILITIES = np.array(
    [[0.9, 0.1, 0, 0], [0.6, 0.2, 0.1, 0.1], [0.2, 0.7, 0.1, 0], [0.0, 0.5, 0.3, 0.2]]
)
LABELS = np.array([0, 1, 1, 2])  # right, wrong, right, wrong


def logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(probabilities, 1e-9)))


def test_a_set_is_scored_as_by_hand() -> None:
    scores = score("mine", logits(PROBABILITIES), LABELS, title="My rows", classes=CLASSES)
    assert (scores["name"], scores["title"], scores["n"]) == ("mine", "My rows", 4)
    assert scores["accuracy"] == 0.5
    assert scores["confusion"] == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    # No class has ten rows, so all with rows count: F1 2/3, 1/2 and 0.
    assert scores["macro_f1_classes"] == ["a", "b", "c"]
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3, abs=1e-6)
    assert scores["top3"] == 1
    assert scores["per_class"]["b"]["recall"] == 0.5
    assert scores["per_class"]["b"]["precision"] == 0.5
    assert scores["per_class"]["d"] == {
        "n": 0,
        "precision": None,
        "recall": None,
        "recall_interval": None,
        "f1": None,
    }


def test_macro_f1_counts_the_classes_with_ten_rows() -> None:
    labels = np.repeat([0, 1, 2], [10, 12, 9])
    scores = score("s", logits(np.eye(4)[labels]), labels, title="", classes=CLASSES)
    assert scores["macro_f1_classes"] == ["a", "b"]
    assert scores["macro_f1_interval"] == (1, 1)


def test_the_temperature_changes_calibration_but_no_answer() -> None:
    rows = logits(PROBABILITIES)
    cold = score("s", rows, LABELS, title="", classes=CLASSES)
    hot = score("s", rows, LABELS, title="", classes=CLASSES, temperature=5)
    assert cold["confusion"] == hot["confusion"]
    assert cold["calibration"]["ece_before"] == hot["calibration"]["ece_before"]
    assert cold["calibration"]["ece"] == cold["calibration"]["ece_before"]
    assert hot["calibration"]["ece"] != cold["calibration"]["ece"]


def test_reliability_bins_hold_every_row_once() -> None:
    bins = reliability(PROBABILITIES, LABELS, bins=4)
    assert [one["n"] for one in bins] == [0, 1, 2, 1]
    assert (bins[0]["confidence"], bins[0]["accuracy"]) == (None, None)
    assert bins[2]["confidence"] == pytest.approx(0.65)
    assert bins[2]["accuracy"] == 0.5


def test_coverage_is_the_accuracy_of_the_most_confident() -> None:
    half, whole = coverage(PROBABILITIES, LABELS, shares=(0.5, 1))
    assert half == {"share": 0.5, "accuracy": 1, "threshold": 0.7}
    assert whole == {"share": 1, "accuracy": 0.5, "threshold": 0.5}


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        score("none", np.zeros((0, 4)), np.zeros(0, np.int64), title="", classes=CLASSES)


def test_a_report_is_plain_json_and_its_sets_are_found_by_name() -> None:
    scores = score("mine", logits(PROBABILITIES), LABELS, title="", classes=CLASSES)
    report = {"classes": list(CLASSES), "sets": [scores]}
    assert json.loads(json.dumps(report, allow_nan=False))["sets"][0]["n"] == 4
    assert find_set(report, "mine") == scores  # type: ignore[arg-type]
    assert find_set(report, "other") is None  # type: ignore[arg-type]
