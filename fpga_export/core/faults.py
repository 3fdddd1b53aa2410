"""Faults in the memories of an integer network, and what it then answers.

A fault hits stored bits: of weights, or of the activations that a node leaves in its memory. Which
ones is given exactly, as a number of random hits, or as a rate: the chance of each eligible bit (of
each word, for noise). Weights and stuck bits stay as they are for all pictures; flips and noise in
activations come anew with every picture. Everything follows from the seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np

from fpga_export.core.integer_run import run_integer, step
from fpga_export.core.ir import Add, AveragePool, Codes, Conv, Depthwise, Format, Network, Node

Kind: TypeAlias = Literal["bit_flip", "stuck_at_0", "stuck_at_1", "random_noise"]
Target: TypeAlias = Literal["weights", "activations"]
KINDS: Final[tuple[Kind, ...]] = ("bit_flip", "stuck_at_0", "stuck_at_1", "random_noise")
TARGETS: Final[tuple[Target, ...]] = ("weights", "activations")

REASONS: Final = {
    "unknown_node": "there is no node {node!r}",
    "no_weights": "node {node!r} has no weights",
    "bit_outside": "node {node!r}: bit {bit} of words of {bits} bits",
    "position_outside": "node {node!r}: position {position} of {count}",
    "too_many_hits": "node {node!r}: {hits} hits on {count} bits",
}


class BadFault(Exception):
    """The network has nothing that this fault could hit."""

    def __init__(self, code: str, **facts: str | int) -> None:
        self.code = code
        self.facts = facts
        super().__init__(REASONS[code].format(**facts))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is hit, and how often: exactly one of `rate`, `hits` and `positions` is given."""

    kind: Kind
    target: Target
    node: str
    rate: float | None = None  # 0 to 1
    hits: int | None = None  # random bits (words, for noise), each at most once
    positions: tuple[int, ...] | None = None  # of weights or codes as they are stored, from 0
    bits: tuple[int, ...] | None = None  # which bits of a word; 0 is the lowest; None is all
    strength: float = 0.1  # of noise: its standard deviation as a share of the largest code

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.rate, self.hits, self.positions)) != 1:
            raise ValueError("a fault has either a rate, or a number of hits, or positions")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError("a rate is 0 to 1")
        if (self.hits is not None and self.hits < 0) or not 0 <= self.strength <= 1:
            raise ValueError("hits are not negative, and a strength is 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class FaultyRun:
    """Codes (N, H, W, C) of every node."""

    written: dict[str, Codes]  # what the node computed
    stored: dict[str, Codes]  # what its readers find: differs where activations are hit


def run_with_faults(
    network: Network, codes: Codes, faults: Sequence[Fault], seed: int
) -> dict[str, Codes]:
    """Every node's codes, as its memory holds them, for a picture or several. Raises `BadFault`."""
    batch = codes[None] if codes.ndim == 3 else codes
    healthy = run_integer(network, batch)
    stored = faulty_run(network, healthy, faults, seed).stored
    return {name: found[0] for name, found in stored.items()} if codes.ndim == 3 else stored


def faulty_run(
    network: Network, healthy: Mapping[str, Codes], faults: Sequence[Fault], seed: int
) -> FaultyRun:
    """The run from a healthy one (N, H, W, C): only what a fault reaches is computed anew."""
    check(network, faults)
    broken = faulted(network, faults, seed)
    run = FaultyRun(dict(healthy), dict(healthy))
    changed: set[str] = set()
    for node, before in zip(broken.nodes, network.nodes, strict=True):
        name = node.name
        if not _same_product(node, before) or changed.intersection(node.inputs):
            inputs = [run.stored[one] for one in node.inputs]
            run.written[name] = run.stored[name] = step(node, inputs)
        run.stored[name] = _hit_activations(node, run.stored[name], faults, seed)
        if not np.array_equal(run.stored[name], healthy[name]):
            changed.add(name)
    return run


def faulted(network: Network, faults: Sequence[Fault], seed: int) -> Network:
    """The network with its weights hit; sums stay wide enough for all that faults can cause.

    Raises `BadFault`.
    """
    check(network, faults)
    if not faults:
        return network
    nodes = {node.name: node for node in network.nodes}
    for number, fault in enumerate(faults):
        operation = nodes[fault.node].operation
        if fault.target == "weights" and isinstance(operation, (Conv, Depthwise)):
            rng = _generator(seed, number)
            weights = corrupted(operation.weights, operation.weight_format, fault, rng)
            hit = replace(operation, weights=weights)
            nodes[fault.node] = replace(nodes[fault.node], operation=hit)
    widened = tuple(_widened(nodes[node.name], nodes) for node in network.nodes)
    return replace(network, nodes=widened)


def check(network: Network, faults: Sequence[Fault]) -> None:
    """Raises `BadFault` unless each fault finds what it hits."""
    nodes = {node.name: node for node in network.nodes}
    for fault in faults:
        node = nodes.get(fault.node)
        if node is None:
            raise BadFault("unknown_node", node=fault.node)
        form, count = _memory(node, fault.target)
        for bit in fault.bits or ():
            if not 0 <= bit < form.bits:
                raise BadFault("bit_outside", node=node.name, bit=bit, bits=form.bits)
        for position in fault.positions or ():
            if not 0 <= position < count:
                raise BadFault("position_outside", node=node.name, position=position, count=count)
        choices = count * len(_bits(fault, form))
        if fault.hits is not None and fault.hits > choices:
            raise BadFault("too_many_hits", node=node.name, hits=fault.hits, count=choices)


def corrupted(codes: Codes, form: Format, fault: Fault, rng: np.random.Generator) -> Codes:
    """`codes` (any shape) of format `form` with the fault in them."""
    marks = _marks(codes.size, form, fault, rng).reshape(codes.shape)
    if fault.kind == "random_noise":
        noise = np.rint(rng.normal(0, fault.strength * form.high, codes.shape)).astype(np.int64)
        return np.where(marks != 0, np.clip(codes + noise, form.low, form.high), codes)
    mask = (1 << form.bits) - 1
    patterns = codes & mask
    if fault.kind == "bit_flip":
        patterns ^= marks
    elif fault.kind == "stuck_at_1":
        patterns |= marks
    else:
        patterns &= ~marks
    return form.wrapped(patterns)


def _marks(count: int, form: Format, fault: Fault, rng: np.random.Generator) -> Codes:
    """(count,): the bits of each word that are hit."""
    marks = np.zeros(count, np.int64)
    bits = np.array(_bits(fault, form))
    if fault.positions is not None:
        marks[list(fault.positions)] = np.bitwise_or.reduce(1 << bits)
        return marks
    choices = count * len(bits)
    hits = fault.hits if fault.hits is not None else int(rng.binomial(choices, fault.rate or 0.0))
    chosen = rng.choice(choices, hits, replace=False, shuffle=False)
    np.bitwise_or.at(marks, chosen // len(bits), 1 << bits[chosen % len(bits)])
    return marks


def _bits(fault: Fault, form: Format) -> Sequence[int]:
    """The eligible bits of a word. Noise hits a word as a whole."""
    if fault.kind == "random_noise":
        return (0,)
    return range(form.bits) if fault.bits is None else fault.bits


def _memory(node: Node, target: Target) -> tuple[Format, int]:
    """The format and the number of the words that may be hit."""
    if target == "activations":
        return node.format, int(np.prod(node.shape))
    if not isinstance(node.operation, (Conv, Depthwise)):
        raise BadFault("no_weights", node=node.name)
    return node.operation.weight_format, int(node.operation.weights.size)


def _hit_activations(node: Node, codes: Codes, faults: Sequence[Fault], seed: int) -> Codes:
    for number, fault in enumerate(faults):
        if fault.target == "activations" and fault.node == node.name:
            rng = _generator(seed, number)
            if fault.kind in {"stuck_at_0", "stuck_at_1"}:
                marks = _marks(int(np.prod(node.shape)), node.format, fault, rng)
                exact = marks.reshape(node.shape)
                codes = _stuck(codes, exact, node.format, ones=fault.kind == "stuck_at_1")
            else:
                codes = np.stack([corrupted(one, node.format, fault, rng) for one in codes])
    return codes


def _stuck(codes: Codes, marks: Codes, form: Format, *, ones: bool) -> Codes:
    patterns = codes & ((1 << form.bits) - 1)
    patterns = patterns | marks if ones else patterns & ~marks
    return form.wrapped(patterns)


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, number])


def _same_product(node: Node, before: Node) -> bool:
    """Whether the weights are those of before."""
    new, old = node.operation, before.operation
    if isinstance(new, (Conv, Depthwise)) and isinstance(old, (Conv, Depthwise)):
        return new.weights is old.weights or np.array_equal(new.weights, old.weights)
    return True


def _most(form: Format) -> int:
    return max(-form.low, form.high)


def _widened(node: Node, nodes: Mapping[str, Node]) -> Node:
    """The node with sums for every code that its inputs' memories could hold."""
    operation = node.operation
    forms = [nodes[name].format for name in node.inputs]
    if isinstance(operation, (Conv, Depthwise)):
        axes = (0, 1, 2) if isinstance(operation, Conv) else (0, 1)
        taps = np.abs(operation.weights).sum(axis=axes).ravel()
        most = int((taps * _most(forms[0]) + np.abs(operation.bias)).max())
    elif isinstance(operation, Add):
        pairs = zip(forms, operation.left_shifts, strict=True)
        most = sum(_most(form) << shift for form, shift in pairs)
    elif isinstance(operation, AveragePool):
        most = max(cells * by for cells, by in operation.multipliers) * _most(forms[0])
    else:
        return node
    bits = max(operation.sum_bits, most.bit_length() + 1)
    return replace(node, operation=replace(operation, sum_bits=bits))
