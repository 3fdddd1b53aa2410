"""How an integer network answers a pack, beside the float network and beside the labels."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import answers, run_integer, to_values
from fpga_export.core.ir import Network
from fpga_export.core.passes import lower
from fpga_export.core.quantise import codes_of
from fpga_export.core.report import decibels
from fpga_export.core.step_values import float_values
from predictions.core.metrics import wilson_interval

BATCH_VALUES: Final = 4_000_000  # of all layers of the pictures that are run at once
MOST_BATCH: Final = 64
MOST_PAIRS: Final = 100  # of classes that differ

GoesOn = Callable[[int], bool]  # hears how many are done; False ends it there


def judged(
    graph: FloatGraph,
    network: Network,
    pictures: Sequence[Floats],
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    goes_on: GoesOn = lambda done: True,
) -> dict[str, Any]:
    """JSON of the answers to the pictures, as far as `goes_on` lets it come.

    Where the core ends before the network does, there are no classes to compare.
    """
    power = dict.fromkeys((node.name for node in network.nodes), 0.0)
    noise = dict(power)
    before: list[int] = []
    now: list[int] = []
    for some in _batches(network, pictures):
        codes = np.stack([codes_of(graph, network, one) for one in some])
        outputs = run_integer(network, codes)
        until = network.node(network.answer).layers[-1]
        floats = float_values(graph, lower(graph, until=until), some)
        for node in network.nodes:
            exact = np.asarray(floats[node.name], np.float64)
            lost = to_values(outputs[node.name], node.format) - exact
            power[node.name] += float(np.square(exact).sum())
            noise[node.name] += float(np.square(lost).sum())
        now += answers(network, outputs).tolist()
        before += floats[network.answer].reshape(len(some), -1).argmax(axis=1).tolist()
        if not goes_on(len(now)):
            break
    first, second = np.array(before, np.int64), np.array(now, np.int64)
    layers = [{"name": name, "sqnr_db": decibels(power[name], noise[name])} for name in power]
    measured = [one for one in layers if one["sqnr_db"] is not None]
    worst = min(measured, key=lambda one: one["sqnr_db"], default=None)
    right = None if labels is None else labels[: len(now)]
    return {
        "pictures": len(now),
        "complete": len(now) == len(pictures),
        "labelled": right is not None,
        "agreement": share(first == second),
        "accuracy_float": None if right is None else share(first == right),
        "accuracy_integer": None if right is None else share(second == right),
        "changed": _changed(first, second, right, classes),
        "layers": layers,
        "worst_layer": worst["name"] if worst else None,
        "worst_sqnr_db": worst["sqnr_db"] if worst else None,
    }


def share(hits: NDArray[np.bool_]) -> dict[str, Any]:
    """How many of how many, with Wilson's interval of 95 %."""
    same, n = int(hits.sum()), len(hits)
    low, high = wilson_interval(same, n)
    return {
        "same": same,
        "pictures": n,
        "share": same / n if n else 0.0,
        "low": round(low, 6),
        "high": round(high, 6),
    }


def _batches(network: Network, pictures: Sequence[Floats]) -> Iterator[Sequence[Floats]]:
    values = sum(int(np.prod(node.shape)) for node in network.nodes)
    size = max(1, min(MOST_BATCH, BATCH_VALUES // values))
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def _changed(
    before: NDArray[np.int64],
    now: NDArray[np.int64],
    right: NDArray[np.int64] | None,
    classes: Sequence[str],
) -> list[dict[str, Any]]:
    """Which class became which, how often, and how often it was right before and is now."""
    rows = np.flatnonzero(before != now).tolist()
    pairs = Counter((int(before[row]), int(now[row])) for row in rows)
    found = []
    for (first, second), count in pairs.most_common(MOST_PAIRS):
        own: dict[str, Any] = {"float_class": first, "integer_class": second}
        if classes:
            own |= {"float_name": named(first, classes), "integer_name": named(second, classes)}
        own["count"] = count
        if right is not None:
            these = [row for row in rows if (before[row], now[row]) == (first, second)]
            own["float_right"] = sum(int(right[row] == first) for row in these)
            own["integer_right"] = sum(int(right[row] == second) for row in these)
        found.append(own)
    return found


def named(number: int | None, classes: Sequence[str]) -> str:
    """The class's name where it has one, else its number."""
    if number is None:
        return ""
    return classes[number] if number < len(classes) else str(number)
