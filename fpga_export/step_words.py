"""What a running child says of itself, in words. A layer's name stands for itself."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STEPS: Final[dict[str, str | Promise]] = {
    "load": _("Reading the network"),
    "read": _("Reading the picture"),
    "pack": _("Reading the pack"),
    "float": _("Computing in floating point"),
    "integer": _("Computing in integers"),
    "quantise": _("Choosing formats"),
    "write": _("Writing files"),
    "simulate": _("Simulating in GHDL"),
    "report": _("Writing the report"),
    "netlist": _("Simulating the netlist"),
    "xc7": _("Counting cells of a Xilinx 7"),
    "ice40": _("Counting cells of an iCE40"),
    "ecp5": _("Counting cells of an ECP5"),
    "clock": _("Finding the clock"),
}
