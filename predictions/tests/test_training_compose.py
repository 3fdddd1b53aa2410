import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.face import Box
from predictions.core.images import STANDARD, decode
from predictions.core.reading import Request, make_detectors, prepare
from predictions.tests.pictures import COLLINS, HOPPER
from predictions.training.compose import (
    HEIGHT,
    WIDTH,
    best_margin,
    compose,
    draw_rows,
    find_again,
    margin_table,
)
from predictions.training.evaluate import Subset


@pytest.fixture(scope="module")
def faces() -> NDArray[np.uint8]:
    """Two real faces and a wall."""
    crops = [
        prepare(Request(path.read_bytes(), 0.0), make_detectors(), margin=0.02, limits=STANDARD)
        for path in (COLLINS, HOPPER)
    ]
    wall = np.full((96, 96, 3), 120, np.uint8)
    return np.stack([crops[0].crops[0], crops[1].crops[0], wall])


def test_a_picture_holds_the_crop_where_it_says(faces: NDArray[np.uint8]) -> None:
    for seed in range(5):
        composed = compose(faces[0], np.random.default_rng(seed))
        picture, box = decode(composed.file), composed.box
        assert (picture.width, picture.height) == (WIDTH, HEIGHT)
        inside = picture.pixels[box.y : box.y + box.height, box.x : box.x + box.width]
        assert inside.shape == (box.height, box.width, 3)
        assert inside.mean() == pytest.approx(faces[0].mean(), abs=2)


def test_pictures_hang_on_the_seed_alone(faces: NDArray[np.uint8]) -> None:
    one, again, other = (compose(faces[0], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_faces_are_found_again_and_cut_as_the_server_does(faces: NDArray[np.uint8]) -> None:
    found = find_again(faces, np.arange(3), margins=(0.0, 0.1), seed=3)
    assert found.there.tolist() == [True, True, False]
    composed = compose(faces[0], np.random.default_rng(3))
    served = prepare(Request(composed.file, 0.0), make_detectors(), margin=0.1, limits=STANDARD)
    assert np.array_equal(found.crops[0.1][0], served.crops[0])
    assert found.crops[0.0].shape == (2, 96, 96, 3)


def test_accuracy_by_margin_is_that_of_the_faces_found(faces: NDArray[np.uint8]) -> None:
    def read(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class 1 for the tighter crops, which it is told by nothing but their number."""
        return np.eye(2, dtype=np.float32)[np.arange(len(images)) % 2]

    found = find_again(faces, np.arange(3), margins=(0.0, 0.1))
    subset = Subset("all", "", np.ones(3, np.bool_))
    table = margin_table(read, faces, np.array([0, 0, 1]), found, [subset])
    assert [one["margin"] for one in table] == [0.0, 0.1]
    assert table[0]["found"] == pytest.approx(2 / 3, abs=1e-6)
    assert table[0]["accuracy"] == 0.5
    assert table[0]["by_set"]["all"] == {"found": table[0]["found"], "accuracy": 0.5}
    assert best_margin(table) == 0.0


def test_rows_are_drawn_by_class_and_once() -> None:
    labels = np.array([0] * 80 + [1] * 20)
    some = Subset("some", "", np.arange(100) < 90)
    every = Subset("every", "", np.ones(100, np.bool_))
    rows = draw_rows(labels, [some], most=9)
    assert np.bincount(labels[rows]).tolist() == [8, 1]
    assert len(draw_rows(labels, [some, every], most=100)) == 100


def test_the_box_of_the_crop_is_square(faces: NDArray[np.uint8]) -> None:
    box = compose(faces[1], np.random.default_rng(0)).box
    assert isinstance(box, Box)
    assert box.width == box.height
