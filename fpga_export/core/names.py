"""Names that strangers chose, made safe: as VHDL identifiers and as file names.

VHDL is blind to case and forbids a leading digit and a double or trailing underscore; the netlist
is Verilog, whose reserved words are avoided too.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

LONGEST: Final = 64  # characters; leaves room for what a writer appends
LONGEST_FILE: Final = 100

VHDL_2019: Final = """
abs access after alias all and architecture array assert assume assume_guarantee attribute
begin block body buffer bus case component configuration constant context cover default
disconnect downto else elsif end entity exit fairness file for force function generate generic
group guarded if impure in inertial inout is label library linkage literal loop map mod nand
new next nor not null of on open or others out package parameter port postponed private
procedure process property protected pure range record register reject release rem report
restrict restrict_guarantee return rol ror select sequence severity shared signal sla sll sra
srl strong subtype then to transport type unaffected units until use variable view vmode vpkg
vprop vunit wait when while with xnor xor
"""
# An entity hides what it is named after, inside of itself.
VISIBLE: Final = """
bit bit_vector boolean character false ieee integer math_real natural numeric_std positive real
rising_edge falling_edge resize severity_level shift_left shift_right signed std std_logic
std_logic_1164 std_logic_vector std_ulogic std_ulogic_vector string textio time to_integer
to_signed to_unsigned true unsigned work
clk rst address data_out data_width addr_length line lines row memory
"""
VERILOG: Final = """
always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign
default defparam design disable edge else end endcase endconfig endfunction endgenerate
endmodule endprimitive endspecify endtable endtask event for force forever fork function
generate genvar highz0 highz1 if ifnone incdir include initial inout input instance integer
join large liblist library localparam macromodule medium module nand negedge nmos nor
noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1
pulldown pullup rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table
task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use vectored wait
wand weak0 weak1 while wire wor xnor xor
"""
FORBIDDEN: Final = frozenset(f"{VHDL_2019} {VISIBLE} {VERILOG}".split())
# File names that Windows keeps for its devices, with any ending.
DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def identifier(name: str, taken: Collection[str] = ()) -> str:
    """`name` as a VHDL identifier in lower case that none of `taken` equals, whatever their case.

    The caller adds it to `taken`. The same arguments give the same name.
    """
    plain = _ascii(name).lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not words or words[0].isdigit():
        words = f"n_{words}".strip("_")
    words = words[:LONGEST].rstrip("_")
    if words in FORBIDDEN:
        words += "_layer"
    return _unlike(words, {one.lower() for one in taken}, longest=LONGEST)


def file_stem(name: str, taken: Collection[str] = ()) -> str:
    """`name` as the start of a file's name: no path, no hidden file, unique on blind disks."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", _ascii(name)).lstrip(".-")[:LONGEST_FILE].rstrip(".")
    if not plain or DEVICES.fullmatch(plain):
        plain = f"_{plain}"
    return _unlike(plain, {one.lower() for one in taken}, longest=LONGEST_FILE)


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")


def _unlike(words: str, taken: set[str], *, longest: int) -> str:
    if words.lower() not in taken:
        return words
    for number in range(2, len(taken) + 3):
        ending = f"_{number}"
        numbered = words[: longest - len(ending)].rstrip("_") + ending
        if numbered.lower() not in taken:
            return numbered
    raise AssertionError("of so many names one is free")
