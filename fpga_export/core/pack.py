"""A user's pack: many pictures, with labels or without, in a ZIP or in an .npz.

A ZIP holds `label/*.jpg` (or .png, .webp), in a folder around them or not, or pictures alone.
Nothing is unpacked onto the disk, and every size is compared before memory is taken.
"""

import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.image_memory import Pixels, picture_of
from predictions.core.images import BadImage
from predictions.core.packs import BadPack, read_columns

PACK_BYTES: Final = 50 * 2**20
UNPACKED_BYTES: Final = 200 * 2**20
PICTURE_BYTES: Final = 10 * 2**20
RATIO: Final = 100
PICTURES: Final = 5000
ENTRIES: Final = 2 * PICTURES
DIRECTORY_BYTES: Final = 300 * ENTRIES
NAME: Final = 200
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
LEARNT: Final = b"train"  # rows that a network may have seen
MEMORY: Final = 60_000_000  # bytes of decoded pictures; as numbers they take four times that
SHOWN: Final = 60  # of a name or a label, in a refusal


class PackRefused(Exception):
    """The pack is not taken; `code` and `facts` say why."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts = facts
        super().__init__(f"{code}: {facts}")


@dataclass(frozen=True, slots=True)
class Pack:
    """Files as they were sent; of the labels all or none are there."""

    files: list[bytes]
    names: list[str]
    labels: list[str] | None

    def shuffled(self, most: int) -> "Pack":
        """At most `most` of them, always the same ones in the same order."""
        rows = np.random.default_rng(0).permutation(len(self.files))[:most].tolist()
        labels = None if self.labels is None else [self.labels[row] for row in rows]
        return Pack([self.files[row] for row in rows], [self.names[row] for row in rows], labels)


def read_pack(path: Path) -> Pack:
    """The pack in a file. Raises `PackRefused`."""
    if path.stat().st_size > PACK_BYTES:
        raise PackRefused("pack_too_large", limit=PACK_BYTES >> 20)
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _look(entries)
            names = {one.filename for one in entries}
            if not {"data.npy", "offsets.npy"} <= names:
                return _pictures(archive, entries)
    except (OSError, ValueError, EOFError, RuntimeError, NotImplementedError) as fault:
        raise PackRefused("pack_damaged") from fault
    except (zipfile.BadZipFile, zlib.error) as fault:
        raise PackRefused("pack_damaged") from fault
    return _rows(path)


def _check_directory(path: Path) -> None:
    """Refuse a directory of a million names before it is read: that alone would take minutes.

    Its size stands in the last 22 bytes, before a comment of at most 65,535. A pack is far too
    small for the wider record (zip64) that could say otherwise. Source: APPNOTE 6.3.10, 4.3.16.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 22 - 65_535 - 20))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise PackRefused("pack_damaged")
    wide = tail[max(0, at - 20) : at].startswith(b"PK\x06\x07")
    if wide or int.from_bytes(tail[at + 12 : at + 16], "little") > DIRECTORY_BYTES:
        raise PackRefused("pack_entries", limit=PICTURES)


def _look(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what no pack needs, from the directory alone."""
    if len(entries) > ENTRIES:
        raise PackRefused("pack_entries", limit=PICTURES)
    for one in entries:
        name = one.filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
            raise PackRefused("pack_path", name=name[:SHOWN])
        if len(name) > NAME:
            raise PackRefused("pack_name", name=name[:SHOWN], limit=NAME)
        if one.flag_bits & 1:
            raise PackRefused("pack_encrypted")
        if one.file_size > RATIO * max(one.compress_size, 1) + 4096:
            raise PackRefused("pack_bomb", name=name[:SHOWN])
    if sum(one.file_size for one in entries) > UNPACKED_BYTES:
        raise PackRefused("pack_unpacked", limit=UNPACKED_BYTES >> 20)


def _pictures(archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> Pack:
    chosen = [one for one in entries if not one.is_dir() and not _hidden(one.filename)]
    chosen.sort(key=lambda one: one.filename)
    if not chosen:
        raise PackRefused("pack_empty")
    if len(chosen) > PICTURES:
        raise PackRefused("pack_entries", limit=PICTURES)
    for one in chosen:
        if PurePosixPath(one.filename).suffix.lower() not in SUFFIXES:
            raise PackRefused("pack_file", name=one.filename[:SHOWN])
        if one.file_size > PICTURE_BYTES:
            raise PackRefused("pack_picture_large", name=one.filename[:SHOWN])
    names = [one.filename for one in chosen]
    return Pack([archive.read(one) for one in chosen], names, _folders(names))


def _hidden(name: str) -> bool:
    """What a file manager leaves among pictures."""
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "__")) for part in parts) or parts[-1].lower() in {
        "thumbs.db",
        "desktop.ini",
    }


def _folders(names: Sequence[str]) -> list[str] | None:
    """The folder that each lies in; None where all lie in one. Raises `PackRefused`."""
    found = [PurePosixPath(name).parent.name for name in names]
    if len(set(found)) == 1:
        return None
    if "" in found:
        raise PackRefused("pack_mixed", name=names[found.index("")][:SHOWN])
    return found


def _rows(path: Path) -> Pack:
    try:
        columns = read_columns(path, most=UNPACKED_BYTES)
    except BadPack as fault:
        raise PackRefused(f"pack_{fault.code}", limit=UNPACKED_BYTES >> 20) from fault
    data, offsets = columns["data"], columns["offsets"]
    unseen = np.flatnonzero(columns["split"] != LEARNT)
    rows = unseen if len(unseen) else np.arange(len(columns["label"]))
    if not len(rows):
        raise PackRefused("pack_empty")
    rows = rows[np.random.default_rng(0).permutation(len(rows))[:PICTURES]]
    sizes = offsets[rows + 1].astype(np.int64) - offsets[rows].astype(np.int64)
    if int(sizes.max()) > PICTURE_BYTES:
        raise PackRefused("pack_picture_large", name=f"row {rows[int(sizes.argmax())]}")
    return Pack(
        [data[offsets[row] : offsets[row + 1]].tobytes() for row in rows],
        [f"row {row}" for row in rows],
        [label.decode(errors="replace") for label in columns["label"][rows]],
    )


def decoded(pack: Pack, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """(n, height, width, channels) as the network's input wants it. Raises `PackRefused`."""
    height, width, channels = shape
    if channels not in {1, 3}:
        raise PackRefused("channels", channels=channels)
    most = min(len(pack.files), max(1, MEMORY // math.prod(shape)))
    found = np.empty((most, height, width, channels), np.uint8)
    for row in range(most):
        found[row] = _picture(pack, row, shape).reshape(shape)
    return found


def _picture(pack: Pack, row: int, shape: tuple[int, ...]) -> Pixels:
    try:
        return picture_of(pack.files[row], width=shape[1], height=shape[0], gray=shape[2] == 1)
    except BadImage as refusal:
        raise PackRefused("pack_picture", name=pack.names[row][:SHOWN]) from refusal


def class_numbers(
    labels: Sequence[str], *, classes: Sequence[str], count: int
) -> NDArray[np.int64]:
    """The class of each label: by the network's names, else by number, else in the order of the
    alphabet where there is a label for each of `count` classes. Raises `PackRefused`.
    """
    by_name = {name.casefold(): number for number, name in enumerate(classes)}
    different = sorted(set(labels))
    if all(one.casefold() in by_name for one in different):
        numbers = {one: by_name[one.casefold()] for one in different}
    elif all(one.isascii() and one.isdecimal() and int(one[:9]) < count for one in different):
        numbers = {one: int(one[:9]) for one in different}
    elif not classes and len(different) == count:
        numbers = {one: number for number, one in enumerate(different)}
    else:
        known = set(by_name) | {str(number) for number in range(count)}
        strange = next((one for one in different if one.casefold() not in known), different[0])
        raise PackRefused("pack_label", label=strange[:SHOWN], count=count - 1)
    return np.array([numbers[one] for one in labels], np.int64)
