"""Reading arrays out of an HDF5 file that a stranger made."""

import io
import math
from collections.abc import Iterator
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import ModelRefused
from fpga_export.core.h5_chunks import filters_of, unpacked
from fpga_export.core.limits import CONFIG_BYTES, DATASETS

FLOATS: Final = {2, 4, 8}  # bytes
FEW: Final = 16  # whole numbers: a count of steps, the state of a generator
DEEPEST: Final = 12
HEAP: Final = b"GCOL\x01\x00\x00\x00"  # then eight bytes of size
CHUNK_BYTES: Final = 64 * 2**20


def opened(data: bytes) -> h5py.File:
    """The file in memory. Raises `ModelRefused` for anything but plain groups and float arrays."""
    _short_texts(data)
    try:
        file = h5py.File(io.BytesIO(data), "r")
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelRefused("not_hdf5") from error
    try:
        _look(file, 0, [0])
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise ModelRefused("damaged_hdf5") from error
    return file


def _short_texts(data: bytes) -> None:
    """Texts of open length lie in heaps, and many may point to one: no heap may be large."""
    place = data.find(HEAP)
    while place >= 0:
        size = int.from_bytes(data[place + 8 : place + 16], "little")
        if size > 2 * CONFIG_BYTES:
            raise ModelRefused("config_too_long", limit=CONFIG_BYTES)
        place = data.find(HEAP, place + 1)


def _look(group: h5py.Group, depth: int, count: list[int]) -> None:
    """Walk over hard links alone: a soft or an external one could lead out of the file."""
    if depth > DEEPEST:
        raise ModelRefused("hdf5_too_deep")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ModelRefused("hdf5_link", name=_short(name))
        count[0] += 1
        if count[0] > 4 * DATASETS:
            raise ModelRefused("too_many_arrays", limit=DATASETS)
        kind = group.get(name, getclass=True)
        if kind is h5py.Group:
            _look(group[name], depth + 1, count)
        elif kind is h5py.Dataset:
            _plain(group[name])
        else:
            raise ModelRefused("hdf5_type", name=_short(name))


def _plain(dataset: h5py.Dataset) -> None:
    layout = dataset.id.get_create_plist()
    if dataset.is_virtual or layout.get_external_count():
        raise ModelRefused("hdf5_external", name=_short(dataset.name))
    kind = dataset.dtype
    whole = kind.kind in "iu" and dataset.size is not None and dataset.size <= FEW
    if kind.hasobject or kind.names or (kind.kind != "f" and not whole):
        raise ModelRefused("hdf5_type", name=_short(dataset.name))


def _short(name: str) -> str:
    return str(name)[:80]


def array(group: h5py.Group, name: str, shape: tuple[int, ...], layer: str) -> NDArray[np.float32]:
    """The array of exactly that shape: it is compared before a byte is read."""
    if name not in group:
        raise ModelRefused("weights_missing", layer, array=_short(name))
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape != shape:
        raise ModelRefused("weights_shape", layer, expected=list(shape))
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in FLOATS:
        raise ModelRefused("hdf5_type", layer)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused
        values = np.asarray(_read(dataset, layer), np.float32)
    if not np.isfinite(values).all():
        raise ModelRefused("weights_not_finite", layer)
    return values


def _read(dataset: h5py.Dataset, layer: str) -> NDArray[np.generic]:
    if filters_of(dataset):  # one chunk could unpack without end
        return unpacked(dataset, layer)
    stored = dataset.id.get_storage_size()
    if stored < dataset.size * dataset.dtype.itemsize:
        raise ModelRefused("weights_empty", layer)
    chunk = math.prod(dataset.chunks or (1,)) * dataset.dtype.itemsize
    if chunk > CHUNK_BYTES:
        raise ModelRefused("hdf5_type", layer)
    return np.asarray(dataset[()])


def text_attribute(group: h5py.Group, name: str, limit: int) -> str:
    """A string in the attributes. Raises `ModelRefused` where it is missing or too long."""
    if name not in group.attrs:
        raise ModelRefused("no_config")
    stored = group.attrs.get_id(name)
    if stored.shape != ():
        raise ModelRefused("no_config")
    if stored.get_storage_size() > limit:
        raise ModelRefused("config_too_long", limit=limit)
    value = group.attrs[name]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or len(value) > limit:
        raise ModelRefused("no_config")
    return value


def names_attribute(group: h5py.Group, name: str, most: int) -> list[str]:
    """A list of names in the attributes, as Keras writes it: whole, or in numbered chunks."""
    return list(_names(group, name, most))


def _names(group: h5py.Group, name: str, most: int) -> Iterator[str]:
    keys = [name] if name in group.attrs else [f"{name}{i}" for i in range(most)]
    for key in keys:
        if key not in group.attrs:
            return
        stored = group.attrs.get_id(key)
        if len(stored.shape) != 1 or stored.shape[0] > most:
            raise ModelRefused("too_many_arrays", limit=most)
        for value in np.asarray(group.attrs[key]).tolist():
            yield value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
