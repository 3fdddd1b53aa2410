"""What the shipped letter network keeps of its answers in integers."""

from functools import cache

import numpy as np
import pytest

from fpga_export import store
from fpga_export.core.float_run import run_float
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.loader import read_model
from fpga_export.core.pack_report import judged
from fpga_export.core.quantise import quantise
from fpga_export.run_folder import as_wanted, calibration
from fpga_export.tests.drawn_hands import drawn_hand

SMALL = "letters-small-v1.keras"
SURE = 0.4  # a network that guesses says nothing by changing its guess


@cache
def hands() -> tuple[FloatGraph, list[Floats]]:
    """The network, and drawn hands that it thinks it can read."""
    graph = read_model(store.shipped()[SMALL], filename=SMALL)
    drawn = [as_wanted(drawn_hand(seed), graph) for seed in range(320)]
    chances = run_float(graph, np.stack(drawn))["probabilities"].max(axis=1)
    return graph, [one for one, sure in zip(drawn, chances, strict=True) if sure >= SURE]


def test_the_drawn_hands_are_many_and_of_several_letters() -> None:
    graph, shown = hands()
    letters = run_float(graph, np.stack(shown))["probabilities"].argmax(axis=1)
    assert len(shown) >= 100
    assert len(set(letters.tolist())) >= 8


@pytest.mark.parametrize(
    ("bits", "agreement", "decibels"), [(8, 0.99, 24), (10, 0.99, 36), (16, 1.0, 68)]
)
@pytest.mark.parametrize("several", [False, True])
def test_integers_name_the_class_that_floating_point_names(
    *, bits: int, agreement: float, decibels: float, several: bool
) -> None:
    """As measured: 0.995 to 1; 24.7, 36.8 and 69.5 dB. On photographs: docs/hardware.md."""
    graph, shown = hands()
    some = shown[:40] if several else calibration(shown[0])
    network = quantise(graph, some, weight_bits=bits, activation_bits=bits)
    found = judged(graph, network, shown[40:])
    assert found["agreement"]["share"] >= agreement
    assert found["worst_sqnr_db"] >= decibels
