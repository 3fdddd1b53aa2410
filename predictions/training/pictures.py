"""Pictures with labels, from folders or packs, cut to what the server would give the network."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.core.face import FACE_SIDE
from predictions.core.images import STANDARD, BadImage
from predictions.core.labels import EMOTIONS
from predictions.core.packs import BadPack, Columns, read_columns
from predictions.core.reading import WHOLE, Request, make_detectors, prepare
from predictions.training.evaluate import Subset

LETTERS: Final = tuple(string.ascii_uppercase)
TASKS: Final = {"emotions": EMOTIONS, "letters": LETTERS}
SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
MOST_UNPACKED: Final = 4 * 2**30  # bytes of a pack in memory; the project's own take 0.05 GB
CROWD = "FER+ faces on which more than half of the crowd agrees"
# What is reported of the packs that come with the project's data: rows of a split by name, title.
KNOWN: Final = {
    "emotions_ferplus": {"val": ("every", "all FER+ faces, doubtful ones too, by majority")},
    "emotions_muxspace": {"val": ("press", "press photographs of people it never saw")},
    "asl": {
        "val": ("validation", "hands of the sources that it learnt from"),
        "test": ("unseen", "hands of a source that it never saw"),
    },
}


class DataFault(Exception):
    """The pictures cannot be judged; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures as files, with the class number of each; all of one length, at least 1."""

    files: list[bytes]
    names: list[str]  # to name a picture in a fault
    labels: NDArray[np.int64]
    subsets: list[Subset]

    def sample(self, most: int, *, seed: int = 0) -> "Labelled":
        """At most about `most` rows, each class in its share and with one row at least."""
        if most >= len(self.labels):
            return self
        rng, chosen = np.random.default_rng(seed), []
        for label in np.unique(self.labels):
            rows = np.flatnonzero(self.labels == label)
            count = max(1, round(most * len(rows) / len(self.labels)))
            chosen.append(rng.permutation(rows)[:count])
        return self.take(np.sort(np.concatenate(chosen)))

    def take(self, rows: NDArray[np.int64]) -> "Labelled":
        """The rows of those numbers; sets that lose all theirs go."""
        kept = [Subset(one.name, one.title, one.rows[rows]) for one in self.subsets]
        return Labelled(
            [self.files[row] for row in rows],
            [self.names[row] for row in rows],
            self.labels[rows],
            [one for one in kept if one.rows.any()],
        )


def read_labelled(place: Path, classes: Sequence[str]) -> Labelled:
    """A pack, a folder of packs, or a folder of one folder of pictures a class.

    Of a folder of packs, those with other classes are left out. Raises `DataFault`.
    """
    if place.is_file():
        return _read_pack(place, classes)
    if not place.is_dir():
        raise DataFault(f"{place} is neither a folder nor a pack")
    packs = sorted(place.glob("*.npz"))
    if not packs:
        return _read_folder(place, classes)
    fitting = [path for path in packs if _labels_of(path) <= set(classes)]
    if not fitting:
        raise DataFault(f"no pack in {place} has the classes {', '.join(classes)}")
    return _join([_read_pack(path, classes) for path in fitting])


@dataclass(frozen=True, slots=True)
class Served:
    """Pictures as the network gets them from the server."""

    crops: NDArray[np.uint8]  # (n, 96, 96, 3) RGB
    searched: NDArray[np.bool_]  # a face was looked for: the picture is not a crop already
    found: NDArray[np.bool_]  # and one was found; where not, the crop is the whole picture


def serve(labelled: Labelled, *, margin: float = 0.0, detect: bool = True) -> Served:
    """Decode, detect and crop with the code of the server; the largest face of each picture.

    Pictures up to 96 pixels are crops already. Raises `DataFault` for one that is no picture.
    """
    detectors, n = make_detectors(), len(labelled.files)
    crops = np.empty((n, FACE_SIDE, FACE_SIDE, 3), np.uint8)
    searched, found = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for row, (data, name) in enumerate(zip(labelled.files, labelled.names, strict=True)):
        request = Request(data, 0.0, detect=detect, assume_face=True)
        try:
            prepared = prepare(request, detectors, margin=margin, limits=STANDARD)
        except BadImage as refusal:
            reason = str(refusal).rstrip(".")
            raise DataFault(f"{name} cannot be read: {reason}") from refusal
        crops[row] = prepared.crops[0]
        searched[row] = prepared.detected
        found[row] = prepared.detected and prepared.faces[0].number != WHOLE
    return Served(crops, searched, found)


def _read_folder(folder: Path, classes: Sequence[str]) -> Labelled:
    inside = sorted(path for path in _seen(folder) if path.is_dir())
    if not inside:
        raise DataFault(f"{folder} holds neither packs (.npz) nor a folder for each class")
    paths: list[Path] = []
    labels: list[int] = []
    for each in inside:
        number = _number_of(each.name, classes, f"the folder {each.name}")
        pictures = sorted(path for path in _seen(each) if path.suffix.lower() in SUFFIXES)
        if not pictures:
            raise DataFault(f"the folder {each.name} has no picture ({', '.join(SUFFIXES)})")
        paths += pictures
        labels += [number] * len(pictures)
    everything = Subset("all", f"the pictures in {folder.name}", np.ones(len(paths), np.bool_))
    return Labelled(
        [_bytes_of(path) for path in paths],
        [str(path.relative_to(folder)) for path in paths],
        np.array(labels, np.int64),
        [everything],
    )


def _seen(folder: Path) -> list[Path]:
    """What a file manager shows: programs leave hidden files among pictures."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise DataFault(f"{path} cannot be read: {fault.strerror}") from fault


def _read_pack(path: Path, classes: Sequence[str]) -> Labelled:
    columns = _columns(path)
    known = KNOWN.get(path.stem, {"val": ("validation", f"validation rows of {path.name}")})
    rows = np.flatnonzero(np.isin(columns["split"], [split.encode() for split in known]))
    if not len(rows):
        raise DataFault(f"{path.name} has no row of the split {' or '.join(known)}")
    data, offsets = columns["data"], columns["offsets"]
    splits = columns["split"][rows]
    subsets = [
        Subset(name, title, splits == split.encode()) for split, (name, title) in known.items()
    ]
    if "strict" in columns:
        subsets.insert(0, Subset("strict", CROWD, columns["strict"][rows] == b"1"))
    texts = [label.decode(errors="replace") for label in columns["label"][rows]]
    return Labelled(
        [data[offsets[row] : offsets[row + 1]].tobytes() for row in rows],
        [f"row {row} of {path.name}" for row in rows],
        np.array([_number_of(text, classes, path.name) for text in texts], np.int64),
        [one for one in subsets if one.rows.any()],
    )


def _columns(path: Path) -> Columns:
    """What the pack holds, each text as bytes. Raises `DataFault`."""
    try:
        return read_columns(path, most=MOST_UNPACKED)
    except BadPack as fault:
        raise DataFault(f"{path.name} {fault}") from fault


def _labels_of(path: Path) -> set[str]:
    return {label.decode(errors="replace") for label in np.unique(_columns(path)["label"])}


def _number_of(text: str, classes: Sequence[str], where: str) -> int:
    by_name = {name.lower(): number for number, name in enumerate(classes)}
    number = by_name.get(text.lower())
    if number is None:
        raise DataFault(
            f"{where}: the network has no class {text!r}; its classes are {', '.join(classes)}"
        )
    return number


def _join(parts: Sequence[Labelled]) -> Labelled:
    """One after the other; each set holds the rows of its own part."""
    ends = np.cumsum([len(part.labels) for part in parts])
    total, subsets = int(ends[-1]), []
    for part, end in zip(parts, ends, strict=True):
        for one in part.subsets:
            rows = np.zeros(total, np.bool_)
            rows[end - len(part.labels) : end] = one.rows
            subsets.append(Subset(one.name, one.title, rows))
    return Labelled(
        [data for part in parts for data in part.files],
        [name for part in parts for name in part.names],
        np.concatenate([part.labels for part in parts]),
        subsets,
    )
