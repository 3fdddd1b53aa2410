"""Opens a Keras file without Keras: its settings are data, its arrays are compared with them first.

Keras's own loader has run code from files more than once (CVE-2025-1550, -8747, -9905, -9906): here
a layer is a name on a list, and nothing else is ever looked up.
"""

import io
import itertools
import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import h5py

from fpga_export.core import limits
from fpga_export.core.graph import FloatGraph, Floats, Layer, ModelRefused
from fpga_export.core.h5_guard import array, names_attribute, opened, text_attribute
from fpga_export.core.kinds import Outcome, Size
from fpga_export.core.outcomes import outcome

Read = Callable[[int, str, Outcome], dict[str, Floats]]

MODULES: Final = re.compile(r"(keras|tensorflow|tf_keras)(\.[a-z0-9_.]+)?")
# The first is what Keras 3 writes, the other what Keras 2.12 began with.
ROOTS: Final = ("layers", "_layer_checkpoint_dependencies")
ZIP: Final = b"PK\x03\x04"
ZIP_ENTRY: Final = b"PK\x01\x02"  # where an archive's directory tells of one file
HDF5: Final = b"\x89HDF\r\n\x1a\n"
DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    NotImplementedError,
    EOFError,
)
# What odd settings cause where they are read as if they were Keras's own.
ODD: Final = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)


def read_model(source: Path | BinaryIO, *, filename: str) -> FloatGraph:
    """The network in a .keras or .h5 file. Raises `ModelRefused`; runs nothing."""
    data = _bytes(source)
    try:
        if data.startswith(ZIP):
            return _from_archive(data, filename)
        if data.startswith(HDF5):
            return _from_h5(data, filename)
    except ODD as error:
        raise ModelRefused("bad_config") from error
    raise ModelRefused("not_keras")


def _bytes(source: Path | BinaryIO) -> bytes:
    if isinstance(source, Path):
        with source.open("rb") as file:
            data = file.read(limits.FILE_BYTES + 1)
    else:
        data = source.read(limits.FILE_BYTES + 1)
    if len(data) > limits.FILE_BYTES:
        raise ModelRefused("file_too_large", limit=limits.FILE_BYTES)
    return data


def _from_archive(data: bytes, filename: str) -> FloatGraph:
    config, stored = _unpacked(data)
    entries, output = _entries(_json(config))
    names = _stored_names(entries)
    file = opened(stored)
    root = next((file[key] for key in ROOTS if key in file), file)

    def read(index: int, layer: str, found: Outcome) -> dict[str, Floats]:
        values = {}
        for place, (key, shape) in enumerate(found.weights.items()):
            values[key] = array(root, f"{names[index]}/{found.folder}/{place}", shape, layer)
        return values

    return _graph(entries, output, read, filename)


def _unpacked(data: bytes) -> tuple[bytes, bytes]:
    # Before zipfile makes an object of each; weights may hold these bytes by chance.
    if data.count(ZIP_ENTRY) > 2 * limits.ARCHIVE_ENTRIES:
        raise ModelRefused("zip_entries", limit=limits.ARCHIVE_ENTRIES)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ModelRefused("damaged_zip") from error
    if len(infos) > limits.ARCHIVE_ENTRIES:
        raise ModelRefused("zip_entries", limit=limits.ARCHIVE_ENTRIES)
    total = sum(info.file_size for info in infos)
    if total > limits.ARCHIVE_BYTES or total > limits.ARCHIVE_RATIO * max(len(data), 10_000):
        raise ModelRefused("zip_bomb", limit=limits.ARCHIVE_BYTES)
    for info in infos:
        name = info.filename
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise ModelRefused("zip_path")
        if info.flag_bits & 1:
            raise ModelRefused("zip_encrypted")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ModelRefused("damaged_zip")  # zipfile does not bound what others unpack to
    return (
        _entry(archive, "config.json", limits.CONFIG_BYTES),
        _entry(archive, "model.weights.h5", limits.WEIGHTS_BYTES),
    )


def _entry(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One entry, never more of it than its own directory admits."""
    try:
        info = archive.getinfo(name)
        if info.file_size > limit:
            raise ModelRefused("zip_bomb", entry=name)
        with archive.open(info) as file:
            return file.read(info.file_size)
    except KeyError as error:
        raise ModelRefused("zip_missing", entry=name) from error
    except DAMAGED as error:
        raise ModelRefused("damaged_zip", entry=name) from error


def _from_h5(data: bytes, filename: str) -> FloatGraph:
    file = opened(data)
    entries, output = _entries(_json(text_attribute(file, "model_config", limits.CONFIG_BYTES)))
    if "model_weights" not in file:
        raise ModelRefused("zip_missing", entry="model_weights")
    root = file["model_weights"]

    def read(index: int, layer: str, found: Outcome) -> dict[str, Floats]:
        name = str(entries[index]["config"].get("name") or entries[index].get("name"))
        if not found.weights:
            return {}
        group = root.get(name) if isinstance(root, h5py.Group) else None
        if not isinstance(group, h5py.Group):
            raise ModelRefused("weights_missing", layer)
        stored = names_attribute(group, "weight_names", len(found.weights))
        if len(stored) != len(found.weights):
            raise ModelRefused("weights_missing", layer, expected=len(found.weights))
        pairs = zip(stored, found.weights.items(), strict=True)
        return {key: array(group, path, shape, layer) for path, (key, shape) in pairs}

    return _graph(entries, output, read, filename)


def _json(text: str | bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelRefused("bad_config") from error
    if not isinstance(value, dict):
        raise ModelRefused("bad_config")
    return value


def _entries(config: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The layers' settings, in order, and the output's name."""
    _known_module(config)
    kind, inner = config.get("class_name"), config.get("config")
    layers = inner if isinstance(inner, list) else (inner or {}).get("layers")
    if kind not in {"Sequential", "Functional", "Model"} or not isinstance(layers, list):
        raise ModelRefused("not_a_network", kind=str(kind)[:40])
    if not 1 <= len(layers) <= limits.LAYERS:
        raise ModelRefused("too_many_layers", limit=limits.LAYERS)
    for layer in layers:
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
            raise ModelRefused("bad_config")
    if kind == "Sequential":
        return _chained(layers), str(_name(_chained(layers)[-1]))
    assert isinstance(inner, dict)
    outputs = _histories(inner.get("output_layers"))
    inputs = _histories(inner.get("input_layers"))
    if len(outputs) != 1 or len(inputs) != 1:
        raise ModelRefused("several_ends")
    return layers, outputs[0]


def _chained(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A sequential model as a functional one: each layer follows the one before it."""
    chain = list(layers)
    if chain[0].get("class_name") != "InputLayer":
        shape = chain[0]["config"].get("batch_input_shape") or chain[0]["config"].get("batch_shape")
        if shape is None:
            shape = chain[0].get("build_config", {}).get("input_shape")
        begin = {"batch_shape": shape, "name": "input"}
        chain.insert(0, {"class_name": "InputLayer", "module": "keras.layers", "config": begin})
    for before, layer in itertools.pairwise(chain):
        layer["inbound_nodes"] = [[[_name(before), 0, 0, {}]]]
    return chain


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["config"].get("name") or entry.get("name") or "")


def _histories(value: Any) -> list[str]:
    """Names of layers in any of the forms in which Keras 2 and 3 write a tensor's origin."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if "config" in value else None
        if history:
            return [str(history[0])]
        return [name for one in value.values() for name in _histories(one)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
            return [value[0]]
        return [name for one in value for name in _histories(one)]
    return []


def _known_module(entry: Mapping[str, Any]) -> None:
    module = entry.get("module") or "keras.layers"
    if entry.get("registered_name") not in {None, entry.get("class_name"), "Functional"}:
        raise ModelRefused("custom_layer", kind=str(entry.get("class_name"))[:40])
    if not isinstance(module, str) or not MODULES.fullmatch(module):
        raise ModelRefused("custom_layer", kind=str(entry.get("class_name"))[:40])


def _graph(entries: list[dict[str, Any]], output: str, read: Read, filename: str) -> FloatGraph:
    """Shapes first, for all layers; only then are arrays read."""
    known: dict[str, Size] = {}
    outcomes: list[tuple[int, str, tuple[str, ...], Outcome]] = []
    for index, entry in enumerate(entries):
        name = _name(entry)
        if not name or len(name) > limits.NAME_LENGTH or name in known:
            raise ModelRefused("bad_name", name[:40])
        _known_module(entry)
        inputs = _inputs(entry, name)
        if entry.get("class_name") == "InputLayer":
            found = Outcome(_picture(entry["config"], name), {})
        else:
            missing = [one for one in inputs if one not in known]
            if missing or not inputs:
                raise ModelRefused("bad_wiring", name)
            kind = str(entry.get("class_name"))[:40]
            found = outcome(kind, entry["config"], [known[one] for one in inputs], name)
        known[name] = found.shape
        outcomes.append((index, name, inputs, found))
    total = sum(math.prod(shape) for *_, one in outcomes for shape in one.weights.values())
    if total > limits.PARAMETERS:
        raise ModelRefused("too_many_parameters", limit=limits.PARAMETERS, found=total)
    if output not in known:
        raise ModelRefused("bad_wiring", output[:40])
    layers = []
    for index, name, inputs, found in outcomes:
        weights = read(index, name, found)
        size = sum(math.prod(shape) for shape in found.weights.values())
        entry = entries[index]
        kind = str(entry.get("class_name"))
        layers.append(
            Layer(
                name=name,
                kind=kind,
                inputs=inputs,
                shape=found.shape,
                config=entry["config"],
                weights=weights,
                parameters=size,
                macs=found.macs,
                unsupported=found.unsupported,
            )
        )
    return FloatGraph(Path(filename).stem[: limits.NAME_LENGTH], tuple(layers), output)


def _inputs(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    nodes = entry.get("inbound_nodes") or []
    if len(nodes) > 1:
        raise ModelRefused("shared_layer", name)
    return tuple(_histories(nodes))


def _picture(config: Mapping[str, Any], name: str) -> Size:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, Sequence) or len(shape) != 4:
        raise ModelRefused("not_a_picture", name)
    size = tuple(shape[1:])
    if not all(type(one) is int and 0 < one <= limits.SIDE for one in size):
        raise ModelRefused("not_a_picture", name)
    if size[2] > limits.PICTURE_CHANNELS:
        raise ModelRefused("not_a_picture", name)
    return size


def _snake(name: str) -> str:
    first = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", first).lower()


def _stored_names(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """How Keras names the layers in a weights file: by their class, numbered from the second on."""
    seen: dict[str, int] = {}
    names = []
    for entry in entries:
        base = _snake(str(entry.get("class_name")))
        number = seen.get(base, -1) + 1
        seen[base] = number
        names.append(f"{base}_{number}" if number else base)
    return names
