"""Candles as files of people."""

import numpy as np
import pytest

from trading.core.candle_csv import FILE_BYTES, BadCandles, read_candles, write_candles
from trading.core.synthetic import persistent

CANDLES = persistent(150, seed=2)
LINES = write_candles(CANDLES).splitlines()


def test_what_is_written_is_read_bit_for_bit() -> None:
    found = read_candles(write_candles(CANDLES).encode(), asset="SYNTHETIC")
    assert (found.asset, found.seconds) == ("SYNTHETIC", 60)
    for name in ("start", "open", "high", "low", "close"):
        assert np.array_equal(getattr(found, name), getattr(CANDLES, name))


def test_other_columns_other_orders_and_iso_times_are_read() -> None:
    rows = ["Close,volume,time,low,high,open"]
    for number in range(120):
        hour, minute = divmod(number, 60)
        rows.append(f"1.5,77,2024-03-01T{hour:02}:{minute:02}:00+00:00,1,2,1.25")
    found = read_candles(b"\xef\xbb\xbf" + "\r\n".join(rows).encode(), asset="X")
    assert found.start[0] == 1_709_251_200
    assert (found.open[0], found.high[0], found.low[0], found.close[0]) == (1.25, 2, 1, 1.5)


def test_a_gap_is_no_fault_and_no_heading_is_needed() -> None:
    found = read_candles("\n".join([*LINES[1:50], *LINES[60:]]).encode(), asset="X")
    assert len(found) == 140
    assert found.seconds == 60


def bent(line: int, text: str) -> bytes:
    return "\n".join([*LINES[:line], text, *LINES[line + 1 :]]).encode()


START = int(CANDLES.start[19])


@pytest.mark.parametrize(
    ("data", "code", "facts"),
    [
        (b"", "too_few", {"least": 100, "found": 0}),
        (b"\xff\xfe\x00", "not_text", {}),
        (b"x" * (FILE_BYTES + 1), "file_too_large", {"most": FILE_BYTES}),
        (b"time,open,high,low\n1,1,1,1", "no_column", {"column": "close"}),
        (b"time,time,open,high,low,close\n", "no_column", {"column": "time"}),
        (bent(20, f"{START},1,2"), "too_short", {"line": 21}),
        (bent(20, f"{START},1,2,1,one"), "not_a_price", {"line": 21}),
        (bent(20, f"{START},1,nan,1,1"), "not_a_price", {"line": 21}),
        (bent(20, f"{START},1,inf,1,1"), "not_a_price", {"line": 21}),
        (bent(20, f"{START},-1,2,-1,1"), "not_a_price", {"line": 21}),
        (bent(20, f"{START},3,2,1,1"), "outside_its_range", {"line": 21}),
        (bent(20, "soon,1,1,1,1"), "not_a_time", {"line": 21}),
        (bent(20, "9" * 5000 + ",1,1,1,1"), "not_a_time", {"line": 21}),
        (bent(20, "2024-03-01T00:00:00,1,1,1,1"), "no_zone", {"line": 21}),
        (bent(20, f"{START - 60},1,1,1,1"), "not_later", {"line": 21}),
        (bent(20, f"{START + 1},1,1,1,1"), "odd_size", None),
        (bent(20, '"1,1,1,1,1'), "not_csv", None),
        ("\n".join(f"{30 + 60 * n},1,1,1,1" for n in range(120)).encode(), "off_the_grid", None),
        ("\n".join(f"{7 * n},1,1,1,1" for n in range(120)).encode(), "odd_size", None),
    ],
)
def test_what_is_wrong_is_named(data: bytes, code: str, facts: dict[str, object] | None) -> None:
    with pytest.raises(BadCandles) as refused:
        read_candles(data, asset="X")
    assert refused.value.code == code
    assert facts is None or refused.value.facts == facts
