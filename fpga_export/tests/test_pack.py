"""What a user's pack may be, and what is refused before it costs anything."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fpga_export.core import pack as packs
from fpga_export.core.pack import Pack, PackRefused, class_numbers, decoded, read_pack
from fpga_export.tests.packs import labelled_zip, npz, png, zip_of


def read(folder: Path, data: bytes) -> Pack:
    path = folder / "pack"
    path.write_bytes(data)
    return read_pack(path)


def refused(folder: Path, data: bytes) -> PackRefused:
    with pytest.raises(PackRefused) as caught:
        read(folder, data)
    return caught.value


@pytest.mark.parametrize("around", ["", "hands/", "my/hands/"])
def test_a_folder_for_each_class_labels_its_pictures(tmp_path: Path, around: str) -> None:
    found = read(tmp_path, labelled_zip(["A", "B"], around=around))
    assert found.labels == ["A", "A", "B", "B"]
    assert len(found.files) == 4
    assert found.files[0] == png(0)


def test_pictures_alone_or_all_in_one_folder_have_no_labels(tmp_path: Path) -> None:
    assert read(tmp_path, zip_of({"1.png": png(), "2.jpg": png(1)})).labels is None
    assert read(tmp_path, zip_of({"mine/1.png": png(), "mine/2.jpg": png(1)})).labels is None


def test_what_a_file_manager_leaves_behind_is_no_picture(tmp_path: Path) -> None:
    files = {"A/1.png": png(), "B/1.png": png(1), "__MACOSX/A/._1.png": b"x", "A/.DS_Store": b"x"}
    assert read(tmp_path, zip_of(files | {"B/Thumbs.db": b"x"})).labels == ["A", "B"]


def test_an_npz_gives_the_rows_that_no_network_learnt_from(tmp_path: Path) -> None:
    splits = [b"train", b"val", b"test"]
    assert sorted(read(tmp_path, npz(["A", "B", "C"])).labels or []) == ["A", "B", "C"]
    mixed = npz(["A", "B", "C"], more={"split": splits})
    assert sorted(read(tmp_path, mixed).labels or []) == ["B", "C"]
    assert len(read(tmp_path, npz(["A", "B"], split="train")).files) == 2


@pytest.mark.parametrize(
    "name", ["../a.png", "A/../../a.png", "/etc/a.png", "\\a.png", "C:\\a.png", "A\\..\\..\\b.png"]
)
def test_a_name_that_leads_out_of_the_pack_is_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, zip_of({name: png(), "A/b.png": png()})).code == "pack_path"


def test_what_unpacks_to_far_more_is_refused_unread(tmp_path: Path) -> None:
    bomb = zip_of({"A/1.png": b"\0" * 9_000_000, "B/1.png": png()}, packed=True)
    assert len(bomb) < 20_000
    assert refused(tmp_path, bomb).code == "pack_bomb"


def test_more_bytes_in_all_than_are_allowed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "UNPACKED_BYTES", 1000)
    assert refused(tmp_path, labelled_zip(["A", "B"], each=8)).code == "pack_unpacked"
    assert refused(tmp_path, npz(["A"] * 9)).code in {"pack_unpacked", "pack_too_large"}
    monkeypatch.setattr(packs, "PACK_BYTES", 100)
    assert refused(tmp_path, labelled_zip(["A"])).code == "pack_too_large"


def test_a_row_larger_than_a_picture_may_be_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "PICTURE_BYTES", 50)
    caught = refused(tmp_path, npz(["A"]))
    assert (caught.code, caught.facts) == ("pack_picture_large", {"name": "row 0"})


def test_too_many_files_long_names_and_strange_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(tmp_path, zip_of({"A/readme.txt": b"x"})).code == "pack_file"
    assert refused(tmp_path, zip_of({"A/" + "x" * 300 + ".png": png()})).code == "pack_name"
    assert refused(tmp_path, zip_of({})).code == "pack_empty"
    mixed = refused(tmp_path, zip_of({"A/1.png": png(), "2.png": png()}))
    assert mixed.code == "pack_mixed"
    assert mixed.facts["name"] == "2.png"
    monkeypatch.setattr(packs, "PICTURES", 3)
    assert refused(tmp_path, labelled_zip(["A", "B"])).code == "pack_entries"
    monkeypatch.setattr(packs, "ENTRIES", 3)
    assert refused(tmp_path, labelled_zip(["A", "B"])).code == "pack_entries"


def test_a_directory_of_a_million_names_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A name takes 47 bytes there, so a file of the allowed size has room for a million."""
    whole = bytearray(zip_of({"A/1.png": png(), "B/1.png": png()}))
    at = whole.rindex(b"PK\x05\x06")
    whole[at + 12 : at + 16] = (40 << 20).to_bytes(4, "little")
    assert refused(tmp_path, bytes(whole)).code == "pack_entries"
    plain = zip_of({"A/1.png": png(), "B/1.png": png()})
    at = plain.rindex(b"PK\x05\x06")
    wide = plain[:at] + b"PK\x06\x07" + bytes(16) + plain[at:]
    assert refused(tmp_path, wide).code == "pack_entries"


def test_an_encrypted_pack_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of({"A/1.png": png(), "B/1.png": png()}))
    at = data.index(b"PK\x01\x02")  # the directory's first entry: its flags are at 8
    data[at + 8] |= 1
    assert refused(tmp_path, bytes(data)).code == "pack_encrypted"


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 cut"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, data).code == "pack_damaged"


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    whole = labelled_zip(["A", "B"])
    at = whole.index(b"IDAT")
    changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    assert refused(tmp_path, changed).code == "pack_damaged"


def test_an_npz_that_claims_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    """A header of 10**12 bytes over a few: numpy would ask for all of them at once."""
    member = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(member, header)
    parts = {"data.npy": member.getvalue() + b"123"}
    with zipfile.ZipFile(io.BytesIO(npz(["A", "B"]))) as whole:
        parts |= {name: whole.read(name) for name in ("offsets.npy", "label.npy", "split.npy")}
    assert refused(tmp_path, zip_of(parts)).code == "pack_damaged"


def test_a_pickle_in_an_npz_is_not_opened(tmp_path: Path) -> None:
    trap = npz(["A", "B"], more={"label": np.array(["A", {}], object)})
    assert refused(tmp_path, trap).code == "pack_damaged"


def test_columns_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, npz(["A", "B"], more={"offsets": [0, 5]})).code == "pack_columns"
    with zipfile.ZipFile(io.BytesIO(npz(["A"]))) as whole:
        parts = {name: whole.read(name) for name in ("data.npy", "offsets.npy")}
    assert refused(tmp_path, zip_of(parts)).code == "pack_missing"


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, zip_of({"A/1.png": png(), "B/broken.png": b"\x89PNG\r\n\x1a\nno"}))
    with pytest.raises(PackRefused) as caught:
        decoded(found, (8, 8, 1))
    assert caught.value.code == "pack_picture"
    assert caught.value.facts == {"name": "B/broken.png"}


def test_pictures_come_in_the_networks_size(tmp_path: Path) -> None:
    found = read(tmp_path, labelled_zip(["A", "B"]))
    assert decoded(found, (6, 4, 3)).shape == (4, 6, 4, 3)
    with pytest.raises(PackRefused, match="channels"):
        decoded(found, (6, 4, 2))


def test_more_pictures_than_memory_has_room_for_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "MEMORY", 3 * 64 + 1)
    assert len(decoded(read(tmp_path, labelled_zip(["A", "B"])), (8, 8, 1))) == 3


def test_labels_are_names_numbers_or_in_the_order_of_the_alphabet() -> None:
    names = ["happy", "sad", "fear"]
    assert class_numbers(["Sad", "HAPPY"], classes=names, count=3).tolist() == [1, 0]
    assert class_numbers(["2", "0"], classes=names, count=3).tolist() == [2, 0]
    assert class_numbers(["b", "a", "c"], classes=[], count=3).tolist() == [1, 0, 2]
    for labels, classes in ((["joy", "sad"], names), (["b", "a"], []), (["3"], []), (["²"], [])):
        with pytest.raises(PackRefused) as caught:
            class_numbers(labels, classes=classes, count=3)
        assert caught.value.code == "pack_label"
    assert caught.value.facts["label"] == "²"


def test_a_shuffle_keeps_each_picture_with_its_label(tmp_path: Path) -> None:
    whole = read(tmp_path, labelled_zip(["A", "B", "C"], each=5))
    mixed = whole.shuffled(10)
    assert len(mixed.files) == 10
    assert mixed.names != whole.names[:10]
    assert all(
        name.startswith(label) for name, label in zip(mixed.names, mixed.labels or [], strict=True)
    )
    assert whole.shuffled(10).names == mixed.names
