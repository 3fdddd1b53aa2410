"""Many faults, one after the other: how much each layer and each bit matters.

A campaign yields its trials as they are done, so that whoever runs it can tell how far it is, and
stop. A trial can be repeated alone: `run_with_faults(network, codes, [trial.fault], trial.seed)`.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.faults import Fault, Kind, Target, check, faulty_run
from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes, Conv, Depthwise, Network

STRIDE: Final = 1_000_003  # between the seeds of two campaigns
HEADS: Final = (
    "trial",
    "kind",
    "target",
    "node",
    "layers",
    "bit",
    "rate",
    "hits",
    "run",
    "seed",
    "agreement",
    "accuracy",
    "drop",
    "changed_outputs",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every kind on every node, on each bit alone or on all, at every rate, `runs` times."""

    nodes: tuple[str, ...]
    kinds: tuple[Kind, ...] = ("bit_flip",)
    target: Target = "weights"
    rates: tuple[float, ...] = ()  # where empty, `hits` random bits are hit
    hits: int = 1
    each_bit: bool = True
    runs: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault and its consequences over all pictures."""

    number: int  # from 0
    fault: Fault
    layers: tuple[str, ...]
    bit: int | None  # None: all bits may be hit
    run: int
    seed: int
    agreement: float  # share of pictures with the class of the healthy network
    accuracy: float | None  # share of pictures with the right class, where that is known
    drop: float  # of accuracy where it is known, else of agreement
    changed_outputs: float  # share of the answer's codes that differ


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Mean and largest drop for each node and bit; None where a node has no such bit."""

    kind: Kind
    nodes: tuple[str, ...]
    bits: tuple[int, ...]  # from the highest
    mean: tuple[tuple[float | None, ...], ...]
    worst: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A node's mean drop at each rate."""

    kind: Kind
    node: str
    rates: tuple[float, ...]
    drops: tuple[float, ...]


def faults_of(network: Network, plan: Plan) -> list[tuple[Fault, int | None, int]]:
    """(fault, bit, run) of every trial, in order. Raises `BadFault`."""
    found: list[tuple[Fault, int | None, int]] = []
    amounts: list[tuple[float | None, int | None]] = [(rate, None) for rate in plan.rates]
    for kind in plan.kinds:
        for name in plan.nodes:
            check(network, [Fault(kind, plan.target, name, rate=0.0)])
            bits = range(_width(network, name, plan.target))[::-1]
            each = bits if plan.each_bit and kind != "random_noise" else [None]
            for bit in each:
                for rate, hits in amounts or [(None, plan.hits)]:
                    chosen = None if bit is None else (bit,)
                    fault = Fault(kind, plan.target, name, rate=rate, hits=hits, bits=chosen)
                    check(network, [fault])
                    found += [(fault, bit, run) for run in range(plan.runs)]
    return found


def campaign(
    network: Network, codes: Codes, plan: Plan, labels: Sequence[int] | None = None
) -> Iterator[Trial]:
    """The trials over pictures (N, H, W, C), as they are done. Raises `BadFault` at the first."""
    planned = faults_of(network, plan)
    healthy = run_integer(network, codes)
    before = answers(network, healthy)
    right = None if labels is None else np.asarray(labels, np.int64)
    for number, (fault, bit, run) in enumerate(planned):
        seed = plan.seed * STRIDE + number
        outputs = faulty_run(network, healthy, [fault], seed).stored
        now = answers(network, outputs)
        agreement = float((now == before).mean())
        yield Trial(
            number=number,
            fault=fault,
            layers=network.node(fault.node).layers,
            bit=bit,
            run=run,
            seed=seed,
            agreement=agreement,
            accuracy=None if right is None else float((now == right).mean()),
            drop=_drop(before, now, right),
            changed_outputs=float((outputs[network.answer] != healthy[network.answer]).mean()),
        )


def _drop(before: NDArray[Any], now: NDArray[Any], right: NDArray[Any] | None) -> float:
    if right is None:
        return float((now != before).mean())
    return float((before == right).mean() - (now == right).mean())


def _width(network: Network, name: str, target: Target) -> int:
    node = network.node(name)
    if target == "weights":
        assert isinstance(node.operation, (Conv, Depthwise))
        return node.operation.weight_format.bits
    return node.format.bits


def heat_maps(trials: Iterable[Trial]) -> list[HeatMap]:
    """One map a kind, of the trials that hit one bit each."""
    drops: dict[Kind, dict[tuple[str, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if trial.bit is not None:
            drops[trial.fault.kind][trial.fault.node, trial.bit].append(trial.drop)
    maps = []
    for kind, cells in drops.items():
        nodes = tuple(dict.fromkeys(node for node, _ in cells))
        bits = tuple(sorted({bit for _, bit in cells}, reverse=True))
        rows = [[cells.get((node, bit)) for bit in bits] for node in nodes]
        mean = tuple(tuple(sum(one) / len(one) if one else None for one in row) for row in rows)
        worst = tuple(tuple(max(one) if one else None for one in row) for row in rows)
        maps.append(HeatMap(kind, nodes, bits, mean, worst))
    return maps


def curves(trials: Iterable[Trial]) -> list[Curve]:
    """One curve a kind and node, of the trials that had a rate."""
    drops: dict[tuple[Kind, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if trial.fault.rate is not None:
            drops[trial.fault.kind, trial.fault.node][trial.fault.rate].append(trial.drop)
    found = []
    for (kind, node), rates in drops.items():
        means = tuple(sum(rates[rate]) / len(rates[rate]) for rate in sorted(rates))
        found.append(Curve(kind, node, tuple(sorted(rates)), means))
    return found


def table(trials: Iterable[Trial]) -> list[tuple[str | int | float | None, ...]]:
    """A row a trial, in the order of `HEADS`."""
    return [
        (
            trial.number,
            trial.fault.kind,
            trial.fault.target,
            trial.fault.node,
            ", ".join(trial.layers),
            trial.bit,
            trial.fault.rate,
            trial.fault.hits,
            trial.run,
            trial.seed,
            trial.agreement,
            trial.accuracy,
            trial.drop,
            trial.changed_outputs,
        )
        for trial in trials
    ]


def campaign_csv(trials: Iterable[Trial]) -> str:
    """The table as CSV (RFC 4180). A text that a spreadsheet would take for a formula is quoted."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADS)
    for row in table(trials):
        writer.writerow([_plain(cell) if isinstance(cell, str) else cell for cell in row])
    return file.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
