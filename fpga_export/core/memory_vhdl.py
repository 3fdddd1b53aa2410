"""Memories as VHDL: ROM entities that synthesis takes, and packages with a constant.

Every ROM answers one clock later, at any address: words beyond the content are zero. A long ROM
is an array of wide hexadecimal lines, which GHDL analyses several times faster than one literal a
word; line and place in the line come from the address. No array has a depth of one: GHDL's
synthesis does not survive that.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.memories import BadMemory, Patterns, Words, columns, hex_digits, remark

PLACES: Final = 16  # words of one wide line: a power of two, and a multiple of four
LITERALS_A_ROW: Final = 16

HEAD: Final = """\
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity {name} is
  generic (
    data_width  : positive := {bits};
    addr_length : positive := {address_bits}
  );
  port (
    clk      : in  std_logic;
    address  : in  std_logic_vector(addr_length - 1 downto 0);
    data_out : out std_logic_vector(data_width - 1 downto 0)
  );
end entity {name};
"""

WIDE: Final = """
architecture rom of {name} is
  constant places : positive := {places};
  type lines_of_words is array (0 to 2**addr_length / places - 1)
    of std_logic_vector(places * data_width - 1 downto 0);
  constant content : lines_of_words := (
{body}  );
  signal wide  : std_logic_vector(places * data_width - 1 downto 0);
  signal place : unsigned({place_bits} - 1 downto 0);
begin
  fetch : process (clk)
  begin
    if rising_edge(clk) then
      wide  <= content(to_integer(unsigned(address(addr_length - 1 downto {place_bits}))));
      place <= unsigned(address({place_bits} - 1 downto 0));
    end if;
  end process fetch;

  pick : process (wide, place)
  begin
    data_out <= wide(data_width - 1 downto 0);
    for i in 0 to places - 1 loop
      if place = i then
        data_out <= wide((places - i) * data_width - 1 downto (places - i - 1) * data_width);
      end if;
    end loop;
  end process pick;
end architecture rom;
"""

PLAIN: Final = """
architecture rom of {name} is
  type words is array (0 to 2**addr_length - 1) of std_logic_vector(data_width - 1 downto 0);
  constant content : words := (
{body}  );
begin
  fetch : process (clk)
  begin
    if rising_edge(clk) then
      data_out <= content(to_integer(unsigned(address)));
    end if;
  end process fetch;
end architecture rom;
"""

PACKAGE: Final = """\
library ieee;
use ieee.std_logic_1164.all;

package {name} is
  constant data_width : positive := {bits};
  constant depth      : positive := {depth};
  type words is array (0 to depth - 1) of std_logic_vector(data_width - 1 downto 0);
  constant content : words := (
{body}  );
end package {name};
"""


def address_bits(words: int) -> int:
    """Bits of an address of that many words: at least one."""
    return max((words - 1).bit_length(), 1)


def rom(name: str, words: Words, about: Sequence[str] = ()) -> str:
    """A ROM entity of wide lines, for contents of any length."""
    wide = max(address_bits(len(words)), PLACES.bit_length())
    lines = -(-len(words) // PLACES)
    body = _wide_lines(words, lines)
    if lines < 2**wide // PLACES:
        body += b"    others => (others => '0')\n"
    else:
        body = _without_last_comma(body)
    head = HEAD.format(name=name, bits=words.bits, address_bits=wide)
    rest = WIDE.format(
        name=name, places=PLACES, place_bits=PLACES.bit_length() - 1, body=body.decode("ascii")
    )
    return _remarks(about) + head + rest


def plain_rom(name: str, words: Words, about: Sequence[str] = ()) -> str:
    """A ROM entity with one literal a word: readable, and fast enough up to a million words."""
    bits = address_bits(len(words))
    body = _literals(words)
    if len(words) < 2**bits:
        body += b"    others => (others => '0')\n"
    else:
        body = _without_last_comma(body)
    head = HEAD.format(name=name, bits=words.bits, address_bits=bits)
    return _remarks(about) + head + PLAIN.format(name=name, body=body.decode("ascii"))


def package(name: str, words: Words, about: Sequence[str] = ()) -> str:
    """A package with the words as a constant; one word alone is followed by a zero."""
    depth = max(len(words), 2)
    body = _literals(words)
    if depth > len(words):
        body += b"    others => (others => '0')\n"
    else:
        body = _without_last_comma(body)
    text = PACKAGE.format(name=name, bits=words.bits, depth=depth, body=body.decode("ascii"))
    return _remarks(about) + text


def read_vhdl(text: str) -> Patterns:
    """The words that a ROM entity or a package above spells out, wide lines taken apart.

    Zeros that fill up the last wide line are read as words.
    """
    content = re.search(r"constant content : \w+ := \(\n(.*?)\n  \);", text, re.DOTALL)
    if not content:
        raise BadMemory("no content")
    width = re.search(r"data_width +: positive := (\d+)", text)
    if not width:
        raise BadMemory("no width")
    bits = int(width[1])
    entries = re.sub(r",?\s*others => \(others => '0'\)\s*$", "", content[1])
    places = PLACES if "constant places" in text else 1
    found = []
    for entry in entries.split(","):
        literal = re.fullmatch(r'\s*(x?)"([0-9A-F]+)"\s*', entry)
        if not literal:
            raise BadMemory(f"not a literal: {entry.strip()[:50]!r}")
        found += _taken_apart(literal[1], literal[2], bits, places)
    return np.array(found, np.int64)


def _taken_apart(base: str, digits: str, bits: int, places: int) -> list[int]:
    if len(digits) * (4 if base else 1) != bits * places:
        raise BadMemory(f"a literal of another width: {digits[:50]!r}")
    whole = int(digits, 16 if base else 2)
    mask = (1 << bits) - 1
    return [whole >> (bits * place) & mask for place in reversed(range(places))]


def _remarks(about: Sequence[str]) -> str:
    return "".join(f"-- {remark(line)}\n" for line in about)


def _wide_lines(words: Words, lines: int) -> bytes:
    """Rows of one wide literal each, the first word leftmost, each with its comma."""
    filled = np.zeros(lines * PLACES, np.int64)
    filled[: len(words)] = words.patterns
    places = np.arange(words.bits)[::-1]
    if words.bits % 4 == 0:
        digits = hex_digits(filled, words.bits).reshape(lines, -1)
    else:
        ones = ((filled[:, None] >> places) & 1).reshape(lines, -1, 4)
        digits = hex_digits((ones @ np.array([8, 4, 2, 1])).ravel(), 4).reshape(lines, -1)
    return columns(b'    x"', digits, b'",\n', rows=lines)


def _literals(words: Words) -> bytes:
    """Sixteen literals a row, each with its comma."""
    patterns = words.patterns
    if words.bits % 4 == 0:
        before, digits = b' x"', hex_digits(patterns, words.bits)
    else:
        places = np.arange(words.bits)[::-1]
        before, digits = b' "', ((patterns[:, None] >> places) & 1).astype(np.uint8) + ord("0")
    whole = len(words) // LITERALS_A_ROW
    cut = whole * LITERALS_A_ROW
    body = _rows(before, digits[:cut], whole) if whole else b""
    return body + (_rows(before, digits[cut:], 1) if cut < len(words) else b"")


def _rows(before: bytes, digits: NDArray[np.uint8], rows: int) -> bytes:
    literals = columns(before, digits, b'",', rows=len(digits))
    table = np.frombuffer(literals, np.uint8).reshape(rows, -1)
    return columns(b"   ", table, bytes([10]), rows=rows)


def _without_last_comma(body: bytes) -> bytes:
    return body[: body.rindex(b",")] + b"\n"
