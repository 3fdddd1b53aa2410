"""Bits for each layer: as few as a wished precision needs, chosen by calibration.

Each layer's weights and values are rounded alone first, to as few bits as keep the wished ratio of
signal to noise with a share for every other rounding; then the whole integer network is measured,
and what it lacks is asked of every layer more.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import run_integer, to_codes, to_values
from fpga_export.core.ir import Network
from fpga_export.core.passes import Step, lower
from fpga_export.core.quantise import ANSWER_BITS, BYTE, best_format, codes_of, quantise, room
from fpga_export.core.report import sqnr_db
from fpga_export.core.step_values import float_values

WISHED_DB: Final = 35.0  # at every layer, counted from the picture on
AUTO: Final = "auto"  # asked for in place of a number of bits
LEAST, MOST = 4, 16
TRIES: Final = 8
JUDGED: Final = 4  # pictures
INHERITED: Final = {"max", "pad", "reshape"}  # their format is that of what they read

Bits = dict[str, tuple[int, int]]  # of weights and of the result, by the step's name


def chosen_bits(
    graph: FloatGraph,
    pictures: Sequence[Floats],
    *,
    wished_db: float = WISHED_DB,
    until: str | None = None,
) -> Bits:
    """What `quantise` takes as `per_layer`, so that each layer reaches `wished_db` if 16 bits can.

    Raises what `quantise` does.
    """
    steps = lower(graph, until=until)
    seen = float_values(graph, steps, pictures[:JUDGED])
    roundings = sum(1 + (step.weights is not None) for step in steps)
    asked = wished_db + 10 * math.log10(roundings)
    bits = _alone(steps, seen, asked)
    for _ in range(TRIES):
        network = quantise(graph, pictures, per_layer=bits, until=until)
        lacking = wished_db - worst_db(graph, network, seen, pictures[:JUDGED])
        if lacking <= 0:
            break
        asked += lacking + 1.0
        bits = _alone(steps, seen, asked)
    return bits


def worst_db(
    graph: FloatGraph, network: Network, seen: dict[str, Floats], pictures: Sequence[Floats]
) -> float:
    """The least ratio of signal to noise of any layer on those pictures; infinite without noise."""
    answers = [run_integer(network, codes_of(graph, network, one)) for one in pictures]
    found = []
    for node in network.nodes:
        values = np.stack([to_values(one[node.name], node.format) for one in answers])
        decibels = sqnr_db(seen[node.name], values.reshape(seen[node.name].shape))
        found.append(math.inf if decibels is None else decibels)
    return min(found)


def _alone(steps: Sequence[Step], seen: dict[str, Floats], asked: float) -> Bits:
    """The bits of each step, as if nothing else were rounded."""
    bits: Bits = {}
    for step in steps:
        if step.kind in INHERITED:
            continue
        weights = LEAST if step.weights is None else _fewest(step.weights, asked, pictures=0)
        values = _fewest(seen[step.name], asked, pictures=len(seen[step.name]))
        if step.kind == "source":
            values = max(values, BYTE.bits)
        if step is steps[-1]:
            values = ANSWER_BITS
        bits[step.name] = weights, values
    return bits


def _fewest(values: NDArray[np.floating[Any]], asked: float, *, pictures: int) -> int:
    """The fewest bits that keep `values` to `asked` decibels; `MOST` where none do."""
    signed = float(values.min(initial=0.0)) < 0
    for bits in range(LEAST, MOST):
        spare = room(pictures, bits) if pictures else 1.0
        form = best_format(values, bits, signed=signed, spare=spare)
        found = sqnr_db(values, to_values(to_codes(values, form), form))
        if found is None or found >= asked:
            return bits
    return MOST
