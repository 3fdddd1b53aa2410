"""A trained agent: a small network run in NumPy, and the file it is kept in.

The file is a plain `.npz` without pickled objects; every array's name, type and shape is checked
against the sizes before its content is read, so that a file from anywhere can be opened.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trading.core.features import COUNT, VERSION, WINDOW, features, whole_windows
from trading.core.market import Candles, Decision
from trading.core.options import DIRECTIONS, HOLD, Terms
from trading.core.strategies import HOLD as HELD
from trading.core.strategies import last

Floats32 = NDArray[np.float32]
Layers = tuple[tuple[Floats32, Floats32], ...]  # weights (inputs, outputs) and biases (outputs,)
ACTIONS: Final = 3
HIDDEN: Final = (32, 16)
SIZES: Final = (COUNT, *HIDDEN, ACTIONS)
FILE_BYTES: Final = 256 * 1024
FACTS_BYTES: Final = 4096
FORMAT: Final = 1


class BadAgent(ValueError):
    """A file is no agent; `code` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class TrainedAgent:
    """Worth of hold, call and put, and how much better a trade must look than to hold."""

    layers: Layers
    terms: Terms
    asset: str  # what it learned from
    seconds: int
    margin: float | None  # None: nothing was good enough, it always holds

    needs = WINDOW

    def worths(self, seen: Floats32) -> Floats32:
        """Of each action, in stakes; (n, COUNT) to (n, 3)."""
        return forward(self.layers, seen)

    def actions(self, seen: Floats32) -> NDArray[np.int64]:
        """What it does, (n, COUNT) to (n,)."""
        return chosen(self.worths(seen), self.margin)

    def chances(self, seen: Floats32) -> NDArray[np.float64]:
        """How likely a call and a put win, as their worths say; (n, 2)."""
        return chances_of(self.worths(seen), self.terms)

    def decide(self, candles: Candles) -> Decision:
        """As a strategy; holds where a candle is missing."""
        recent = last(candles, WINDOW)
        if len(recent) < WINDOW or not whole_windows(recent)[-1]:
            return HELD
        seen = features(recent)[-1:]
        action = int(self.actions(seen)[0])
        if action == HOLD:
            return Decision(None, 0.0, "agent_holds")
        confidence = float(self.chances(seen)[0, action - 1])
        return Decision(DIRECTIONS[action], confidence, f"agent_{DIRECTIONS[action]}")


def forward(layers: Layers, seen: Floats32) -> Floats32:
    """Rectified layers, and a last one that is not."""
    values = seen
    for index, (weights, biases) in enumerate(layers):
        values = values @ weights + biases
        if index < len(layers) - 1:
            values = np.maximum(values, np.float32(0))
    return values


def chosen(worths: Floats32, margin: float | None) -> NDArray[np.int64]:
    """The better trade where it beats holding by more than the margin."""
    held = np.zeros(len(worths), np.int64)
    if margin is None:
        return held
    best = 1 + worths[:, 1:].argmax(axis=1)
    better = worths[np.arange(len(worths)), best] - worths[:, HOLD] > margin
    return np.where(better, best, held)


def chances_of(worths: Floats32, terms: Terms) -> NDArray[np.float64]:
    """A trade is worth payout * p - (1 - p) - cost more than holding; solved for p."""
    ahead = worths[:, 1:].astype(np.float64) - worths[:, :1]
    return np.clip((ahead + 1.0 + terms.cost) / (1.0 + terms.payout), 0.0, 1.0)


def write_agent(agent: TrainedAgent) -> bytes:
    """The agent's file; the same agent is the same file, byte for byte."""
    facts = {
        "format": FORMAT,
        "features": VERSION,
        "asset": agent.asset,
        "seconds": agent.seconds,
        "margin": agent.margin,
        "terms": asdict(agent.terms),
    }
    text = json.dumps(facts, sort_keys=True, allow_nan=False).encode()
    arrays: dict[str, NDArray[Any]] = {"facts": np.frombuffer(text, np.uint8)}
    for index, (weights, biases) in enumerate(agent.layers):
        arrays |= {f"weights{index}": weights, f"biases{index}": biases}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, values in arrays.items():
            body = io.BytesIO()
            np.lib.format.write_array(body, np.ascontiguousarray(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), body.getvalue())  # the date is fixed
    return out.getvalue()


def read_agent(data: bytes) -> TrainedAgent:
    """Open an agent's file. Raises `BadAgent`."""
    if len(data) > FILE_BYTES:
        raise BadAgent("file_too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [one.filename for one in archive.infolist()]
            if sorted(names) != sorted(f"{name}.npy" for name in _expected()):
                raise BadAgent("not_an_agent")
            if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
                raise BadAgent("not_an_agent")
            arrays = {name: _array(archive, name, shape) for name, shape in _expected().items()}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise error if isinstance(error, BadAgent) else BadAgent("not_an_agent") from error
    facts = _facts(arrays.pop("facts").tobytes())
    pairs = range(len(SIZES) - 1)
    layers = tuple((arrays[f"weights{one}"], arrays[f"biases{one}"]) for one in pairs)
    return TrainedAgent(layers, facts["terms"], facts["asset"], facts["seconds"], facts["margin"])


def _expected() -> dict[str, tuple[int, ...] | None]:
    found: dict[str, tuple[int, ...] | None] = {"facts": None}
    for index, (inputs, outputs) in enumerate(pairwise(SIZES)):
        found |= {f"weights{index}": (inputs, outputs), f"biases{index}": (outputs,)}
    return found


def _array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """One array, after its header was found to say what it must."""
    with archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise BadAgent("not_an_agent")
        found, _, kind = np.lib.format.read_array_header_1_0(file, max_header_size=1000)
    wanted = np.dtype(np.uint8 if shape is None else np.float32)
    is_text = shape is None and len(found) == 1 and found[0] <= FACTS_BYTES
    if kind != wanted or not (is_text or found == shape):
        raise BadAgent("other_shape")
    with archive.open(f"{name}.npy") as file:
        values: NDArray[Any] = np.lib.format.read_array(
            file, allow_pickle=False, max_header_size=1000
        )
    if shape is not None and not np.isfinite(values).all():
        raise BadAgent("not_finite")
    return values


def _facts(text: bytes) -> dict[str, Any]:
    """What it was trained for, each of it within its range."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadAgent("bad_facts") from error
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        raise BadAgent("bad_facts")
    if found.get("features") != VERSION:
        raise BadAgent("other_features")
    asset, seconds, margin = found.get("asset"), found.get("seconds"), found.get("margin")
    is_fine = isinstance(asset, str) and len(asset) <= 40 and _is(seconds, 1, 86_400)
    if not is_fine or not isinstance(seconds, int) or not (margin is None or _is(margin, 0, 10)):
        raise BadAgent("bad_facts")
    return {"asset": asset, "seconds": seconds, "margin": margin, "terms": _terms(found)}


def _terms(facts: Mapping[str, Any]) -> Terms:
    given = facts.get("terms")
    ranges = {
        "payout": (0.01, 10),
        "minutes": (1, 1440),
        "cost": (0, 1),
        "slippage": (0, 1),
        "dead_time": (0, 3600),
    }
    if not isinstance(given, Mapping) or set(given) != set(ranges):
        raise BadAgent("bad_facts")
    if not all(_is(given[name], *ranges[name]) for name in ranges):
        raise BadAgent("bad_facts")
    if not isinstance(given["minutes"], int) or not isinstance(given["dead_time"], int):
        raise BadAgent("bad_facts")
    return Terms(**given)


def _is(value: object, least: float, most: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and least <= value <= most  # type: ignore[operator]
