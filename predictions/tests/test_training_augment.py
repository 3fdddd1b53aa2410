import numpy as np
from numpy.typing import NDArray

from predictions.training.augment import augment, mix, shrink


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


def test_plain_faces_are_mirrored_at_most() -> None:
    faces = some_faces()
    seen, small = augment(faces, np.random.default_rng(1), plain=1.0), shrink(faces)
    for image, face in zip(seen, small, strict=True):
        assert np.array_equal(image, face) or np.array_equal(image, face[:, ::-1])


def test_mixing_faces_mixes_their_targets_in_the_same_shares() -> None:
    black_and_white = np.repeat(np.array([0, 255] * 20, np.uint8)[:, None, None], 48, axis=1)
    images = np.repeat(black_and_white, 48, axis=2)
    targets = np.tile(np.eye(2, 7, dtype=np.float32), (20, 1))
    for shares in ({"blend": 1.0, "patch": 0.0}, {"blend": 0.0, "patch": 1.0}):
        mixed, shared = mix(images, targets, np.random.default_rng(4), **shares)
        assert np.abs(mixed.mean(axis=(1, 2)) / 255 - shared[:, 1]).max() < 0.01
        assert 0 < shared[:, 1].mean() < 1
        assert len(np.unique(shared[:, 1].round(3))) > 2
    untouched, same = mix(images, targets, np.random.default_rng(4), blend=0, patch=0)
    assert untouched is images
    assert same is targets
