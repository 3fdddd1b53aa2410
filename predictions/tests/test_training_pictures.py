from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictions.core.labels import EMOTIONS
from predictions.tests.pictures import COLLINS, encoded
from predictions.tests.test_training_packs import a_face, write_packs
from predictions.training import pictures
from predictions.training.packs import read_split
from predictions.training.pictures import LETTERS, DataFault, Labelled, read_labelled, serve

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")


def write_folder(folder: Path, *, happy: int = 3, sad: int = 2) -> Path:
    for name, count in (("happy", happy), ("Sad", sad)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.jpg").write_bytes(encoded(a_face(60, 48)))
    return folder


def test_a_folder_for_each_class_is_read_whatever_its_case(tmp_path: Path) -> None:
    labelled = read_labelled(write_folder(tmp_path / "mine"), EMOTIONS)
    assert labelled.labels.tolist() == [SAD] * 2 + [HAPPY] * 3
    assert [one.name for one in labelled.subsets] == ["all"]
    assert labelled.subsets[0].rows.all()


def test_a_folder_of_packs_gives_the_sets_that_are_reported(tmp_path: Path) -> None:
    labelled = read_labelled(write_packs(tmp_path), EMOTIONS)
    assert [(one.name, int(one.rows.sum())) for one in labelled.subsets] == [
        ("strict", 7),
        ("every", 14),
        ("press", 14),
    ]
    alone = read_labelled(tmp_path / "emotions_muxspace.npz", EMOTIONS)
    assert len(alone.labels) == 14


def test_packs_of_other_classes_are_left_out_unless_one_is_named(tmp_path: Path) -> None:
    write_packs(tmp_path)
    columns: dict[str, Any] = {"data": np.zeros(1, np.uint8), "offsets": [0, 1]}
    np.savez(tmp_path / "asl.npz", label=np.array([b"A"]), split=[b"val"], **columns)
    assert len(read_labelled(tmp_path, EMOTIONS).labels) == 28
    assert [one.name for one in read_labelled(tmp_path, LETTERS).subsets] == ["validation"]
    with pytest.raises(DataFault, match=r"asl\.npz: the network has no class 'A'"):
        read_labelled(tmp_path / "asl.npz", EMOTIONS)


def test_what_cannot_be_judged_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="neither a folder nor a pack"):
        read_labelled(tmp_path / "gone", EMOTIONS)
    with pytest.raises(DataFault, match="nor a folder for each class"):
        read_labelled(tmp_path, EMOTIONS)
    folder = write_folder(tmp_path / "mine")
    (folder / "fear").mkdir()
    with pytest.raises(DataFault, match="the folder fear has no picture"):
        read_labelled(folder, EMOTIONS)
    (folder / "fear").rename(folder / "bored")
    with pytest.raises(DataFault, match="no class 'bored'; its classes are angry, disgust"):
        read_labelled(folder, EMOTIONS)
    (tmp_path / "notes.npz").write_text("no pack")
    with pytest.raises(DataFault, match=r"notes\.npz is no pack"):
        read_labelled(tmp_path / "notes.npz", EMOTIONS)
    np.savez(tmp_path / "half.npz", data=np.zeros(1, np.uint8))
    with pytest.raises(DataFault, match=r"half\.npz lacks label, offsets, split"):
        read_labelled(tmp_path / "half.npz", EMOTIONS)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"label": np.array([3, 5])}, "label must be 2 texts"),
        ({"split": [b"val"] * 3}, "split must be 2 texts"),
        ({"split": b"val"}, "split must be 2 texts"),
        ({"strict": [b"1"]}, "strict must be 2 texts"),
        ({"offsets": [0, 1]}, "offsets must be 3 whole numbers, for 2 pictures"),
        ({"offsets": [0.0, 1, 2]}, "offsets must be 3 whole numbers"),
        ({"offsets": [-1, 1, 2]}, "offsets must rise from 0 to at most 2"),
        ({"offsets": [0, 1, 3]}, "offsets must rise from 0 to at most 2"),
        ({"offsets": [0, 2, 1]}, "offsets must rise from 0 to at most 2"),
        ({"data": np.zeros(2)}, "data must be bytes"),
        ({"label": np.array([b"sad", {}], object)}, "no pack"),  # pickled
        ({"label": ["\xf1".encode("latin-1"), b"sad"]}, "the network has no class"),
    ],
)
def test_columns_that_do_not_fit_each_other_are_named(
    tmp_path: Path, column: dict[str, Any], words: str
) -> None:
    columns: dict[str, Any] = {"data": np.zeros(2, np.uint8), "offsets": [0, 1, 2]}
    columns |= {"label": [b"happy", b"sad"], "split": [b"val"] * 2} | column
    np.savez(tmp_path / "odd.npz", **columns)
    with pytest.raises(DataFault, match=words):
        read_labelled(tmp_path / "odd.npz", EMOTIONS)


def test_a_pack_may_hold_its_texts_as_numpy_writes_them(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"data": np.zeros(2, np.uint8), "offsets": [0, 1, 2]}
    np.savez(tmp_path / "own.npz", label=["happy", "sad"], split=["val", "val"], **columns)
    assert read_labelled(tmp_path / "own.npz", EMOTIONS).labels.tolist() == [HAPPY, SAD]


def test_a_damaged_pack_and_one_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_packs(tmp_path)
    whole = (tmp_path / "emotions_muxspace.npz").read_bytes()
    at = whole.index(b"NUMPY") + 200  # in the pictures
    damaged = {
        "empty": b"",
        "cut": whole[:-50],
        "changed": whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :],
    }
    np.save(tmp_path / "array.npy", np.zeros(3))
    damaged["array"] = (tmp_path / "array.npy").read_bytes()
    for name, content in damaged.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
        with pytest.raises(DataFault, match=f"{name}.npz is no pack"):
            read_labelled(tmp_path / f"{name}.npz", EMOTIONS)
    monkeypatch.setattr(pictures, "MOST_UNPACKED", 1000)
    with pytest.raises(DataFault, match="unpacks to more than 1,000 bytes"):
        read_labelled(tmp_path / "emotions_muxspace.npz", EMOTIONS)


def test_hidden_files_are_no_pictures_and_links_to_nothing_are_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    (folder / ".git").mkdir()
    (folder / "happy" / "._0.jpg").write_bytes(b"left by a file manager")
    assert len(read_labelled(folder, EMOTIONS).labels) == 5
    (folder / "happy" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataFault, match=r"happy/gone\.jpg cannot be read: No such file"):
        read_labelled(folder, EMOTIONS)


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    (folder / "happy" / "1.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(DataFault, match=r"happy/1\.jpg cannot be read: The image is"):
        serve(read_labelled(folder, EMOTIONS))


def test_a_sample_keeps_the_shares_of_the_classes(tmp_path: Path) -> None:
    labelled = read_labelled(write_folder(tmp_path, happy=30, sad=3), EMOTIONS)
    sample = labelled.sample(11)
    assert np.bincount(sample.labels)[[HAPPY, SAD]].tolist() == [10, 1]
    assert len(sample.files) == len(sample.names) == len(sample.subsets[0].rows) == 11
    assert labelled.sample(33) is labelled


def test_a_crop_is_served_as_it_is_and_a_photo_is_searched_for_its_face() -> None:
    files = [encoded(a_face(60, 48)), COLLINS.read_bytes(), encoded(a_face(60, 200))]
    labelled = Labelled(files, ["crop", "photo", "wall"], np.zeros(3, np.int64), [])
    served = serve(labelled, margin=0.02)
    assert served.crops.shape == (3, 96, 96, 3)
    assert served.searched.tolist() == [False, True, True]
    assert served.found.tolist() == [False, True, False]
    assert not serve(labelled, detect=False).searched.any()


def test_training_and_server_see_the_same_faces(tmp_path: Path) -> None:
    """Both packs: small gray JPEGs and larger ones in colour."""
    write_packs(tmp_path)
    trained = read_split(tmp_path, "val").images
    served = serve(read_labelled(tmp_path, EMOTIONS)).crops
    apart = np.abs(served.astype(int) - (trained if trained.ndim == 4 else trained[..., None]))
    assert apart.max() <= 2
