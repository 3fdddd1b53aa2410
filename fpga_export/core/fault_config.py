"""The fault configuration that a client sends, checked with every mistake named at once.

{"enabled": true, "seed": 7, "layers": {"conv2d": {"fault_type": "bit_flip", "fault_rate": 0.01}}}
A layer may also say `target` ("weights" or "activations"), `bits`, `positions` or `hits` in place
of the rate, and for noise its `strength`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fpga_export.core.faults import KINDS, TARGETS, Fault, Kind, Target
from fpga_export.core.ir import Conv, Depthwise, Network


def gettext_noop(text: str) -> str:
    """Marks a sentence for the catalogue; whoever shows it translates it."""
    return text


MOST_LAYERS: Final = 200
MOST_POSITIONS: Final = 1000
MOST_SEED: Final = 2**31 - 1
KEYS: Final = frozenset(
    {"fault_type", "fault_rate", "target", "bits", "positions", "hits", "strength"}
)
MESSAGES: Final = {
    "not_an_object": gettext_noop("must be an object"),
    "unknown_key": gettext_noop("is not known"),
    "not_a_boolean": gettext_noop("must be true or false"),
    "missing": gettext_noop("is missing"),
    "unknown_kind": gettext_noop(
        "must be one of bit_flip, stuck_at_0, stuck_at_1 and random_noise"
    ),
    "unknown_target": gettext_noop("must be weights or activations"),
    "not_a_rate": gettext_noop("must be a number from 0 to 1"),
    "not_an_integer": gettext_noop("must be a whole number from 0"),
    "not_integers": gettext_noop("must be a list of whole numbers from 0"),
    "too_many": gettext_noop("has too many entries"),
    "one_amount": gettext_noop("needs one of fault_rate, hits and positions"),
    "no_bits_in_noise": gettext_noop("does not go with random_noise"),
    "unknown_layer": gettext_noop("is no layer of the integer network"),
    "no_weights": gettext_noop("has no weights"),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and where."""

    path: str  # "layers.conv2d.fault_rate"
    code: str

    def __str__(self) -> str:
        return f"{self.path} {MESSAGES[self.code]}"


class BadFaultConfig(Exception):
    """The configuration has mistakes."""

    code = "bad_fault_config"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        self.facts = {"reason": "; ".join(map(str, mistakes))}
        super().__init__("; ".join(map(str, mistakes)))


@dataclass(frozen=True, slots=True)
class LayerFault:
    """What happens to one layer, named as the model names it."""

    layer: str
    kind: Kind
    target: Target
    rate: float | None
    hits: int | None
    positions: tuple[int, ...] | None
    bits: tuple[int, ...] | None
    strength: float


@dataclass(frozen=True, slots=True)
class FaultConfig:
    """A configuration without mistakes."""

    enabled: bool
    layers: tuple[LayerFault, ...]
    seed: int

    def as_json(self) -> dict[str, Any]:
        """The configuration with its defaults filled in; `read_config` takes it back."""
        layers = {}
        for one in self.layers:
            entry: dict[str, Any] = {"fault_type": one.kind, "target": one.target}
            amounts = {"fault_rate": one.rate, "hits": one.hits}
            entry |= {key: value for key, value in amounts.items() if value is not None}
            lists = {"positions": one.positions, "bits": one.bits}
            entry |= {key: list(value) for key, value in lists.items() if value is not None}
            if one.kind == "random_noise":
                entry["strength"] = one.strength
            layers[one.layer] = entry
        return {"enabled": self.enabled, "seed": self.seed, "layers": layers}


def read_config(data: object) -> FaultConfig:
    """The configuration in decoded JSON. Raises `BadFaultConfig` with all mistakes."""
    reader = _Reader()
    if not isinstance(data, Mapping):
        raise BadFaultConfig((Mistake("fault_config", "not_an_object"),))
    reader.known(data, {"enabled", "layers", "seed"}, "")
    enabled = data.get("enabled", False)
    if not isinstance(enabled, bool):
        reader.wrong("enabled", "not_a_boolean")
    seed = data.get("seed", 0)
    if not _whole(seed) or seed > MOST_SEED:
        reader.wrong("seed", "not_an_integer")
    entries = data.get("layers", {})
    found: list[LayerFault] = []
    if not isinstance(entries, Mapping):
        reader.wrong("layers", "not_an_object")
    elif len(entries) > MOST_LAYERS:
        reader.wrong("layers", "too_many")
    else:
        found = [one for name in entries if (one := reader.layer(str(name), entries[name]))]
    if reader.mistakes:
        raise BadFaultConfig(tuple(reader.mistakes))
    return FaultConfig(enabled, tuple(found), seed)


def faults_in(config: FaultConfig, network: Network) -> list[Fault]:
    """The faults of an enabled configuration, on the nodes that do the layers' work.

    Raises `BadFaultConfig` for a layer that the network does not have, or that has no weights.
    """
    if not config.enabled:
        return []
    faults: list[Fault] = []
    mistakes: list[Mistake] = []
    for one in config.layers:
        found = [node for node in network.nodes if one.layer in (*node.layers, node.name)]
        if not found:
            mistakes.append(Mistake(f"layers.{one.layer}", "unknown_layer"))
        if one.target == "weights":
            weighted = [node for node in found if isinstance(node.operation, (Conv, Depthwise))]
            if found and not weighted:
                mistakes.append(Mistake(f"layers.{one.layer}", "no_weights"))
            # A separable convolution is two nodes: a rate holds for both, a count for the last.
            found = weighted if one.rate is not None else weighted[-1:]
        else:
            found = found[-1:]
        faults += [_fault(one, node.name) for node in found]
    if mistakes:
        raise BadFaultConfig(tuple(mistakes))
    return faults


def _fault(one: LayerFault, node: str) -> Fault:
    return Fault(
        one.kind,
        one.target,
        node,
        rate=one.rate,
        hits=one.hits,
        positions=one.positions,
        bits=one.bits,
        strength=one.strength,
    )


class _Reader:
    """Collects mistakes."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def wrong(self, path: str, code: str) -> None:
        self.mistakes.append(Mistake(path, code))

    def known(self, data: Mapping[Any, Any], keys: set[str] | frozenset[str], path: str) -> None:
        for key in data:
            if key not in keys:
                self.wrong(f"{path}{key}", "unknown_key")

    def layer(self, name: str, entry: object) -> LayerFault | None:
        path = f"layers.{name}"
        if not isinstance(entry, Mapping):
            self.wrong(path, "not_an_object")
            return None
        count = len(self.mistakes)
        self.known(entry, KEYS, f"{path}.")
        named, aimed = entry.get("fault_type"), entry.get("target", "weights")
        kind = next((one for one in KINDS if one == named), None)
        target = next((one for one in TARGETS if one == aimed), None)
        if kind is None:
            self.wrong(f"{path}.fault_type", "missing" if named is None else "unknown_kind")
        if target is None:
            self.wrong(f"{path}.target", "unknown_target")
        rate, strength = entry.get("fault_rate"), entry.get("strength", 0.1)
        hits = entry.get("hits")
        self._amounts(path, rate, hits, entry.get("positions"))
        if not _share(strength):
            self.wrong(f"{path}.strength", "not_a_rate")
        positions = self._integers(f"{path}.positions", entry.get("positions"), MOST_POSITIONS)
        bits = self._integers(f"{path}.bits", entry.get("bits"), 16)
        if bits is not None and kind == "random_noise":
            self.wrong(f"{path}.bits", "no_bits_in_noise")
        if len(self.mistakes) > count or kind is None or target is None:
            return None
        return LayerFault(name, kind, target, rate, hits, positions, bits, strength)

    def _amounts(self, path: str, rate: object, hits: object, positions: object) -> None:
        if sum(one is not None for one in (rate, hits, positions)) != 1:
            self.wrong(path, "one_amount")
        if rate is not None and not _share(rate):
            self.wrong(f"{path}.fault_rate", "not_a_rate")
        if hits is not None and not _whole(hits):
            self.wrong(f"{path}.hits", "not_an_integer")

    def _integers(self, path: str, entry: object, most: int) -> tuple[int, ...] | None:
        if entry is None:
            return None
        if not isinstance(entry, list) or not entry or not all(map(_whole, entry)):
            self.wrong(path, "not_integers")
            return None
        if len(entry) > most:
            self.wrong(path, "too_many")
            return None
        return tuple(entry)


def _share(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
