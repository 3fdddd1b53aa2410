"""How an integer network answers a pack, beside the float network and beside the labels."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Tally:
    """What was answered so far, and what each layer's codes lost."""

    graph: FloatGraph
    network: Network
    power: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    noise: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    floats: list[int] = field(default_factory=list)  # classes
    integers: list[int] = field(default_factory=list)

    def count(self, pictures: Sequence[Floats]) -> None:
        """Run both networks on some pictures."""
        network = self.network
        outputs = run_integer(
            network, np.stack([codes_of(self.graph, network, one) for one in pictures])
        )
        until = network.node(network.answer).layers[-1]
        values = float_values(self.graph, lower(self.graph, until=until), pictures)
        for node in network.nodes:
            exact = np.asarray(values[node.name], np.float64)
            lost = to_values(outputs[node.name], node.format) - exact
            self.power[node.name] += float(np.square(exact).sum())
            self.noise[node.name] += float(np.square(lost).sum())
        self.integers += answers(network, outputs).tolist()
        flat = values[network.answer].reshape(len(pictures), -1)
        self.floats += flat.argmax(axis=1).tolist()

    def layers(self) -> dict[str, Any]:
        """SQNR of each layer over all pictures, and the worst one."""
        found: list[dict[str, Any]] = [
            {"name": name, "sqnr_db": decibels(power, self.noise[name])}
            for name, power in self.power.items()
        ]
        measured = [one for one in found if one["sqnr_db"] is not None]
        worst = min(measured, key=lambda one: one["sqnr_db"], default={"name": None})
        return {
            "layers": found,
            "worst_layer": worst["name"],
            "worst_sqnr_db": worst.get("sqnr_db"),
        }


def judged(
    graph: FloatGraph,
    network: Network,
    pictures: Sequence[Floats],
    *,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    goes_on: GoesOn = lambda done: True,
) -> dict[str, Any]:
    """JSON of the answers to the pictures, as far as `goes_on` lets it come."""
    tally = Tally(graph, network)
    for some in _batches(network, pictures):
        tally.count(some)
        if not goes_on(len(tally.integers)):
            break
    before, now = np.array(tally.floats, np.int64), np.array(tally.integers, np.int64)
    right = None if labels is None else labels[: len(now)]
    return {
        "pictures": len(now),
        "complete": len(now) == len(pictures),
        "labelled": right is not None,
        "agreement": share(before == now),
        "accuracy_float": None if right is None else share(before == right),
        "accuracy_integer": None if right is None else share(now == right),
        "changed": _changed(before, now, right, classes),
        **tally.layers(),
    }


def classes_named(
    graph: FloatGraph, network: Network, picture: Floats, classes: Sequence[str]
) -> dict[str, Any]:
    """The class that each network gives one picture, by number and by name."""
    tally = Tally(graph, network)
    tally.count([picture])
    first, second = tally.floats[0], tally.integers[0]
    return {
        "float_class": first,
        "integer_class": second,
        "float_name": named(first, classes),
        "integer_name": named(second, classes),
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
