import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.corruptions import CORRUPTIONS, add_noise, blur, cover, darken, pack, turn


def crops(n: int = 3, side: int = 96) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name)
def test_each_changes_the_crops_and_neither_their_shape_nor_the_originals(corruption) -> None:  # type: ignore[no-untyped-def]
    given = crops()
    changed = corruption.apply(given)
    assert (changed.shape, changed.dtype) == (given.shape, np.uint8)
    assert not np.array_equal(changed, given)
    assert np.array_equal(given, crops())
    assert np.array_equal(changed, corruption.apply(crops()))


def test_names_are_told_apart() -> None:
    assert len({one.name for one in CORRUPTIONS}) == len(CORRUPTIONS)


def test_darkness_leaves_three_tenths_of_the_light() -> None:
    assert (darken(np.full((1, 4, 4, 3), 200, np.uint8)) == 60).all()


def test_a_flat_crop_survives_blur_jpeg_and_turning() -> None:
    flat = np.full((1, 96, 96, 3), 90, np.uint8)
    for change in (blur, pack, lambda c: turn(c, degrees=20)):
        assert np.abs(change(flat).astype(int) - 90).max() <= 1


def test_a_turn_to_the_left_lifts_the_right_side() -> None:
    line = np.zeros((1, 97, 97, 3), np.uint8)
    line[0, 47:50, 85] = 255
    rows = np.flatnonzero(turn(line, degrees=20)[0].max(axis=(1, 2)))
    # 37 pixels right of the middle rise by 37 sin 20° = 12.7
    assert rows.mean() == pytest.approx(48 - 12.7, abs=0.7)


def test_the_band_covers_its_rows_alone() -> None:
    covered = cover(np.zeros((1, 100, 100, 3), np.uint8), middle=0.5)
    assert np.flatnonzero(covered[0, :, 0, 0]).tolist() == list(range(35, 65))


def test_noise_is_gray() -> None:
    noise = add_noise(np.full((2, 40, 40, 3), 128, np.uint8)).astype(int) - 128
    assert (noise[..., 0] == noise[..., 2]).all()
    assert noise.std() == pytest.approx(20, rel=0.1)
