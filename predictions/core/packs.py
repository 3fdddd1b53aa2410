"""A pack of pictures in one .npz file: JPEG files end to end, and a text or more about each.

`data` (uint8) holds all files; picture i is `data[offsets[i]:offsets[i + 1]]`. Beside it `label`,
`split` and `strict` have one text a picture. Nothing is believed: sizes are compared before memory
is taken, nothing is unpickled, and members of other names are never opened.
"""

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NEEDED: Final = frozenset({"data", "offsets", "label", "split"})
TEXTS: Final = ("label", "split", "strict")
WANTED: Final = (*sorted(NEEDED), "strict")
ENDING: Final = ".npy"

Columns = dict[str, NDArray[Any]]


class BadPack(Exception):
    """The file is no pack; the text goes on after its name."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code  # damaged, too_large, missing or columns
        super().__init__(text)


def read_columns(path: Path, *, most: int) -> Columns:
    """The columns, each text as bytes, of at most `most` bytes together. Raises `BadPack`."""
    try:
        with zipfile.ZipFile(path) as archive:
            columns = _columns(archive, most)
    except (OSError, ValueError, EOFError, MemoryError, RuntimeError, NotImplementedError) as fault:
        raise _damaged() from fault
    except (zipfile.BadZipFile, zlib.error) as fault:
        raise _damaged() from fault
    missing = NEEDED - columns.keys()
    if missing:
        raise BadPack("missing", f"lacks {', '.join(sorted(missing))}")
    for name in columns.keys() & set(TEXTS):
        if columns[name].dtype.kind == "U":
            columns[name] = np.char.encode(columns[name], "utf-8")
    wrong = _wrong_column(columns)
    if wrong:
        raise BadPack("columns", f"is no pack: {wrong}")
    return columns


def _damaged() -> BadPack:
    return BadPack("damaged", "is no pack (.npz), or it is damaged")


def _columns(archive: zipfile.ZipFile, most: int) -> Columns:
    parts = {one.filename.removesuffix(ENDING): one for one in archive.infolist()}
    chosen = {name: parts[name] for name in WANTED if name in parts}
    if sum(part.file_size for part in chosen.values()) > most:
        raise BadPack("too_large", f"unpacks to more than {most:,} bytes; split it")
    return {name: _array(archive, part) for name, part in chosen.items()}


def _array(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> NDArray[Any]:
    """An array whose header claims exactly what the member holds. Raises `ValueError`."""
    with archive.open(part) as member:
        file = io.BytesIO(member.read())  # as many bytes as the directory says, and no more
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, by_columns, kind = np.lib.format.read_array_header_1_0(file)
    else:
        shape, by_columns, kind = np.lib.format.read_array_header_2_0(file)
    held = file.getbuffer()[file.tell() :]
    if kind.hasobject or kind.names or (not kind.itemsize and len(held)):
        raise ValueError("no plain array")
    if math.prod(shape) * kind.itemsize != len(held):
        raise ValueError("not of the size that it claims")
    flat = np.frombuffer(held, kind)
    return flat.reshape(shape, order="F" if by_columns else "C")


def _wrong_column(columns: Columns) -> str:
    """Which column does not fit the others; nothing where all do."""
    data, offsets, n = columns["data"], columns["offsets"], columns["label"].size
    if data.dtype != np.uint8 or data.ndim != 1:
        return "data must be bytes (uint8) in one row"
    for name in TEXTS:
        if name in columns and (columns[name].dtype.kind != "S" or columns[name].shape != (n,)):
            return f"{name} must be {n} texts"
    if offsets.dtype.kind not in "iu" or offsets.shape != (n + 1,):
        return f"offsets must be {n + 1} whole numbers, for {n} pictures"
    ends = offsets.astype(np.int64)
    if ends.min() < 0 or ends.max() > data.size or (np.diff(ends) < 0).any():
        return f"offsets must rise from 0 to at most {data.size}, the length of data"
    return ""
