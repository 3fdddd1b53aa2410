"""When an option ends: the platform's grid of expiries, in integers of UTC seconds."""

from typing import Final

MINUTE: Final = 60
QUARTER: Final = 900
LONGEST_TURBO: Final = 5  # minutes; longer ones end at a quarter of an hour


def grid_of(minutes: int) -> int:
    """Seconds between two expiries of options that run for so many minutes."""
    return MINUTE if minutes <= LONGEST_TURBO else QUARTER


def candidates(now: float, *, grid: int, count: int, dead_time: int) -> list[int]:
    """The next `count` expiries that can still be bought at `now`."""
    first = int(now) - int(now) % grid + grid
    if grid >= QUARTER and first - dead_time < now:
        first += grid
    return [one for one in (first + i * grid for i in range(count)) if one - dead_time > now]


def nearest(now: float, minutes: int, buyable: list[int]) -> int | None:
    """The one that ends closest to `minutes` from now, the later of two; None of none."""
    wanted = now + minutes * MINUTE
    return min(buyable, key=lambda one: (abs(one - wanted), -one), default=None)


def expiry_of(now: float, minutes: int, *, dead_time: int) -> int:
    """The end of an option bought now; raises `ValueError` for a length that is none."""
    grid = grid_of(minutes)
    if minutes < 1 or (minutes * MINUTE) % grid:
        raise ValueError(f"there are no options of {minutes} minutes")
    count = minutes * MINUTE // grid + 2 + dead_time // grid
    found = nearest(now, minutes, candidates(now, grid=grid, count=count, dead_time=dead_time))
    assert found is not None, "later candidates can always be bought"
    return found
