"""What the page of one export shows beside its result."""

from collections.abc import Mapping
from typing import Any, Final

from fpga_export.models import ExportSession, Owner
from fpga_export.refusals import NoNetwork
from fpga_export.selectors import network_of
from fpga_export.step_words import STEPS

CLOCK_MHZ: Final = 100.0
CLOCKS: Final = (0.001, 10_000.0)
# Runs that tell of each layer as they come to it.
BY_LAYER: Final = {ExportSession.Kind.INFERENCE, ExportSession.Kind.FAULTS}


def running_facts(owner: Owner, export: ExportSession) -> dict[str, Any]:
    """Words for its steps, and the layers that it will come to."""
    facts: dict[str, Any] = {"step_words": list(STEPS.items()), "steps": []}
    if export.kind in BY_LAYER:
        try:
            layers = network_of(owner, export.network)["layers"]
        except NoNetwork:  # deleted meanwhile
            return facts
        facts["steps"] = [layer["name"] for layer in layers if layer["type"] != "InputLayer"]
    return facts


def clock_facts(result: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """How long a picture takes at the clock (MHz) that somebody asked for, and how many a second.

    A stream takes `first_cycles` to its first answer and `cycles` to each one after it.
    """
    try:
        clock = float(asked.replace(",", "."))
    except ValueError:
        clock = CLOCK_MHZ
    if not CLOCKS[0] <= clock <= CLOCKS[1]:  # not a number is outside too
        clock = CLOCK_MHZ
    cycles = result.get("cycles") or 1
    first = result.get("first_cycles") or cycles
    return {"clock": clock, "milliseconds": first / clock / 1e3, "a_second": clock * 1e6 / cycles}
