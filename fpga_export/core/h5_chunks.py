"""Unpacks the compressed arrays of an HDF5 file that a stranger made, chunk by chunk.

HDF5's own deflate filter unpacks a chunk to whatever it grows to. Here each chunk is read as it
lies and unpacked to the size that its shape has, not a byte further.
"""

import itertools
import math
import zlib
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import ModelRefused

DEFLATE, SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
# What h5py's compression="gzip" writes, with and without shuffle=True, and shuffle alone.
PIPELINES: Final = ((DEFLATE,), (SHUFFLE, DEFLATE), (SHUFFLE,))
MOST_CHUNKS: Final = 10_000


def filters_of(dataset: h5py.Dataset) -> tuple[int, ...]:
    """The filters through which it was written, in that order."""
    layout = dataset.id.get_create_plist()
    return tuple(layout.get_filter(place)[0] for place in range(layout.get_nfilters()))


def unpacked(dataset: h5py.Dataset, layer: str) -> NDArray[np.generic]:
    """All of an array of plain numbers. Raises `ModelRefused`."""
    filters, chunk, shape = filters_of(dataset), dataset.chunks, dataset.shape
    if filters not in PIPELINES or chunk is None:
        raise ModelRefused("hdf5_packed", layer)
    counts = [math.ceil(size / step) for size, step in zip(shape, chunk, strict=True)]
    fits = all(step <= size for size, step in zip(shape, chunk, strict=True))
    if not fits or math.prod(counts) > MOST_CHUNKS:
        raise ModelRefused("hdf5_packed", layer)
    found = np.empty(shape, dataset.dtype)
    for corner in itertools.product(*(map(range, counts))):
        start = tuple(place * step for place, step in zip(corner, chunk, strict=True))
        values = _chunk(dataset, start, filters, layer).reshape(chunk)
        into = tuple(slice(a, a + step) for a, step in zip(start, chunk, strict=True))
        target = found[into]
        target[...] = values[tuple(slice(size) for size in target.shape)]
    return found


def _chunk(
    dataset: h5py.Dataset, start: tuple[int, ...], filters: tuple[int, ...], layer: str
) -> NDArray[np.generic]:
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    told = dataset.id.get_chunk_info_by_coord(start)
    if told.byte_offset is None:
        raise ModelRefused("weights_empty", layer)
    # Deflate adds 5 bytes in 16 kB to what it cannot press; many chunks may lie at one place.
    if told.filter_mask or told.size > size + size // 1000 + 64:
        raise ModelRefused("hdf5_packed", layer)
    _mask, data = dataset.id.read_direct_chunk(start)
    if DEFLATE in filters:
        data = _inflated(data, size, layer)
    if len(data) != size:
        raise ModelRefused("damaged_hdf5", layer)
    raw = np.frombuffer(data, np.uint8)
    if SHUFFLE in filters:  # all first bytes of the numbers, then all second ones, ...
        raw = raw.reshape(dataset.dtype.itemsize, -1).T.ravel()
    return raw.view(dataset.dtype)


def _inflated(data: bytes, size: int, layer: str) -> bytes:
    press = zlib.decompressobj()
    try:
        found = press.decompress(data, size)
        more = b"" if press.eof else press.decompress(press.unconsumed_tail, 1)
    except zlib.error as error:
        raise ModelRefused("damaged_hdf5", layer) from error
    if more or not press.eof:
        raise ModelRefused("damaged_hdf5", layer)
    return found
