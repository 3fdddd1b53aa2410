"""Reads the photos of hands: RGB 96x96, where the hand is, which letter, and whose."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.core.labels import LETTERS
from predictions.training.letters.masks import hand_mask
from predictions.training.packs import PackError, read_columns

SIDE: Final = 96
PACK: Final = "asl.npz"
SOURCES: Final = ("keptsecret", "hackmit", "longhongvo", "massey", "t32rahman")
UNSEEN: Final = "t32rahman"  # the source that is reported and never learnt from


@dataclass(frozen=True, slots=True)
class Hands:
    """Rows of the pack; every array has the same length n."""

    images: NDArray[np.uint8]  # (n, 96, 96, 3) RGB
    masks: NDArray[np.uint8]  # (n, 96, 96), 255 on the hand; all 255 where it was not found
    labels: NDArray[np.int64]  # (n,) index into LETTERS
    sources: NDArray[np.int64]  # (n,) index into SOURCES

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Hands":
        """The rows picked by a mask or by indices."""
        return Hands(self.images[rows], self.masks[rows], self.labels[rows], self.sources[rows])

    def joined(self, more: "Hands") -> "Hands":
        """These rows, and `more` after them."""
        return Hands(
            np.concatenate([self.images, more.images]),
            np.concatenate([self.masks, more.masks]),
            np.concatenate([self.labels, more.labels]),
            np.concatenate([self.sources, more.sources]),
        )

    def of(self, source: str) -> "Hands":
        """The rows of one source."""
        return self.take(self.sources == SOURCES.index(source))

    def without(self, source: str) -> "Hands":
        """All rows but those of one source."""
        return self.take(self.sources != SOURCES.index(source))


def read_hands(folder: Path, split: str, *, cut_out: bool = False) -> Hands:
    """All rows of `split` ("train", "val" or "test"); `cut_out` looks for the hands too.

    Raises `PackError`, and `FileNotFoundError` when the pack is not there.
    """
    columns = read_columns(folder / PACK)
    missing = {"data", "offsets", "label", "split", "source"} - columns.keys()
    if missing:
        raise PackError(f"{PACK} lacks {sorted(missing)}")
    rows = np.flatnonzero(columns["split"] == split.encode())
    data, offsets = columns["data"], columns["offsets"]
    images = np.empty((len(rows), SIDE, SIDE, 3), np.uint8)
    for place, row in enumerate(rows.tolist()):
        picture = cv2.imdecode(data[offsets[row] : offsets[row + 1]], cv2.IMREAD_COLOR)
        if picture is None:
            raise PackError(f"row {row} is no picture")
        scaled = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        images[place] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
    hands = Hands(
        images,
        np.full((len(rows), SIDE, SIDE), 255, np.uint8),
        _indices(columns["label"][rows], LETTERS),
        _indices(columns["source"][rows], SOURCES),
    )
    return _cut_out(hands) if cut_out else hands


def one_hot(labels: NDArray[np.int64], *, smoothing: float = 0.0) -> NDArray[np.float32]:
    """(n, 26) targets that give each label 1 - smoothing, and share the rest among all 26."""
    hot = np.eye(len(LETTERS), dtype=np.float32)[labels]
    return (hot * (1 - smoothing) + smoothing / len(LETTERS)).astype(np.float32)


def _cut_out(hands: Hands) -> Hands:
    pairs = zip(hands.images, hands.sources, strict=True)
    masks = [hand_mask(image, SOURCES[source]) for image, source in pairs]
    return replace(hands, masks=np.stack(masks) if masks else hands.masks)


def _indices(names: NDArray[np.bytes_], known: tuple[str, ...]) -> NDArray[np.int64]:
    try:
        return np.array([known.index(name.decode()) for name in names.tolist()], np.int64)
    except ValueError as error:
        raise PackError(f"{PACK}: {error}") from error
