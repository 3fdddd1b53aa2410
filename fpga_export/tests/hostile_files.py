"""Files that a stranger might upload as a network, each with the code it is refused by.

Run as a program it opens every file of a folder, each in a process of its own, and prints what
came of it: name, code, seconds, peak memory in bytes.
"""

import io
import json
import os
import pickle
import resource
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fpga_export.core import limits
from fpga_export.core.graph import ModelRefused
from fpga_export.core.loader import read_model

Settings = dict[str, Any]
GZIP = {"compression": "gzip"}
MARK = "/tmp/fpga_export_hostile_mark"  # what a payload would leave behind


def layer(kind: str, name: str, module: str = "keras.layers", **config: Any) -> Settings:
    return {"module": module, "class_name": kind, "config": {"name": name, **config}}


def begin(*shape: Any) -> Settings:
    return layer("InputLayer", "picture", batch_shape=[None, *shape])


def sequential(*layers: Settings) -> Settings:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}


def small(**config: Any) -> Settings:
    """Four pixels, two neurons."""
    return sequential(
        begin(2, 2, 1), layer("Flatten", "flat"), layer("Dense", "dense", units=2, **config)
    )


def stored(fill: Callable[[h5py.File], object] | None = None) -> bytes:
    """A weights file for `small`."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        if fill:
            fill(file)
        else:
            file["layers/dense/vars/0"] = np.ones((4, 2), np.float32)
            file["layers/dense/vars/1"] = np.ones(2, np.float32)
    return memory.getvalue()


def archive(config: Settings | bytes, weights: bytes, **more: bytes) -> bytes:
    memory = io.BytesIO()
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("config.json", text)
        made.writestr("model.weights.h5", weights)
        for name, data in more.items():
            made.writestr(name, data)
    return memory.getvalue()


def with_kernel(kernel: Callable[[h5py.Group], object]) -> bytes:
    """`small` with something else in the place of its kernel."""

    def fill(file: h5py.File) -> None:
        group = file.create_group("layers/dense/vars")
        group["1"] = np.ones(2, np.float32)
        kernel(group)

    return archive(small(), stored(fill))


class Payload:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {MARK}",)


def settings() -> Iterator[tuple[str, str, bytes]]:
    """Settings that name code, or sizes beyond all bounds."""
    good = stored()
    code = pickle.dumps(Payload()).decode("latin-1")
    lambda_ = layer("Lambda", "evil", function={"class_name": "__lambda__", "config": [code]})
    yield "lambda", "unknown_layer", archive(sequential(begin(2, 2, 1), lambda_), good)
    for number, module in enumerate(("os", "builtins", "keras.layers;os", "kerasevil", "..keras")):
        evil = layer("system", "evil", module, command=f"touch {MARK}")
        yield f"module_{number}", "custom_layer", archive(sequential(begin(2, 2, 1), evil), good)
    # CVE-2025-1550: any importable function by its module and name, as a layer's class.
    gadget = {"module": "keras.src.saving", "class_name": "run", "config": {"name": "x"}}
    yield "gadget", "unknown_layer", archive(sequential(begin(2, 2, 1), gadget), good)
    # CVE-2025-8747 and -9906: Keras's own functions that load or switch safe mode off.
    for number, name in enumerate(("keras.utils.get_file", "keras.config.enable_unsafe_")):
        module, function = name.rsplit(".", 1)
        evil = {"module": module, "class_name": function, "config": {"name": "x"}}
        file = archive(sequential(begin(2, 2, 1), evil), good)
        yield f"function_{number}", "unknown_layer", file
    custom = layer("Dense", "dense", units=2) | {"registered_name": "package>Evil"}
    yield "registered", "custom_layer", archive(sequential(begin(2, 2, 1), custom), good)
    million = layer("Conv2D", "conv", filters=10**6, kernel_size=3)
    yield "filters", "bad_settings", archive(sequential(begin(8, 8, 1), million), good)
    wide = layer("Conv2D", "conv", filters=4096, kernel_size=1024, padding="same")
    yield "kernel", "bad_shape", archive(sequential(begin(1024, 1024, 1), wide), good)
    dense = layer("Dense", "dense", units=4096)
    file = archive(sequential(begin(64, 64, 1), layer("Flatten", "flat"), dense), good)
    yield "parameters", "too_many_parameters", file
    yield "picture", "not_a_picture", archive(sequential(begin(10**6, 10**6, 3)), good)
    yield "no_size", "not_a_picture", archive(sequential(begin(None, None, 3)), good)
    many = [layer("ReLU", f"relu_{number}") for number in range(300)]
    yield "layers", "too_many_layers", archive(sequential(begin(2, 2, 1), *many), good)
    growing = [layer("ZeroPadding2D", f"pad_{number}", padding=1024) for number in range(150)]
    yield "growing", "bad_shape", archive(sequential(begin(2, 2, 1), *growing), good)
    yield "slope", "bad_settings", archive(sequential(begin(2, 2, 1), _slope()), good)
    yield (
        "long_name",
        "bad_name",
        archive(sequential(begin(2, 2, 1), layer("ReLU", "a" * 9999)), good),
    )
    yield "twice", "bad_name", archive(sequential(begin(2, 2, 1), layer("ReLU", "picture")), good)
    yield "deep_json", "bad_config", archive(b"[" * 10**5, good)
    nested: Any = "picture"
    for _ in range(400):
        nested = [nested]
    deep = {"layers": [begin(2, 2, 1)], "input_layers": nested, "output_layers": nested}
    model = {"class_name": "Functional", "config": deep}
    yield "deep_wires", "several_ends", archive(model, good)
    yield "digits", "bad_config", archive(b'{"class_name": ' + b"9" * 10**5 + b"}", good)
    yield "odd_types", "bad_config", archive({"class_name": ["Sequential"], "config": 7}, good)


def _slope() -> Settings:
    return layer("LeakyReLU", "leak", alpha="__import__('os')")


def arrays() -> Iterator[tuple[str, str, bytes]]:
    """HDF5 that points outside, or claims what is not there."""
    yield "soft_link", "hdf5_link", with_kernel(_link(h5py.SoftLink("/layers/dense/vars/1")))
    yield "external_link", "hdf5_link", with_kernel(_link(h5py.ExternalLink("/etc/passwd", "/x")))
    virtual = h5py.VirtualLayout((4, 2), np.float32)
    virtual[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 2))
    yield (
        "virtual",
        "hdf5_external",
        with_kernel(lambda group: group.create_virtual_dataset("0", virtual)),
    )
    outside = [("/etc/passwd", 0, 32)]
    yield "external_storage", "hdf5_external", with_kernel(_made((4, 2), external=outside))
    # 1,400 bytes that claim 40 GB.
    yield "sparse", "weights_shape", with_kernel(_made((100_000, 100_000), chunks=(1000, 1000)))
    yield "sparse_right_shape", "weights_empty", with_kernel(_made((4, 2), chunks=(4, 2)))
    yield "no_data", "weights_empty", with_kernel(_made((4, 2)))
    bomb = np.zeros((4096, 4096), np.float32)
    yield "packed", "weights_shape", with_kernel(_made(None, data=bomb, compression="gzip"))
    yield from packed()
    yield "objects", "hdf5_type", with_kernel(_made(None, data=["a" * 100] * 8))
    pairs = np.zeros((4, 2), [("a", "f4"), ("b", "f4")])
    yield "compound", "hdf5_type", with_kernel(_made(None, data=pairs))
    yield "integers", "hdf5_type", with_kernel(_made(None, data=np.ones((40, 20), np.int64)))
    yield "few_integers", "hdf5_type", with_kernel(_made(None, data=np.ones((4, 2), np.int64)))
    nan = np.full((4, 2), np.nan, np.float32)
    yield "not_finite", "weights_not_finite", with_kernel(_made(None, data=nan))
    huge = np.full((4, 2), 1e300)
    yield "too_great", "weights_not_finite", with_kernel(_made(None, data=huge))
    yield "type_in_place", "hdf5_type", with_kernel(_type_of_numbers)
    yield "many", "too_many_arrays", archive(small(), stored(_many))
    yield "loop", "hdf5_too_deep", archive(small(), stored(_loop))
    yield "cut", "not_hdf5", archive(small(), stored()[:900])
    yield "zeros", "not_hdf5", archive(small(), bytes(10**5))
    yield "wiped", "not_hdf5", archive(small(), _wiped())


def packed() -> Iterator[tuple[str, str, bytes]]:
    """Chunks of another size than they say, and filters that Keras's users have no use for."""
    zeros = zlib.compress(bytes(45 * 2**20), 9)  # 45 kB that HDF5 itself would unpack
    yield "chunk_bomb", "hdf5_packed", with_kernel(_chunk(zeros))
    few = zlib.compress(bytes(60_000), 9)  # 75 bytes, as few as 32 could take
    yield "chunk_more", "damaged_hdf5", with_kernel(_chunk(few))
    yield "chunk_short", "damaged_hdf5", with_kernel(_chunk(zlib.compress(bytes(31))))
    yield "chunk_cut", "damaged_hdf5", with_kernel(_chunk(zlib.compress(bytes(32))[:-5]))
    yield "chunk_junk", "damaged_hdf5", with_kernel(_chunk(b"\xff" * 20))
    yield "chunk_large", "hdf5_packed", with_kernel(_chunk(os.urandom(60_000)))
    yield "chunk_masked", "hdf5_packed", with_kernel(_chunk(bytes(32), mask=1))
    yield "chunk_absent", "weights_empty", with_kernel(_made((4, 2), chunks=(2, 2), **GZIP))
    wide = _made((4, 2), chunks=(4096, 4096), maxshape=(None, None), **GZIP)
    yield "chunk_wide", "hdf5_packed", with_kernel(wide)
    ones = np.ones((4, 2), np.float32)
    yield "lzf", "hdf5_packed", with_kernel(_made(None, data=ones, compression="lzf"))
    checked = _made(None, data=ones, fletcher32=True, **GZIP)
    yield "checksum", "hdf5_packed", with_kernel(checked)
    yield "scaled", "hdf5_packed", with_kernel(_made(None, data=ones, scaleoffset=2))


def _chunk(data: bytes, *, mask: int = 0) -> Callable[[h5py.Group], object]:
    """The kernel as one chunk of those bytes, said to be compressed."""

    def put(group: h5py.Group) -> None:
        kernel = group.create_dataset("0", (4, 2), np.float32, chunks=(4, 2), **GZIP)
        kernel.id.write_direct_chunk((0, 0), data, mask)

    return put


def _link(link: object) -> Callable[[h5py.Group], object]:
    def put(group: h5py.Group) -> None:
        group["0"] = link

    return put


def _made(shape: tuple[int, ...] | None, **more: Any) -> Callable[[h5py.Group], object]:
    more.setdefault("dtype", None if "data" in more else np.float32)
    return lambda group: group.create_dataset("0", shape, **more)


def _type_of_numbers(group: h5py.Group) -> None:
    group["0"] = np.dtype("f4")


def _many(file: h5py.File) -> None:
    for number in range(2000):
        file.create_group(f"layers/{number}")


def _loop(file: h5py.File) -> None:
    group = file.create_group("layers")
    group["again"] = group


def _wiped() -> bytes:
    """The header is whole, what follows is not."""
    whole = stored()
    return whole[:96] + bytes(len(whole) - 96)


def archives() -> Iterator[tuple[str, str, bytes]]:
    """Archives that unpack without end, or to somewhere else."""
    good = stored()
    yield "bomb", "zip_bomb", archive(small(), bytes(199 * 2**20))
    config = b'{"a": "' + b"0" * (5 * 2**20) + b'"}'
    yield "config_bomb", "zip_bomb", archive(config, good, padding=os.urandom(10**6))
    yield "path", "zip_path", archive(small(), good, **{"../../etc/cron.d/x": b"x"})
    yield "absolute", "zip_path", archive(small(), good, **{"/etc/x": b"x"})
    yield "windows", "zip_path", archive(small(), good, **{"c:\\x": b"x"})
    few = {f"entry_{number}": b"x" for number in range(100)}
    yield "entries", "zip_entries", archive(small(), good, **few)
    # A directory of a million files, for the reader to make an object of each.
    line = b"PK\x01\x02" + bytes(42)
    tail = b"PK\x05\x06" + bytes(4) + b"\xff\xff" * 2 + (46 * 10**6).to_bytes(4, "little")
    yield "directory", "zip_entries", b"PK\x03\x04" + line * 10**6 + tail + bytes(6)
    yield "lone_config", "zip_missing", _lone_config()
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("config.json", json.dumps(small()))
        made.writestr("model.weights.h5", bytes(900_000))
    yield "bzip2", "damaged_zip", memory.getvalue()
    whole = bytearray(archive(small(), good))
    whole[60:90] = bytes(30)
    yield "bad_stream", "damaged_zip", bytes(whole)
    yield "cut_zip", "damaged_zip", archive(small(), good)[:-40]


def _lone_config() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as made:
        made.writestr("config.json", json.dumps(small()))
    return memory.getvalue()


def old_files() -> Iterator[tuple[str, str, bytes]]:
    """.h5 files as Keras 2 wrote them, and files that are neither."""
    yield "pickle", "not_keras", pickle.dumps(Payload())
    yield "empty", "not_keras", b""
    yield "script", "not_keras", b"#!/bin/sh\ntouch /tmp/x\n"
    yield "large", "file_too_large", bytes(limits.FILE_BYTES + 1)
    yield "weights_alone", "no_config", stored()
    lambda_ = sequential(begin(2, 2, 1), layer("Lambda", "evil", function=["4wEAAA", None, None]))
    yield "old_lambda", "unknown_layer", old(lambda_)
    yield "old_no_weights", "zip_missing", old(small())
    yield "old_list", "no_config", stored(_listed_config)
    # Two names of 20 MB each.
    long = np.array(["x" * (20 * 2**20)] * 2, object)
    yield "old_long_names", "config_too_long", old(small(), long)
    yield "old_many_names", "too_many_arrays", old(small(), np.array([b"x"] * 5000))
    yield "old_path", "weights_missing", old(small(), np.array([b"../../x", b"/etc/passwd"]))


def _listed_config(file: h5py.File) -> None:
    file.attrs["model_config"] = np.array([b"{}"] * 4)


def old(config: Settings, names: Any = None) -> bytes:
    def fill(file: h5py.File) -> None:
        file.attrs["model_config"] = np.bytes_(json.dumps(config).encode())
        if "Lambda" in json.dumps(config):
            file.create_group("model_weights")
        if names is not None:
            group = file.create_group("model_weights/dense")
            kind = h5py.string_dtype() if names.dtype == object else None
            group.attrs.create("weight_names", names, dtype=kind)

    return stored(fill)


def hostile() -> Iterator[tuple[str, str, bytes]]:
    """Name, code and bytes of every file."""
    for group in (settings, arrays, archives, old_files):
        yield from group()


def opened(path: Path) -> Mapping[str, object]:
    """What came of one file, as JSON can say it."""
    began = time.perf_counter()
    code = "opened"
    try:
        read_model(path, filename=path.name)
    except ModelRefused as refused:
        code = refused.code
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"name": path.name, "code": code, "seconds": seconds, "peak": peak}


def main(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        child = os.fork()
        if not child:
            sys.stdout.write(json.dumps(opened(path)) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
