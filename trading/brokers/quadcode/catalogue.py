"""What can be traded: two catalogues of the platform, read into one list of instruments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from trading.brokers.quadcode.wire import inside, money, rows, whole
from trading.core.expiry import MINUTE, QUARTER, candidates, nearest
from trading.core.market import Asset

TYPE_IDS: Final = {"binary": 1, "turbo": 3, "blitz": 12}
DIGITAL: Final = "digital"
DIGITAL_PERIODS: Final = (1, 5, 15)  # minutes
DIGITAL_PAYOUT: Final = Decimal("0.80")  # shown until a price is known; the granted one is kept
FAR: Final = 4_102_444_800  # 2100; what ends later has no end


@dataclass(frozen=True, slots=True)
class Instrument:
    """One asset in one kind of option."""

    kind: str  # binary, turbo, blitz or digital
    trade_id: int
    quote_id: int  # the same asset in candles; brokers may tell the two apart
    name: str
    payout: Decimal
    is_offered: bool
    schedule: tuple[tuple[int, int], ...]  # seconds since 1970, from and to
    dead_time: int
    least: Decimal
    most: Decimal
    sizes: tuple[int, ...]  # seconds
    count: int  # how many expiries ahead are sold
    special: tuple[int, ...] = ()  # expiries beside the grid

    def closes_at(self, now: float) -> int | None:
        """The end of the session that `now` lies in; None while it is closed."""
        if not self.is_offered:
            return None
        return next((end for start, end in self.schedule if start <= now < end), None)

    def expirations(self) -> tuple[int, ...]:
        """In minutes."""
        if self.kind == "blitz":
            return tuple(sorted({size // MINUTE for size in self.sizes if size % MINUTE == 0}))
        if self.kind == DIGITAL:
            return tuple(size // MINUTE for size in self.sizes)
        found = {size * one // MINUTE for size in self.sizes for one in range(1, self.count + 1)}
        return tuple(sorted(one for one in found if one >= 1))

    def expiry(self, now: float, minutes: int) -> int | None:
        """The expiry that is nearest to `minutes` from now; None where there is none."""
        buyable = list(self.special_at(now))
        for size in self.sizes:
            buyable += candidates(now, grid=size, count=self.count, dead_time=self.dead_time)
        return nearest(now, minutes, buyable)

    def special_at(self, now: float) -> Iterable[int]:
        return (one for one in self.special if one - self.dead_time > now)


def read_options(msg: object) -> list[Instrument]:
    """Binary, turbo and blitz. What cannot be read is left out."""
    found = []
    for kind in TYPE_IDS:
        actives = inside(msg, kind, "actives")
        for key, row in actives.items() if isinstance(actives, dict) else ():
            one = _option(kind, key, row) if isinstance(row, dict) else None
            if one is not None:
                found.append(one)
    return found


def _option(kind: str, key: object, row: dict[str, Any]) -> Instrument | None:
    number = whole(row.get("id")) or whole(key)
    commission = money(inside(row, "option", "profit", "commission"))
    name = str(row.get("name") or row.get("ticker") or "").rsplit(".", 1)[-1]
    times = inside(row, "option", "expiration_times")
    sizes = [whole(one) for one in times] if isinstance(times, list) else []
    if not number or commission is None or not 0 <= commission < 100 or not name:
        return None
    special = inside(row, "option", "special")
    return Instrument(
        kind=kind,
        trade_id=number,
        quote_id=number,
        name=name,
        payout=(100 - commission) / 100,
        is_offered=row.get("enabled") is not False and row.get("is_suspended") is not True,
        schedule=_schedule(row.get("schedule")),
        dead_time=whole(row.get("deadtime")) or 0,
        least=_amount(row, "minimal_bet", "min", Decimal(1)),
        most=_amount(row, "maximal_bet", "max", Decimal(20_000)),
        sizes=tuple(one for one in sizes if one and one > 0),
        count=min(whole(inside(row, "option", "count")) or 1, 100),
        special=tuple(_special(special)),
    )


def _amount(row: dict[str, Any], name: str, short: str, otherwise: Decimal) -> Decimal:
    found = money(row.get(name))
    if found is None:
        found = money(inside(row, "minmax", short))
    return otherwise if found is None else found


def _special(found: object) -> Iterable[int]:
    for key, row in found.items() if isinstance(found, dict) else ():
        moment = whole(key)
        if moment and isinstance(row, dict) and row.get("enabled") is True:
            yield moment


def _schedule(found: object) -> tuple[tuple[int, int], ...]:
    pairs = []
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            one = [one.get("open"), one.get("close")]
        if isinstance(one, list) and len(one) == 2:
            start, end = whole(one[0]), whole(one[1])
            if start is not None and end is not None:
                pairs.append((start, end))
    return tuple(pairs)


def read_digital(msg: object) -> list[Instrument]:
    found = []
    for row in rows(inside(msg, "underlying")):
        number = whole(row.get("active_id"))
        name = str(row.get("name") or "").rsplit(".", 1)[-1]
        if number and name:
            found.append(
                Instrument(
                    kind=DIGITAL,
                    trade_id=number,
                    quote_id=number,
                    name=name,
                    payout=DIGITAL_PAYOUT,
                    is_offered=row.get("is_suspended") is not True,
                    schedule=_schedule(row.get("schedule")),
                    dead_time=0,
                    least=Decimal(1),
                    most=Decimal(20_000),
                    sizes=tuple(one * MINUTE for one in DIGITAL_PERIODS),
                    count=1,
                )
            )
    return found


def disabled_kinds(msg: object) -> set[str]:
    """The kinds that the account's brand or country does not offer."""
    features = rows(inside(msg, "features"))
    off = [row.get("name") for row in features if row.get("status") == "disabled"]
    return {kind for kind in (*TYPE_IDS, DIGITAL) if f"{kind}-instrument" in off}


class Catalogue:
    """All instruments at one moment."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self.instruments = tuple(instruments)
        self._names = {one.trade_id: one.name for one in self.instruments}

    def name_of(self, number: int) -> str:
        return self._names.get(number, f"#{number}")

    def of(self, name: str) -> list[Instrument]:
        return [one for one in self.instruments if one.name == name]

    def quote_id(self, name: str) -> int | None:
        return next((one.quote_id for one in self.of(name)), None)

    def choose(self, name: str, minutes: int, now: float) -> Instrument | None:
        """The instrument for an option of so many minutes, one that is open before others."""
        fitting = [one for one in self.of(name) if minutes in one.expirations()]
        order = (
            ("turbo", "binary", "blitz", DIGITAL)
            if minutes * MINUTE < QUARTER
            else ("binary", "turbo", "blitz", DIGITAL)
        )
        fitting.sort(key=lambda one: (one.closes_at(now) is None, order.index(one.kind)))
        return fitting[0] if fitting else None

    def assets(self, now: float) -> list[Asset]:
        return [self._asset(name, now) for name in dict.fromkeys(self._names.values())]

    def _asset(self, name: str, now: float) -> Asset:
        every = self.of(name)
        first = min(every, key=lambda one: one.closes_at(now) is None)
        closing = first.closes_at(now)
        lengths = {one for row in every for one in row.expirations()}
        return Asset(
            name=name,
            broker_id=first.trade_id,
            payout=first.payout,
            is_open=closing is not None,
            closes_at=datetime.fromtimestamp(closing, UTC) if closing and closing < FAR else None,
            least_stake=first.least,
            most_stake=first.most,
            expirations=tuple(sorted(lengths)),
        )
