"""What the broker says of orders it took: events, lists and histories have one shape."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from trading.brokers.base import Position
from trading.brokers.quadcode.wire import money, price, rows, whole
from trading.core.market import Direction, Outcome

TYPES: Final = ("binary-option", "turbo-option", "blitz-option", "digital-option")
OUTCOMES: Final = {"win": Outcome.WON, "loose": Outcome.LOST, "equal": Outcome.TIED}
LATEST: Final = 253_402_300_000  # seconds; datetime ends with the year 9999


@dataclass(frozen=True, slots=True)
class Known:
    """A position with what the broker calls it."""

    position: Position
    position_id: str
    external_id: int
    balance_id: int | None
    version: int
    kind: str


def read_position(row: object, name_of: Callable[[int], str]) -> Known | None:
    """None for a row of something else, and for one that lacks what an order must have."""
    if not isinstance(row, dict) or row.get("instrument_type") not in TYPES:
        return None
    details = next(iter(rows(row.get("raw_event"))), {})
    numbers = details.get("order_ids") or row.get("order_ids")
    external = whole(row.get("external_id"))
    first = whole(numbers[0]) if isinstance(numbers, list) and numbers else None
    active = whole(row.get("active_id"))
    direction = _direction(details, row)
    stake = money(row.get("invest")) or money(details.get("amount"))
    opened, expires = moment(row.get("open_time"), 1000), _expiry(details, row)
    if not (external and active and direction and stake and stake > 0 and opened and expires):
        return None
    expected = money(row.get("expected_profit"))
    position = Position(
        broker_id=str(first or external),
        asset=name_of(active),
        direction=direction,
        stake=stake,
        opened_at=opened,
        expires_at=expires,
        open_price=price(row.get("open_quote")) or 0.0,
        payout=(expected / stake - 1) if expected and expected > stake else Decimal(0),
        **_ending(row, stake),
    )
    return Known(
        position=position,
        position_id=str(row.get("id") or external),
        external_id=external,
        balance_id=whole(row.get("user_balance_id")),
        version=whole(row.get("version")) or 0,
        kind=str(row["instrument_type"]),
    )


def _direction(details: dict[str, Any], row: dict[str, Any]) -> Direction | None:
    found = details.get("direction") or details.get("instrument_dir") or row.get("direction")
    return Direction(found) if found in ("call", "put") else None


def _expiry(details: dict[str, Any], row: dict[str, Any]) -> datetime | None:
    binary = moment(details.get("expiration_time"), 1)
    return binary or moment(
        details.get("instrument_expiration") or row.get("instrument_expiration"), 1000
    )


def moment(value: object, unit: int) -> datetime | None:
    """Of a number of seconds (`unit` 1) or milliseconds (1000) since 1970."""
    number = money(value)
    if number is None or not 0 < number / unit < LATEST:
        return None
    return datetime.fromtimestamp(float(number) / unit, UTC)


def _ending(row: dict[str, Any], stake: Decimal) -> dict[str, Any]:
    """The end of a closed one, whose money decides; nothing where it is open or unclear."""
    if row.get("status") != "closed":
        return {}
    returned, gained = money(row.get("close_profit")), money(row.get("pnl"))
    profit = returned - stake if returned is not None else gained
    outcome = OUTCOMES.get(str(row.get("close_reason")))
    if profit is None:
        return {}
    if outcome is None:  # digital ones and early sales: their money says it
        outcome = Outcome.TIED if profit == 0 else Outcome.WON if profit > 0 else Outcome.LOST
    return {
        "outcome": outcome,
        "profit": profit,
        "close_price": price(row.get("close_quote")),
        "closed_at": moment(row.get("close_time"), 1000),
    }


class Book:
    """The positions of one balance; it lets each news through once."""

    def __init__(self, balance_id: int) -> None:
        self._balance_id = balance_id
        self._versions: dict[str, int] = {}
        self.running: dict[str, Known] = {}  # by broker id
        self._closed: set[str] = set()  # broker ids

    def is_mine(self, known: Known) -> bool:
        return known.balance_id == self._balance_id

    def take(self, known: Known) -> bool:
        """Whether it is news: of our balance, newer than what was known, and not closed yet."""
        number = known.position.broker_id
        if not self.is_mine(known) or number in self._closed:
            return False
        if known.version and known.version <= self._versions.get(known.position_id, 0):
            return False
        self._versions[known.position_id] = known.version
        if known.position.outcome is None:
            before = self.running.get(number)
            self.running[number] = known
            return before is None or before.position != known.position
        self._close(number)
        return True

    def forget(self, known: Known) -> None:
        """No longer running, for whatever reason."""
        self._close(known.position.broker_id)

    def _close(self, number: str) -> None:
        self.running.pop(number, None)
        self._closed.add(number)
