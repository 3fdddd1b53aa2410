"""What a layer makes of its input, whatever its kind, or why it cannot be."""

import math
from typing import Final

from fpga_export.core.graph import ModelRefused
from fpga_export.core.kinds import KINDS, Config, Outcome, Size, numbers
from fpga_export.core.kinds_named import NAMED
from fpga_export.core.limits import VALUES_A_LAYER

KNOWN: Final = {**KINDS, **NAMED}


def outcome(kind: str, config: Config, inputs: list[Size], name: str) -> Outcome:
    """Raises `ModelRefused` for a kind that is not known and for settings that cannot be."""
    if kind not in KNOWN:
        raise ModelRefused("unknown_layer", name, kind=kind)
    try:
        numbers(config)
        found = KNOWN[kind](config, inputs)
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        ArithmeticError,
    ) as error:
        raise ModelRefused("bad_settings", name, kind=kind) from error
    if min(found.shape, default=1) < 1 or math.prod(found.shape) > VALUES_A_LAYER:
        raise ModelRefused("bad_shape", name, shape=list(found.shape))
    return found
