import numpy as np
from numpy.typing import NDArray

from predictions.training.augment import augment, shrink


def some_faces() -> NDArray[np.uint8]:
    ramp = np.linspace(0, 255, 96).astype(np.uint8)
    return np.stack([np.tile(ramp, (96, 1)), np.tile(ramp[:, None], (1, 96))] * 20)


def test_distorted_faces_are_gray_bytes_at_the_size_of_the_trunk() -> None:
    seen = augment(some_faces(), np.random.default_rng(1))
    assert seen.shape == (40, 48, 48)
    assert seen.dtype == np.uint8


def test_one_seed_draws_the_same_faces_and_another_seed_others() -> None:
    faces = some_faces()
    first, again, other = (augment(faces, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_distortion_leaves_the_given_faces_as_they_were() -> None:
    faces = some_faces()
    augment(faces, np.random.default_rng(1))
    assert np.array_equal(faces, some_faces())


def test_distortion_stays_near_the_face_it_came_from() -> None:
    faces = some_faces()
    near = np.abs(augment(faces, np.random.default_rng(1)).astype(int) - shrink(faces)).mean()
    assert 5 < near < 70


def test_shrinking_takes_the_mean_of_four_pixels() -> None:
    face = np.zeros((1, 96, 96), np.uint8)
    face[0, :2, :2] = [[10, 20], [30, 40]]
    assert shrink(face)[0, 0, 0] == 25
    assert shrink(face).sum() == 25
