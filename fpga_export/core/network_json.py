"""The integer network as JSON, for programs that are not ours.

`{"schema": n, "name", "answer", "nodes": [{"name", "layers", "inputs", "shape", "format",
"operation"}]}`. An operation is an object whose `kind` is the class of `ir.py`, beside that class's
fields; an array is `{"shape": [...], "codes": [...]}`, the last axis fastest. `ir.py` says what the
numbers mean, and `schema` grows with every change of that meaning.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, get_args, get_origin

import numpy as np

from fpga_export.core.ir import SCHEMA, Network, Operation

FILE: Final = "network.json"
OPERATIONS: Final = {kind.__name__: kind for kind in get_args(Operation)}


class NotANetwork(Exception):
    """The text is no network of this schema; the argument says where it stops being one."""


def network_json(network: Network) -> str:
    """The network as text, one node a line."""
    told = _plain(network)
    nodes = ",\n  ".join(json.dumps(node) for node in told.pop("nodes"))
    head = json.dumps({"schema": told.pop("schema"), **told})
    return f'{head[:-1]},\n "nodes": [\n  {nodes}\n ]}}\n'


def read_network(text: str) -> Network:
    """What `network_json` wrote. Raises `NotANetwork`."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotANetwork("JSON") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise NotANetwork("schema")
    network: Network = _read(Network, found, "network")
    return network


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "codes": [int(one) for one in value.ravel()]}
    if dataclasses.is_dataclass(value):
        fields = {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        kind = type(value).__name__
        return {"kind": kind, **fields} if kind in OPERATIONS else fields
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


@cache
def _types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(wanted: Any, value: Any, where: str) -> Any:
    """`value` as the type that a field of `ir.py` has."""
    if wanted == Operation:
        if not isinstance(value, dict) or str(value.get("kind")) not in OPERATIONS:
            raise NotANetwork(where)
        wanted = OPERATIONS[str(value["kind"])]
        value = {key: one for key, one in value.items() if key != "kind"}
    if dataclasses.is_dataclass(wanted):
        return _object(typing.cast("type", wanted), value, where)
    if get_origin(wanted) is np.ndarray:
        return _array(value, where)
    if get_origin(wanted) is tuple:
        return _tuple(get_args(wanted), value, where)
    if get_origin(wanted) in {types.UnionType, typing.Union}:
        return None if value is None else _read(get_args(wanted)[0], value, where)
    if type(value) is not wanted:
        raise NotANetwork(where)
    return value


def _object(kind: type, value: Any, where: str) -> Any:
    hints = _types(kind)
    if not isinstance(value, Mapping) or set(value) != set(hints):
        raise NotANetwork(where)
    return kind(**{name: _read(hints[name], value[name], f"{where}.{name}") for name in hints})


def _array(value: Any, where: str) -> Any:
    try:
        codes = np.array(value["codes"], np.int64)
        whole = all(type(one) is int for one in value["codes"])
        found = codes.reshape(value["shape"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotANetwork(where) from error
    if not whole:
        raise NotANetwork(where)
    return found


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, list):
        raise NotANetwork(where)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise NotANetwork(where)
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(_read(kind, one, f"{where}[{place}]") for place, (kind, one) in pairs)
