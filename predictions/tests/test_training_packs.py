from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from predictions.core.labels import EMOTIONS, emotion_id
from predictions.training.letters.packs import read_hands
from predictions.training.packs import PackError, one_hot, read_split, vote_targets

HAPPY, NEUTRAL, SAD = (EMOTIONS.index(name) for name in ("happy", "neutral", "sad"))


def a_face(shade: int, side: int) -> np.ndarray:
    """A (side, side) gray picture whose right half is lighter."""
    face = np.full((side, side), shade, np.uint8)
    face[:, side // 2 :] += 40
    return face


def write_packs(folder: Path, *, train: int = 14, val: int = 14) -> Path:
    """Both packs, with faces of every emotion in turn and eight clear votes each."""
    order = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
    for name, side in (("ferplus", 48), ("muxspace", 96)):
        labels = [EMOTIONS[i % 7] for i in range(train + val)]
        jpegs = [
            cv2.imencode(".jpg", a_face(20 + 25 * EMOTIONS.index(label), side))[1].ravel()
            for label in labels
        ]
        columns: dict[str, Any] = {
            "data": np.concatenate(jpegs),
            "offsets": np.cumsum([0, *(len(jpeg) for jpeg in jpegs)]),
            "label": np.array([label.encode() for label in labels]),
            "split": np.array([b"train"] * train + [b"val"] * val),
        }
        if name == "ferplus":
            votes = [" ".join("8" if o == label else "0" for o in order) for label in labels]
            columns["votes"] = np.array([f"{row} 1 1 0".encode() for row in votes])
            columns["strict"] = np.array([b"1", b"0"] * ((train + val) // 2))
        np.savez(folder / f"emotions_{name}.npz", **columns)
    return folder


def test_ids_count_from_one_in_the_fixed_order() -> None:
    assert [emotion_id(emotion) for emotion in EMOTIONS] == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(ValueError, match="not in tuple"):
        emotion_id("contempt")


def test_both_packs_become_gray_faces_of_one_size(tmp_path: Path) -> None:
    faces = read_split(write_packs(tmp_path, train=14), "train")
    assert faces.images.shape == (28, 96, 96)
    assert faces.press.tolist() == [False] * 14 + [True] * 14
    assert faces.strict.tolist() == [True, False] * 7 + [True] * 14
    assert faces.labels.tolist() == [0, 1, 2, 3, 4, 5, 6] * 4
    assert abs(int(faces.images[3, 10, 10]) - 95) <= 2  # 20 + 25 * 3, but for the JPEG
    assert faces.targets[3].tolist() == one_hot(np.array([HAPPY]))[0].tolist()


def test_a_split_holds_its_own_rows_alone(tmp_path: Path) -> None:
    folder = write_packs(tmp_path, train=14, val=6)
    assert len(read_split(folder, "val")) == 12


def test_a_missing_pack_and_a_strange_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no emotions_ferplus\.npz or .* in "):
        read_split(tmp_path, "train")
    strange: dict[str, Any] = {"data": np.zeros(1, np.uint8), "offsets": [0, 1], "split": [b"val"]}
    np.savez(tmp_path / "emotions_ferplus.npz", **strange)
    with pytest.raises(PackError, match="lacks"):
        read_split(tmp_path, "val")
    np.savez(tmp_path / "emotions_ferplus.npz", label=np.array([b"bored"]), **strange)
    with pytest.raises(PackError, match="bored"):
        read_split(tmp_path, "val")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 and no more", b"no archive"])
def test_a_damaged_pack_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "emotions_ferplus.npz").write_bytes(content)
    with pytest.raises(PackError, match=r"emotions_ferplus\.npz is no pack"):
        read_split(tmp_path, "val")
    (tmp_path / "asl.npz").write_bytes(content)
    with pytest.raises(PackError, match=r"asl\.npz is no pack"):
        read_hands(tmp_path, "val")


def test_a_target_is_the_share_of_votes_without_single_ones() -> None:
    # neutral happy surprise sad angry disgust fear | contempt unknown not-a-face
    votes = np.array([[3, 0, 0, 5, 1, 0, 0, 1, 0, 0]])
    targets, teaches = vote_targets(votes, np.array([SAD]))
    assert teaches.tolist() == [True]
    expected = np.zeros(7)
    expected[NEUTRAL], expected[SAD] = 3 / 8, 5 / 8
    assert targets[0] == pytest.approx(expected)


def test_a_face_that_most_call_no_emotion_does_not_teach() -> None:
    votes = np.array([[2, 2, 0, 0, 0, 0, 0, 3, 2, 1], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]])
    targets, teaches = vote_targets(votes, np.array([HAPPY, SAD]))
    assert teaches.tolist() == [False, False]
    assert targets[1].tolist() == one_hot(np.array([SAD]))[0].tolist()


def test_smoothing_keeps_the_sum_of_a_target_at_one() -> None:
    target = one_hot(np.array([HAPPY]), smoothing=0.07)[0]
    assert target[HAPPY] == pytest.approx(0.94)
    assert target[SAD] == pytest.approx(0.01)
    assert target.sum() == pytest.approx(1)
