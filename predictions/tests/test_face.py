from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from predictions.core.face import (
    MOST_FACES,
    Box,
    Detector,
    FaceTrack,
    TrackedFace,
    crop,
    is_face_crop,
    pixels_needed,
    whole,
)
from predictions.core.images import Pixels, decode
from predictions.core.reading import PHOTO_SIDE, STREAM_SIDE
from predictions.tests.pictures import COLLINS, FACES, HOPPER, four_corners

PORTRAITS = {path: decode(path.read_bytes()).pixels for path in FACES}


@pytest.fixture(scope="module", params=[PHOTO_SIDE, STREAM_SIDE])
def detector(request: pytest.FixtureRequest) -> Detector:
    return Detector(side=request.param)


def enlarged(by: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.asarray(cv2.resize(pixels, None, fx=by, fy=by), np.uint8)


def brightened(gamma: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: (255 * (pixels / 255.0) ** gamma).astype(np.uint8)


@pytest.mark.parametrize("path", [COLLINS, HOPPER], ids=["collins", "hopper"])
@pytest.mark.parametrize(
    ("change", "scale"),
    [
        (lambda pixels: pixels, 1.0),
        (enlarged(0.5), 0.5),
        (enlarged(1.5), 1.5),
        (enlarged(2.5), 2.5),
        (brightened(0.7), 1.0),
        (brightened(1.5), 1.0),
        (brightened(2.5), 1.0),
    ],
    ids=["same", "half", "larger", "large", "bright", "dim", "dark"],
)
def test_a_portrait_has_one_face_where_a_person_sees_it(
    detector: Detector, path: Path, change: Callable[[Pixels], Pixels], scale: float
) -> None:
    (found,) = detector.faces(change(PORTRAITS[path]))
    assert found.overlap(FACES[path].scaled(scale)) > 0.6


@pytest.mark.parametrize("path", [COLLINS, HOPPER], ids=["collins", "hopper"])
def test_a_mirrored_portrait_has_its_face_mirrored(detector: Detector, path: Path) -> None:
    pixels = PORTRAITS[path]
    (found,) = detector.faces(np.ascontiguousarray(pixels[:, ::-1]))
    left = pixels.shape[1] - found.x - found.width
    assert Box(left, found.y, found.width, found.height).overlap(FACES[path]) > 0.6


def test_nine_faces_give_the_largest_eight_in_order() -> None:
    box = FACES[HOPPER]
    face = PORTRAITS[HOPPER][
        box.y - 60 : box.y + box.height + 60, box.x - 60 : box.x + box.width + 60
    ]
    canvas = np.full((900, 900, 3), 120, np.uint8)
    for place in range(9):
        side = 280 - 12 * place
        y, x = divmod(place, 3)
        canvas[y * 300 : y * 300 + side, x * 300 : x * 300 + side] = cv2.resize(face, (side, side))
    found = Detector(side=480).faces(canvas)
    assert len(found) == MOST_FACES
    assert found == sorted(found, key=lambda box: -box.area)
    assert found == Detector(side=480).faces(canvas)


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (1, 5000), (5000, 3), (15, 15)])
def test_an_empty_wall_of_any_shape_has_no_face(detector: Detector, shape: tuple[int, int]) -> None:
    assert detector.faces(np.full((*shape, 3), 127, np.uint8)) == []


def test_a_crop_is_the_square_resized() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[50:146, 100:196] = 200
    face = crop(pixels, Box(100, 50, 96, 96), margin=0)
    assert face.shape == (96, 96, 3)
    assert face.dtype == np.uint8
    assert (face == 200).all()


def test_the_margin_widens_and_tightens() -> None:
    pixels = np.zeros((400, 400, 3), np.uint8)
    pixels[152:248, 152:248] = 200
    box = Box(152, 152, 96, 96)
    wide = crop(pixels, box, margin=0.5)  # 192 pixels: the white square is the middle half
    assert (wide[26:70, 26:70] == 200).all()
    assert (wide[:22] == 0).all()
    assert (crop(pixels, box, margin=-0.25) == 200).all()


def test_a_box_over_the_edge_repeats_the_edge_and_keeps_the_face_in_place() -> None:
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[:, :48] = 90
    face = crop(pixels, Box(-48, 20, 96, 96), margin=0)
    assert (face[:, :96] == 90).all()
    face = crop(pixels, Box(0, 20, 96, 96), margin=0)
    assert (face[:, :46] == 90).all()
    assert (face[:, 50:] == 0).all()


def test_a_long_picture_as_one_face_is_padded_to_a_square() -> None:
    pixels = four_corners(64, 32)
    face = crop(pixels, whole((64, 32)), margin=0)
    assert face[0, 0].tolist() == [255, 0, 0]
    assert face[95, 95].tolist() == [255, 255, 255]


@pytest.mark.parametrize("shape", [(1, 1), (1, 60_000), (60_000, 1), (96, 96), (95, 97)])
def test_any_picture_can_be_a_face(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 7, np.uint8)
    assert (crop(pixels, whole((shape[1], shape[0])), margin=0) == 7).all()


def test_a_box_beside_the_picture_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="beside"):
        crop(np.zeros((50, 50, 3), np.uint8), Box(60, 0, 10, 10), margin=0)


def test_a_small_picture_is_a_face_crop() -> None:
    assert is_face_crop((96, 96))
    assert is_face_crop((48, 48))
    assert not is_face_crop((97, 20))


def test_overlap_is_intersection_over_union() -> None:
    assert Box(0, 0, 10, 10).overlap(Box(5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert Box(0, 0, 10, 10).overlap(Box(20, 0, 10, 10)) == 0


SIZE = (640, 480)
LEFT, RIGHT = Box(100, 100, 100, 100), Box(400, 100, 90, 90)


def test_boxes_serve_every_fifth_frame() -> None:
    track = FaceTrack(every=5)
    detected = []
    for frame in range(12):
        at = frame * 0.01
        if track.recall(SIZE, at=at) is None:
            track.learn([LEFT], SIZE, at=at)
            detected.append(frame)
    assert detected == [0, 5, 10]


def test_old_boxes_and_boxes_of_another_size_are_not_used() -> None:
    track = FaceTrack(every=100, longest_s=0.5)
    assert track.recall(SIZE, at=0) is None
    learned = track.learn([LEFT], SIZE, at=0)
    assert track.recall(SIZE, at=0.5) == learned
    assert track.recall(SIZE, at=0.51) is None
    assert track.recall((480, 640), at=0.1) is None


def test_no_face_is_remembered_too() -> None:
    track = FaceTrack()
    track.learn([], SIZE, at=0)
    assert track.recall(SIZE, at=0.1) == ()


def test_a_face_keeps_its_number_while_it_moves_and_others_come_and_go() -> None:
    track = FaceTrack()
    first = track.learn([LEFT, RIGHT], SIZE, at=0)
    assert [face.number for face in first] == [1, 2]
    moved = Box(140, 110, 100, 100)
    second = track.learn([RIGHT, moved], SIZE, at=1)
    assert second == (TrackedFace(2, RIGHT), TrackedFace(1, moved))
    third = track.learn([moved, Box(10, 300, 80, 80)], SIZE, at=2)
    assert [face.number for face in third] == [1, 3]


def test_a_box_that_trembles_is_damped() -> None:
    track = FaceTrack()
    track.learn([LEFT], SIZE, at=0)
    (face,) = track.learn([Box(104, 104, 104, 104)], SIZE, at=1)
    assert face.box == Box(102, 102, 102, 102)


def test_the_pixels_needed_make_the_smallest_face_fill_the_input() -> None:
    faces = [TrackedFace(1, Box(0, 0, 320, 320)), TrackedFace(2, Box(400, 0, 192, 190))]
    assert pixels_needed(faces, (640, 480), margin=0) == 320
    assert pixels_needed(faces, (640, 480), margin=-0.25) == 640
    assert pixels_needed([], (640, 480), margin=0) == 1
