import numpy as np
import pytest

from trading.core.expiry import candidates, expiry_of, nearest
from trading.core.prices import DAY, Recording, Walk, candle_at, candles_of, read_recording

NOON = 1_790_000_000  # 21 September 2026, 14:13:20 UTC


def test_a_second_costs_the_same_whoever_asks_and_in_whatever_order() -> None:
    first, second = (Walk(7, "EURUSD-OTC", start=1.08) for _ in range(2))
    long = first.between(NOON - 3 * DAY, NOON + 3 * DAY)
    assert second.at(NOON) == long[3 * DAY]
    assert second.at(NOON - 3 * DAY) == long[0]
    np.testing.assert_array_equal(second.between(NOON, NOON + 100), long[3 * DAY : 3 * DAY + 100])


def test_another_seed_or_asset_is_another_walk() -> None:
    walk = Walk(7, "EURUSD-OTC", start=1.08).between(NOON, NOON + 60)
    assert not np.array_equal(walk, Walk(8, "EURUSD-OTC", start=1.08).between(NOON, NOON + 60))
    assert not np.array_equal(walk, Walk(7, "GBPUSD-OTC", start=1.08).between(NOON, NOON + 60))


def test_days_hang_together_and_the_walk_has_no_drift_and_no_memory() -> None:
    walk = Walk(7, "EURUSD-OTC", start=1.08, step=2e-5, digits=12)
    steps = np.diff(np.log(walk.between(NOON, NOON + 20 * DAY)))
    assert np.abs(steps).max() < 2e-5 * 6.5  # no jump at midnight; 1.7 million normal draws
    assert steps.std() == pytest.approx(2e-5, rel=0.01)
    assert abs(steps.mean()) < 4 * 2e-5 / np.sqrt(len(steps))
    assert abs(np.corrcoef(steps[:-1], steps[1:])[0, 1]) < 4 / np.sqrt(len(steps))


def test_a_recording_plays_again_and_a_gap_keeps_the_last_price() -> None:
    played = read_recording(["second,price", "10,1.5", "11,1.25", "", "14,2.0"])
    assert played.prices.tolist() == [1.5, 1.25, 1.25, 1.25, 2.0]
    assert played.between(5, 12).tolist() == [1.5, 1.25, 1.25, 1.25, 2.0, 1.5, 1.25]
    assert played.at(9) == 2.0


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (["10,1.5", "10,1.5"], "line 2"),
        (["10,1.5", "11,nan"], "line 2"),
        (["10,1.5", "11,-1"], "line 2"),
        (["10,1.5", "soon,1"], "line 2"),
        (["heading"], "at least one"),
        (["0,1", "9999999999,1"], "31 days"),
    ],
)
def test_a_recording_that_is_none_names_its_line(lines: list[str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_recording(lines)


def test_candles_are_what_their_seconds_say() -> None:
    prices = Recording(np.array([3.0, 5.0, 1.0, 2.0, 2.0, 2.0, 4.0, 9.0]))
    found = candles_of(prices, "A", seconds=4, start=8, count=2)
    assert found.start.tolist() == [8, 12]
    assert [found.open.tolist(), found.high.tolist()] == [[3.0, 2.0], [5.0, 9.0]]
    assert [found.low.tolist(), found.close.tolist()] == [[1.0, 2.0], [2.0, 9.0]]
    forming = candle_at(prices, "A", seconds=4, second=9)
    assert (forming.open, forming.high, forming.low, forming.close) == (3.0, 5.0, 3.0, 5.0)
    assert not forming.is_closed
    assert len(candles_of(prices, "A", seconds=4, start=8, count=0)) == 0


# A minute begins at 1_790_000_040; a quarter of an hour at 1_790_000_100.
@pytest.mark.parametrize(
    ("now", "minutes", "dead_time", "end"),
    [
        (1_789_999_985, 1, 30, 1_790_000_040),  # 55 s away, the one after it 115 s
        (1_789_999_980, 1, 30, 1_790_000_040),  # at the full minute: the next one
        (1_790_000_020, 1, 30, 1_790_000_100),  # 20 s before it ends nothing is sold: 80 s
        (1_790_000_009.9, 1, 30, 1_790_000_040),  # 30.1 s away: 90.1 s would be further off
        (1_790_000_010, 1, 30, 1_790_000_100),  # exactly the dead time before is too late
        (1_789_999_985, 5, 30, 1_790_000_280),  # 295 s
        (1_789_999_985, 15, 30, 1_790_001_000),  # 115 s or 1015 s away: 1015 is nearer to 900
        (1_789_999_985, 60, 30, 1_790_003_700),  # 3715 s
    ],
)
def test_an_option_ends_where_the_platform_would_end_it(
    now: float, minutes: int, dead_time: int, end: int
) -> None:
    assert expiry_of(now, minutes, dead_time=dead_time) == end


@pytest.mark.parametrize("minutes", [0, -1, 7, 20])
def test_a_length_off_the_grid_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match="minutes"):
        expiry_of(NOON, minutes, dead_time=30)


def test_the_next_expiries_leave_out_what_is_too_close() -> None:
    assert candidates(1_790_000_000, grid=60, count=3, dead_time=30) == [
        1_790_000_040,
        1_790_000_100,
        1_790_000_160,
    ]
    assert candidates(1_790_000_011, grid=60, count=3, dead_time=30) == [
        1_790_000_100,
        1_790_000_160,
    ]
    # A quarter that is too close makes room for one more.
    assert candidates(1_790_000_080, grid=900, count=1, dead_time=30) == [1_790_001_000]
    assert nearest(0, 1, []) is None
