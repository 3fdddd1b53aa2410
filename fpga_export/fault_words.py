"""Faults as the pages tell them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WEIGHTED: Final = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense"}
MOST_SHOWN: Final = 10
NAMES: Final[dict[str, str | Promise]] = {
    "bit_flip": _("Flipped bits"),
    "stuck_at_0": _("Bits stuck at 0"),
    "stuck_at_1": _("Bits stuck at 1"),
    "random_noise": _("Random noise"),
}


def fault_name(kind: str) -> str:
    """A kind of fault in words."""
    return str(NAMES[kind])


def weighted_layers(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the layers that have weights of their own in a core."""
    return [layer["name"] for layer in layers if layer["type"] in WEIGHTED]


def campaign_tables(campaign: Mapping[str, Any]) -> dict[str, Any]:
    """Heat maps and the worst trials, row by row."""
    maps = [
        heat
        | {
            "name": fault_name(heat["kind"]),
            "rows": list(zip(heat["nodes"], heat["mean"], strict=True)),
        }
        for heat in campaign["heat_maps"]
    ]
    trials = [dict(zip(campaign["heads"], row, strict=True)) for row in campaign["worst"]]
    harmful = [trial for trial in trials if trial["drop"] > 0][:MOST_SHOWN]
    worst = [trial | {"name": fault_name(trial["kind"])} for trial in harmful]
    return {"heat_maps": maps, "worst": worst}
