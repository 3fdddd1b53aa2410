"""What a memory holds, written for simulators, synthesis and vendor tools, and read back.

Every writer has a reader; a reader gives the words' bit patterns and refuses what it does not
understand. The formats, each with one word an entry in address order:

- `.vhdl.txt`, `.vhd`: a ROM entity or a package (memory_vhdl.py)
- `.coe`: Xilinx coefficient file, radix 16 (Vivado Block Memory Generator, UG1037)
- `.mif`: Intel/Altera memory initialisation file, radix 16
- `.mem`: Verilog `$readmemh` and Vivado XPM memories; one word a line
- `.hex`: Intel HEX, records of at most 16 bytes; addresses count bytes
- `.bin`: plain bytes
- `.h`: a C array

In `.hex` and `.bin` a word takes whole bytes, the most significant first, sign extended.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.names import identifier as identifier

WIDEST: Final = 62  # bits: what int64 carries with a sign and room for a mask
RECORD: Final = 16  # bytes of one Intel HEX record
DIGITS: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8)

Patterns = NDArray[np.int64]  # words as unsigned numbers


class BadMemory(Exception):
    """The text is no memory of this format."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The content of a memory: every value fits in `bits`. Raises `ValueError` if one does not."""

    values: NDArray[np.int64]  # of any shape; the last axis runs fastest
    bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= WIDEST:
            raise ValueError(f"{self.bits} bits; a word has 1 to {WIDEST}")
        low, high = (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1)
        if not self.signed:
            low, high = 0, (1 << self.bits) - 1
        if self.values.size == 0:
            raise ValueError("a memory holds at least one word")
        if self.values.min() < low or self.values.max() > high:
            raise ValueError(f"words outside of {low} to {high}")

    def __len__(self) -> int:
        return int(self.values.size)

    @property
    def patterns(self) -> Patterns:
        """The words' bits as unsigned numbers, in address order."""
        return np.asarray(self.values, np.int64).ravel() & ((1 << self.bits) - 1)

    @property
    def octets(self) -> NDArray[np.uint8]:
        """(words, bytes of a word): most significant byte first, sign extended."""
        wide = np.asarray(self.values, ">i8").ravel().view(np.uint8).reshape(-1, 8)
        return np.asarray(wide[:, 8 - self.octets_each :], np.uint8)

    @property
    def octets_each(self) -> int:
        """Bytes that a word takes."""
        return -(-self.bits // 8)


def hex_digits(patterns: Patterns, bits: int) -> NDArray[np.uint8]:
    """(words, digits): each word's upper-case hexadecimal digits as ASCII."""
    places = np.arange(-(-bits // 4))[::-1] * 4
    return np.asarray(DIGITS[(patterns[:, None] >> places) & 15], np.uint8)


def columns(*parts: bytes | NDArray[np.uint8], rows: int) -> bytes:
    """Rows of text side by side: a constant stands in every row."""
    wide = [
        np.broadcast_to(np.frombuffer(part, np.uint8), (rows, len(part)))
        if isinstance(part, bytes)
        else part
        for part in parts
    ]
    return np.hstack(wide).tobytes()


def remark(line: str) -> str:
    """`line` so that it cannot leave a comment: one line of printable ASCII, no `*/`."""
    return re.sub(r"[^ -~]+", " ", line).replace("*/", "* /")


def write_coe(words: Words, about: Sequence[str] = ()) -> str:
    """Xilinx coefficients."""
    head = "".join(f"; {remark(line)}\n" for line in about)
    digits = hex_digits(words.patterns, words.bits)
    body = columns(digits, b",\n", rows=len(words)).decode("ascii")
    return f"{head}memory_initialization_radix=16;\nmemory_initialization_vector=\n{body[:-2]};\n"


def read_coe(text: str) -> Patterns:
    """The words of Xilinx coefficients."""
    plain = _without(text, r"^;.*$")
    found = re.fullmatch(
        r"\s*memory_initialization_radix\s*=\s*16\s*;"
        r"\s*memory_initialization_vector\s*=([\s0-9A-Fa-f,]+);\s*",
        plain,
    )
    if not found:
        raise BadMemory("not a .coe of radix 16")
    return _hexadecimal(found[1].split(","))


def write_mif(words: Words, about: Sequence[str] = ()) -> str:
    """Intel's memory initialisation file."""
    head = "".join(f"-- {remark(line)}\n" for line in about)
    addresses = hex_digits(np.arange(len(words)), max((len(words) - 1).bit_length(), 1))
    digits = hex_digits(words.patterns, words.bits)
    body = columns(addresses, b" : ", digits, b";\n", rows=len(words)).decode("ascii")
    return (
        f"{head}DEPTH = {len(words)};\nWIDTH = {words.bits};\n"
        f"ADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n{body}END;\n"
    )


def read_mif(text: str) -> Patterns:
    """The words of Intel's memory initialisation file."""
    found = re.fullmatch(
        r"\s*DEPTH = (\d+);\s*WIDTH = \d+;\s*ADDRESS_RADIX = HEX;\s*DATA_RADIX = HEX;\s*"
        r"CONTENT BEGIN\s([\s0-9A-F:;]*)END;\s*",
        _without(text, r"--.*$"),
    )
    if not found:
        raise BadMemory("not a .mif of hexadecimal words")
    pairs = [entry.partition(" : ") for entry in found[2].split(";")[:-1]]
    addresses = _hexadecimal([pair[0] for pair in pairs])
    if not np.array_equal(addresses, np.arange(int(found[1]))):
        raise BadMemory("the addresses are not 0 to DEPTH - 1")
    return _hexadecimal([pair[2] for pair in pairs])


def write_mem(words: Words, about: Sequence[str] = ()) -> str:
    """For `$readmemh`."""
    head = "".join(f"// {remark(line)}\n" for line in about)
    digits = hex_digits(words.patterns, words.bits)
    return f"{head}@0\n{columns(digits, bytes([10]), rows=len(words)).decode('ascii')}"


def read_mem(text: str) -> Patterns:
    """The words of a `$readmemh` file that starts at 0."""
    start, *entries = _without(text, r"//.*$").split() or [""]
    if start != "@0":
        raise BadMemory("the words do not start at @0")
    return _hexadecimal(entries)


def write_bin(words: Words) -> bytes:
    """Plain bytes."""
    return words.octets.tobytes()


def read_bin(data: bytes, bits: int) -> Patterns:
    """The words of plain bytes."""
    each = -(-bits // 8)
    if not data or len(data) % each:
        raise BadMemory(f"{len(data)} bytes are not words of {each}")
    octets = np.frombuffer(data, np.uint8).reshape(-1, each).astype(np.int64)
    whole = octets @ (1 << (8 * np.arange(each, dtype=np.int64)[::-1]))
    return np.asarray(whole & ((1 << bits) - 1))


def write_hex(words: Words) -> str:
    """Intel HEX. Raises `ValueError` beyond 4 GB, which it cannot address."""
    data = words.octets.ravel()
    blocks = []
    for high, start in enumerate(range(0, len(data), 1 << 16)):
        if high:
            blocks.append(_records(np.array([[high >> 8, high & 255]], np.uint8), [0], kind=4))
        block = data[start : start + (1 << 16)]
        whole = len(block) // RECORD * RECORD
        if whole:
            rows = block[:whole].reshape(-1, RECORD)
            blocks.append(_records(rows, range(0, whole, RECORD), kind=0))
        if len(block) > whole:
            blocks.append(_records(block[None, whole:], [whole], kind=0))
    return b"".join([*blocks, b":00000001FF\n"]).decode("ascii")


def _records(rows: NDArray[np.uint8], addresses: Sequence[int], *, kind: int) -> bytes:
    """Intel HEX records: length, address, kind, bytes, and what makes their sum 0."""
    places = np.asarray(addresses, np.int64)
    count = np.full(len(rows), rows.shape[1])
    head = np.stack([count, places >> 8, places & 255, np.full(len(rows), kind)], axis=1)
    filled = np.hstack([head, rows.astype(np.int64)])
    sums = -filled.sum(axis=1, keepdims=True) & 255
    octets = np.hstack([filled, sums])
    digits = hex_digits(octets.ravel(), 8).reshape(len(rows), -1)
    return columns(b":", digits, bytes([10]), rows=len(rows))


def read_hex(text: str, bits: int) -> Patterns:
    """The words of an Intel HEX file without gaps."""
    data, base, ended = bytearray(), 0, False
    for line in text.splitlines():
        if not re.fullmatch(r":(?:[0-9A-F]{2}){5,}", line) or ended:
            raise BadMemory(f"not a record: {line[:50]!r}")
        record = bytes.fromhex(line[1:])
        if record[0] != len(record) - 5 or sum(record) & 255:
            raise BadMemory(f"wrong length or sum: {line[:50]!r}")
        address, kind = int.from_bytes(record[1:3], "big"), record[3]
        if kind == 0 and base + address == len(data):
            data += record[4:-1]
        elif kind == 4:
            base = int.from_bytes(record[4:6], "big") << 16
        elif kind == 1:
            ended = True
        else:
            raise BadMemory(f"a gap or an unknown record: {line[:50]!r}")
    if not ended:
        raise BadMemory("no last record")
    return read_bin(bytes(data), bits)


def write_header(words: Words, name: str, about: Sequence[str] = ()) -> str:
    """A C array of the narrowest type that holds the words."""
    head = "".join(f"/* {remark(line)} */\n" for line in about)
    width = next(width for width in (8, 16, 32, 64) if width >= words.bits)
    kind = f"{'' if words.signed else 'u'}int{width}_t"
    numbers = words.values.ravel().tolist()
    rows = [numbers[start : start + 16] for start in range(0, len(numbers), 16)]
    body = ",\n".join("  " + ", ".join(map(str, row)) for row in rows)
    return (
        f"{head}#include <stdint.h>\n\nstatic const {kind} {name}[{len(words)}] = {{\n{body}\n}};\n"
    )


def read_header(text: str, bits: int) -> Patterns:
    """The words of a C array."""
    found = re.search(r"_t \w+\[(\d+)\] = \{([-\d,\s]+)\};\s*$", text)
    if not found:
        raise BadMemory("no array")
    values = np.array([int(one) for one in found[2].split(",")], np.int64)
    if len(values) != int(found[1]):
        raise BadMemory("the array has another length")
    return values & ((1 << bits) - 1)


RAW_WRITERS: Final[dict[str, Callable[[Words, Sequence[str]], str | bytes]]] = {
    "coe": write_coe,
    "mif": write_mif,
    "mem": write_mem,
    "hex": lambda words, about: write_hex(words),
    "bin": lambda words, about: write_bin(words),
}


def raw_files(
    stem: str, words: Words, about: Sequence[str] = (), kinds: Sequence[str] = tuple(RAW_WRITERS)
) -> dict[str, str | bytes]:
    """`{stem}.{kind}` in each raw format."""
    return {f"{stem}.{kind}": RAW_WRITERS[kind](words, about) for kind in kinds}


def read_raw(kind: str, content: str | bytes, bits: int) -> Patterns:
    """The words of a file of one of the raw formats. Raises `BadMemory`."""
    if kind == "bin":
        assert isinstance(content, bytes)
        return read_bin(content, bits)
    assert isinstance(content, str)
    if kind == "hex":
        return read_hex(content, bits)
    return {"coe": read_coe, "mif": read_mif, "mem": read_mem}[kind](content)


def _without(text: str, comment: str) -> str:
    return re.sub(comment, "", text, flags=re.MULTILINE)


def _hexadecimal(entries: Sequence[str]) -> Patterns:
    try:
        return np.array([int(entry, 16) for entry in entries], np.int64)
    except ValueError as cause:
        raise BadMemory("not a hexadecimal word") from cause
