"""A campaign as pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from fpga_export.core.fault_campaign import Curve, HeatMap, Plan, campaign, curves, heat_maps
from fpga_export.core.fault_plots import curves_png, heat_colour, heat_map_png
from fpga_export.tests.small_networks import classifier, pictures


def opened(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB")).astype(int)


def test_a_heat_map_has_a_cell_for_each_node_and_bit() -> None:
    cells = ((1.0, 0.0), (None, 0.5))
    heat = HeatMap("bit_flip", ("conv", "dense"), (1, 0), cells, cells)
    picture = opened(heat_map_png(heat, title="Caída de la exactitud", bit_label="bit"))
    found = {tuple(colour) for colour in picture.reshape(-1, 3)}
    assert {heat_colour(1.0), heat_colour(0.0), heat_colour(0.5), (240, 242, 246)} <= found
    taller = HeatMap("bit_flip", ("a", "b", "c"), (1, 0), (*cells, (0.0, 0.0)), cells)
    grown = opened(heat_map_png(taller, title="x", bit_label="bit"))
    assert grown.shape[0] - picture.shape[0] == 34


def test_colours_go_from_light_to_dark() -> None:
    sums = [sum(heat_colour(n / 20)) for n in range(21)]
    assert sums == sorted(sums, reverse=True)
    assert heat_colour(-0.5) == heat_colour(0) == (255, 250, 240)
    assert heat_colour(7) == heat_colour(1) == (103, 0, 13)


def test_a_curve_ends_where_its_last_drop_is() -> None:
    curve = Curve("bit_flip", "conv", (0.0, 0.001, 0.1), (0.0, 0.2, 1.0))
    picture = opened(curves_png([curve], title="t", rate_label="tasa", drop_label="caída"))
    blue = np.argwhere((picture == (0, 114, 178)).all(axis=2))
    plot = blue[blue[:, 1] < 70 + 760 + 10]
    top, right = plot[:, 0].min(), plot[:, 1].max()
    assert abs(top - 64) <= 5  # all is lost
    assert abs(right - 830) <= 5  # at 0.1
    assert abs(plot[:, 0].max() - 484) <= 5  # nothing at 0


@pytest.mark.parametrize("count", [0, 1, 20])
def test_any_number_of_curves_is_drawn(count: int) -> None:
    found = [
        Curve("stuck_at_1", f"a_long_name_of_a_layer_{n}", (0.5,), (0.1,)) for n in range(count)
    ]
    assert opened(curves_png(found, title="t", rate_label="r", drop_label="d")).shape[0] > 400


def test_a_campaign_can_be_drawn() -> None:
    plan = Plan(("conv", "dense"), rates=(0.01, 0.1), runs=2)
    trials = list(campaign(classifier(), pictures(10), plan))
    (heat,) = heat_maps(trials)
    assert heat_map_png(heat, title="t", bit_label="bit")
    assert curves_png(curves(trials), title="t", rate_label="r", drop_label="d")
