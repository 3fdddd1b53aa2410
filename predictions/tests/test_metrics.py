from math import isnan, log

import numpy as np
import pytest

from predictions.core.metrics import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    fit_temperature,
    macro_f1,
    macro_f1_interval,
    negative_log_likelihood,
    recall_per_class,
    top_accuracy,
    wilson_interval,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2])
ANSWERS = np.array([0, 0, 1, 1, 2, 2])
MATRIX = np.array([[2, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]])


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert accuracy(TRUTH, ANSWERS) == pytest.approx(4 / 6)
    assert isnan(accuracy(np.array([], np.int64), np.array([], np.int64)))


def test_the_confusion_matrix_has_the_truth_in_rows() -> None:
    assert confusion_matrix(TRUTH, ANSWERS, classes=4).tolist() == MATRIX.tolist()


def test_recall_of_a_class_without_rows_is_not_a_number() -> None:
    recall = recall_per_class(MATRIX)
    assert recall[:3] == pytest.approx([2 / 3, 1 / 2, 1])
    assert isnan(recall[3])


def test_macro_f1_leaves_out_a_class_without_rows() -> None:
    # F1 = 2 * found / (there + said): 4/5, 2/4 and 2/3
    assert macro_f1(MATRIX) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert isnan(macro_f1(np.zeros((3, 3), np.int64)))


def test_calibration_error_weighs_the_gap_of_each_bin_by_its_rows() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.4, 0.6]])
    labels = np.array([0, 0, 0, 1])
    # One bin has three rows of confidence 0.9 and two right; another one row, 0.6, right.
    expected = 3 / 4 * abs(0.9 - 2 / 3) + 1 / 4 * abs(0.6 - 1)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected)


def test_certainty_that_is_always_right_has_no_calibration_error() -> None:
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0


def test_the_likelihood_of_even_logits_is_that_of_a_guess() -> None:
    even = np.zeros((5, 7))
    assert negative_log_likelihood(even, np.arange(5), 1.0) == pytest.approx(log(7))


def test_the_fitted_temperature_turns_confidence_into_the_share_of_right_answers() -> None:
    # Three of four answers are right, so p = 3/4 = 1 / (1 + exp(-4 / T)): T = 4 / log 3.
    logits, labels = np.array([[4.0, 0.0]] * 4), np.array([0, 0, 0, 1])
    assert fit_temperature(logits, labels) == pytest.approx(4 / log(3), rel=1e-4)


def test_the_wilson_interval_agrees_with_the_published_one() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_macro_f1_counts_only_the_classes_it_is_told() -> None:
    assert macro_f1(MATRIX, among=[0, 2]) == pytest.approx((0.8 + 2 / 3) / 2)


def test_the_interval_of_macro_f1_holds_it_and_narrows_with_more_rows() -> None:
    few, many = (macro_f1_interval(MATRIX * times, among=[0, 1, 2]) for times in (3, 300))
    for low, high in (few, many):
        assert low < macro_f1(MATRIX) < high
    assert many[1] - many[0] < (few[1] - few[0]) / 5
    assert macro_f1_interval(MATRIX, among=[]) == (0, 1)


def test_answers_without_a_fault_have_an_interval_of_one_point() -> None:
    assert macro_f1_interval(np.diag([30, 40]), among=[0, 1]) == (1, 1)


def test_a_label_among_the_likeliest_answers_counts() -> None:
    scores = np.array([[0.5, 0.3, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    assert top_accuracy(scores, np.array([1, 3, 3]), 2) == pytest.approx(2 / 3)
    assert top_accuracy(scores, np.array([1, 3, 3]), 1) == pytest.approx(1 / 3)
