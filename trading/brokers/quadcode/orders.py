"""What an order looks like on the wire, and what a refusal means."""

import re
from datetime import UTC, datetime
from typing import Any, Final

from trading.brokers.base import OrderRejected, OrderRequest, Position
from trading.brokers.quadcode.catalogue import TYPE_IDS, Instrument
from trading.brokers.quadcode.link import Refused
from trading.brokers.quadcode.positions import moment
from trading.brokers.quadcode.wire import inside, money, price, rows, whole
from trading.core.expiry import MINUTE
from trading.core.market import Direction

STATUSES: Final = {4119: "suspended", 4000: "invalid", 4220: "invalid"}
# The sentences are in the account's language, so they only tell why, never whether.
PATTERNS: Final = (
    (re.compile(r"suspended.*rejected|rejected.*risk", re.IGNORECASE), "risk"),
    (re.compile(r"is suspended|suspendid", re.IGNORECASE), "suspended"),
    (re.compile(r"not available", re.IGNORECASE), "restricted"),
    (re.compile(r"time for purchasing", re.IGNORECASE), "dead_time"),
    (re.compile(r"insufficient funds|no_money|fondos insuficientes", re.IGNORECASE), "no_money"),
)


def body_of(
    order: OrderRequest, instrument: Instrument, *, balance_id: int, expiry: int
) -> dict[str, object]:
    """Of `binary-options.open-option` version 2.0."""
    body: dict[str, object] = {
        "user_balance_id": balance_id,
        "active_id": instrument.trade_id,
        "option_type_id": TYPE_IDS[instrument.kind],
        "direction": order.direction.value,
        "expired": expiry,
        "price": float(order.stake),
        "profit_percent": int(instrument.payout * 100),
    }
    if instrument.kind == "blitz":
        body |= {"expired": 0, "expiration_size": order.minutes * MINUTE}
    return body


def read_placed(
    msg: object, order: OrderRequest, instrument: Instrument, *, expiry: int, now: float
) -> Position | None:
    """The position that a good answer speaks of; None where it names none."""
    number = whole(inside(msg, "id"))
    if number is None or number <= 0:
        return None
    granted = money(inside(msg, "profit_income"))
    opened = moment(inside(msg, "created_millisecond"), 1000)
    return Position(
        broker_id=str(number),
        asset=order.asset,
        direction=order.direction,
        stake=order.stake,
        opened_at=opened or datetime.fromtimestamp(now, UTC),
        expires_at=moment(inside(msg, "exp"), 1) or datetime.fromtimestamp(expiry, UTC),
        open_price=price(inside(msg, "value")) or 0.0,
        payout=(granted - 100) / 100 if granted and granted > 100 else instrument.payout,
    )


def rejection(refused: Refused) -> OrderRejected:
    reason = STATUSES.get(refused.status)
    if reason is None:
        reason = next((name for one, name in PATTERNS if one.search(refused.text)), "other")
    return OrderRejected(reason, refused.text)


def digital_choice(
    msg: object, *, direction: Direction, minutes: int, now: float
) -> tuple[str, int, int] | None:
    """(instrument id, index, expiry) of the spot strike nearest to `minutes` from now."""
    found = []
    for row in rows(inside(msg, "instruments")):
        expiry, dead = whole(row.get("expiration")), whole(row.get("deadtime")) or 0
        index = whole(row.get("index"))
        if expiry and index is not None and row.get("period") == minutes * MINUTE:
            symbol = _spot(row, direction)
            if symbol and expiry - dead > now:
                found.append((abs(expiry - now - minutes * MINUTE), symbol, index, expiry))
    return min(found)[1:] if found else None


def _spot(row: dict[str, Any], direction: Direction) -> str | None:
    for one in rows(row.get("data")):
        if one.get("strike") == "SPT" and one.get("direction") == direction.value:
            return str(one.get("symbol") or "") or None
    return None
