"""Reads the photo packs: faces as gray 96x96 arrays, targets as distributions."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core.labels import EMOTIONS

SIDE = 96
# FER+ lists its ten votes in an order of its own: neutral happy surprise sad angry disgust fear
# contempt unknown not-a-face. The last three are no emotion of ours.
FERPLUS_ORDER = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
VOTE_COLUMNS = [FERPLUS_ORDER.index(emotion) for emotion in EMOTIONS]
SMOOTHING = 0.05  # of a label that one person gave


class PackError(Exception):
    """The pack lacks a column, or a picture in it is no picture."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Rows of one or more packs; every array has the same length n."""

    images: NDArray[np.uint8]  # (n, 96, 96) gray
    targets: NDArray[np.float32]  # (n, 7); rows sum to 1
    labels: NDArray[np.int64]  # (n,) index into EMOTIONS, the majority label
    strict: NDArray[np.bool_]  # (n,) more than half of the votes agree
    press: NDArray[np.bool_]  # (n,) from the press photographs

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Faces":
        """The rows picked by a mask or by indices."""
        return Faces(
            self.images[rows],
            self.targets[rows],
            self.labels[rows],
            self.strict[rows],
            self.press[rows],
        )


def read_split(folder: Path, split: str) -> Faces:
    """All rows of `split` ("train" or "val") of the two emotion packs in `folder`.

    Raises `PackError`, and `FileNotFoundError` when neither pack is there.
    """
    found = [
        _read_pack(path, split)
        for path in (folder / "emotions_ferplus.npz", folder / "emotions_muxspace.npz")
        if path.exists()
    ]
    if not found:
        raise FileNotFoundError(f"no emotions_ferplus.npz or emotions_muxspace.npz in {folder}")
    return Faces(
        np.concatenate([part.images for part in found]),
        np.concatenate([part.targets for part in found]),
        np.concatenate([part.labels for part in found]),
        np.concatenate([part.strict for part in found]),
        np.concatenate([part.press for part in found]),
    )


def vote_targets(
    votes: NDArray[np.int64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Distributions over the 7 emotions from (n, 10) crowd votes, and which rows can teach.

    An emotion with a single vote counts as noise, as in the FER+ paper (Barsoum et al. 2016).
    A row where contempt, unknown and not-a-face outvote the emotions does not teach; nor
    does one without any emotion left, whose target is its label alone.
    """
    emotions = votes[:, VOTE_COLUMNS].astype(np.float32)
    others = votes[:, len(FERPLUS_ORDER) :].sum(axis=1)
    teaches = emotions.sum(axis=1) >= others
    emotions[emotions < 2] = 0
    total = emotions.sum(axis=1, keepdims=True)
    empty = total[:, 0] == 0
    targets = np.where(empty[:, None], one_hot(labels), emotions / np.maximum(total, 1))
    return targets.astype(np.float32), teaches & ~empty


def one_hot(labels: NDArray[np.int64], *, smoothing: float = 0.0) -> NDArray[np.float32]:
    """(n, 7) targets that give each label 1 - smoothing, and share the rest among all 7."""
    hot = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    return (hot * (1 - smoothing) + smoothing / len(EMOTIONS)).astype(np.float32)


def read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """All that the pack holds. Raises `PackError`, and `FileNotFoundError`."""
    try:
        # Opened here: of a damaged archive numpy leaves the file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as pack:
            return {name: pack[name] for name in pack.files}  # a pack re-reads on every access
    except (EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise PackError(f"{path.name} is no pack (.npz), or it is damaged") from error


def _read_pack(path: Path, split: str) -> Faces:
    columns = read_columns(path)
    missing = {"data", "offsets", "label", "split"} - columns.keys()
    if missing:
        raise PackError(f"{path.name} lacks {sorted(missing)}")
    rows = np.flatnonzero(columns["split"] == split.encode())
    labels = np.array([_index(columns["label"][row]) for row in rows], dtype=np.int64)
    if "votes" in columns:
        votes = np.array([columns["votes"][row].split() for row in rows]).astype(np.int64)
        targets, teaches = vote_targets(votes.reshape(-1, 10), labels)
        strict = columns["strict"][rows] == b"1"
    else:
        targets, teaches = one_hot(labels, smoothing=SMOOTHING), np.ones(len(rows), bool)
        strict = np.ones(len(rows), bool)
    images = _decode(columns["data"], columns["offsets"], rows.tolist())
    faces = Faces(images, targets, labels, strict, np.full(len(rows), "votes" not in columns))
    # A validation row keeps its label whatever the crowd thought; only training is choosy.
    return faces.take(teaches) if split == "train" else faces


def _index(label: bytes) -> int:
    try:
        return EMOTIONS.index(label.decode())
    except ValueError as error:
        raise PackError(f"no such emotion: {label!r}") from error


def _decode(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], rows: Sequence[int]
) -> NDArray[np.uint8]:
    images = np.empty((len(rows), SIDE, SIDE), np.uint8)
    for place, row in enumerate(rows):
        face = cv2.imdecode(data[offsets[row] : offsets[row + 1]], cv2.IMREAD_GRAYSCALE)
        if face is None:
            raise PackError(f"row {row} is no picture")
        images[place] = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return images
