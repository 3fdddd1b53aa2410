import numpy as np
import pytest

from predictions.core.smoothing import Smoother, settle

HAPPY = np.array([0, 0, 0, 1, 0, 0, 0], np.float32)
SAD = np.array([0, 0, 0, 0, 0, 1, 0], np.float32)


def test_the_first_frame_is_taken_as_it_is() -> None:
    assert Smoother().smooth(1, HAPPY, at=5.0).tolist() == HAPPY.tolist()


def test_after_one_half_life_the_older_frame_weighs_half() -> None:
    smoother = Smoother(half_life_s=0.25)
    smoother.smooth(1, HAPPY, at=0)
    after = smoother.smooth(1, SAD, at=0.25)
    assert after[3] == pytest.approx(0.5)
    assert after[5] == pytest.approx(0.5)
    assert smoother.smooth(1, SAD, at=0.5)[3] == pytest.approx(0.25)


def test_smoothing_does_not_depend_on_the_frame_rate() -> None:
    slow, fast = Smoother(), Smoother()
    slow.smooth(1, HAPPY, at=0)
    fast.smooth(1, HAPPY, at=0)
    for step in range(1, 11):
        after = fast.smooth(1, SAD, at=step * 0.05)
    assert after[3] == pytest.approx(slow.smooth(1, SAD, at=0.5)[3], abs=1e-6)


def test_faces_are_kept_apart_and_forgotten() -> None:
    smoother = Smoother(forget_s=1.5)
    smoother.smooth(1, HAPPY, at=0)
    assert smoother.smooth(2, SAD, at=0.1).tolist() == SAD.tolist()
    assert smoother.smooth(1, SAD, at=1.7).tolist() == SAD.tolist()


def test_the_sum_stays_one_and_a_clock_that_stands_is_no_harm() -> None:
    smoother = Smoother()
    smoother.smooth(1, HAPPY, at=3)
    assert smoother.smooth(1, SAD, at=3).sum() == pytest.approx(1)


def test_below_the_threshold_there_is_no_name() -> None:
    unsure = np.array([0.3, 0.1, 0.1, 0.35, 0.05, 0.05, 0.05], np.float32)
    assert settle(unsure) == 3
    assert settle(unsure, threshold=0.35) == 3
    assert settle(unsure, threshold=0.36) is None


def test_a_tie_goes_to_the_first_class() -> None:
    assert settle(np.full(7, 1 / 7, np.float32)) == 0
