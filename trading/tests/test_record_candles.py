"""`manage.py record_candles`."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from trading.brokers.registry import paper_market
from trading.core.candle_csv import read_candles
from trading.core.prices import candles_of

MARCH = 1_772_323_200  # 2026-03-01T00:00Z


def test_what_is_recorded_is_what_the_paper_broker_has(tmp_path: Path) -> None:
    path = tmp_path / "GBPUSD-OTC.csv"
    options = {"asset": "GBPUSD-OTC", "seconds": 300, "count": 150, "start": "2026-03-01T00:00"}
    call_command("record_candles", str(path), stdout=StringIO(), **options)
    found = read_candles(path.read_bytes(), asset="GBPUSD-OTC")
    prices = paper_market().listings["GBPUSD-OTC"].prices
    wanted = candles_of(prices, "GBPUSD-OTC", seconds=300, start=MARCH, count=150)
    for name in ("start", "open", "high", "low", "close"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))


def test_it_goes_to_the_output_too() -> None:
    out = StringIO()
    call_command("record_candles", "-", count=120, start="2026-03-01", stdout=out)
    assert out.getvalue().count("\n") == 121


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"asset": "DOGE"}, "There is no asset DOGE"),
        ({"count": 0}, "--count lies between 1 and"),
        ({"count": 10**6}, "--count lies between 1 and"),
        ({"start": "soon"}, "ISO 8601"),
        ({"start": "2001-01-01"}, "before 2020"),
        ({"start": "2090-01-01"}, "not have closed"),
    ],
)
def test_what_cannot_be_recorded_is_said(options: dict[str, object], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("record_candles", "-", **options)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("record_candles", str(tmp_path / "no" / "x.csv"), count=5)
