"""Weights that make up for each other's rounding."""

import numpy as np

from fpga_export.core.feedback import Seen, rounded_weights, seen, shifted_mean
from fpga_export.core.integer_run import to_codes
from fpga_export.core.ir import Format, Window

FOUR = Format(4, 0)


def neighbours(seed: int = 0) -> Seen:
    """Nine inputs that say nearly the same, as the pixels of a window do."""
    rng = np.random.default_rng(seed)
    common = rng.normal(40, 20, (2000, 1))
    codes = np.rint(common + rng.normal(0, 2, (2000, 9)))
    return Seen(codes, codes)


def test_sums_lose_far_less_than_where_each_weight_is_rounded_by_itself() -> None:
    found = neighbours()
    weights = np.random.default_rng(1).uniform(-7, 7, (9, 20))
    fed, plain = rounded_weights(weights, found, FOUR), to_codes(weights, FOUR)
    apart = found.codes - found.codes.mean(axis=0)
    lost = [float(np.square(apart @ (one - weights)).mean()) for one in (fed, plain)]
    assert lost[0] < lost[1] / 10


def test_two_inputs_that_say_the_same_share_out_a_rounding() -> None:
    """0.4 and 0.4 become 0 and 1, or 1 and 0: their sum is 0.8, and no rounding alone gives it."""
    same = np.random.default_rng(0).integers(0, 100, (500, 1)).astype(np.float64)
    found = Seen(np.hstack([same, same]), np.hstack([same, same]))
    codes = rounded_weights(np.array([[0.4], [0.4]]), found, FOUR)
    assert codes.sum() == 1


def test_inputs_that_have_nothing_in_common_are_rounded_to_the_nearest() -> None:
    rows = np.vstack([np.eye(4) * 8, -np.eye(4) * 8])
    weights = np.array([[0.4], [-1.6], [2.5], [9.0]])
    codes = rounded_weights(weights, Seen(rows, rows), FOUR)
    assert codes.ravel().tolist() == [0, -2, 3, 7]


def test_codes_stay_within_the_format() -> None:
    codes = rounded_weights(np.full((9, 3), 7.4), neighbours(), FOUR)
    assert codes.max() <= 7
    assert codes.min() >= -8


def test_inputs_that_never_say_anything_leave_the_weights_alone() -> None:
    nothing = Seen(np.zeros((10, 3)), np.zeros((10, 3)))
    assert rounded_weights(np.array([[1.2], [2.7], [-3.1]]), nothing, FOUR).ravel().tolist() == [
        1,
        3,
        -3,
    ]


def test_the_bias_is_told_what_the_mean_sum_lacks() -> None:
    """Weights 0.25 became 0: over inputs of 8 in the mean, each sum lacks 2."""
    found = Seen(np.full((5, 1), 8.0), np.full((5, 1), 8.0))
    assert shifted_mean(np.array([[0.25]]), np.array([[0]]), found).tolist() == [2.0]


def test_a_depthwise_layer_reads_each_channel_alone() -> None:
    codes = np.arange(2 * 3 * 3 * 2).reshape(2, 3, 3, 2)
    form = Format(8, 1)
    found = seen(codes, codes / 2, form, Window((2, 2)), (2, 2, 2), depthwise=True)
    assert found.codes.shape == (2, 8, 4)
    assert sorted(found.codes[1][:, 0].tolist()) == [1, 3, 7, 9, 19, 21, 25, 27]
    np.testing.assert_array_equal(found.codes, found.exact)
