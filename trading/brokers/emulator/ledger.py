"""The emulator's own book: each order that took effect, and how often it was settled."""

import uuid
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from trading.core.market import Direction, Outcome
from trading.core.settlement import outcome_of

CENT = Decimal("0.01")
WORDS = {Outcome.WON: "win", Outcome.LOST: "loose", Outcome.TIED: "equal"}


@dataclass
class Entry:
    """One order that took effect."""

    number: int
    user_id: int
    email: str
    balance_id: int
    active_id: int
    kind: str  # turbo, binary, blitz or digital
    direction: str
    stake: Decimal
    payout: Decimal
    opened_ms: int
    expires: int
    open_quote: float
    request_id: str
    position_id: str
    external_id: int
    is_tied: bool = False  # by a fault
    version: int = 1
    settlements: int = 0
    close_quote: float | None = None
    closed_ms: int | None = None
    reason: str | None = None
    returned: Decimal | None = None

    def settle(self, quote: float, at_ms: int) -> None:
        quote = self.open_quote if self.is_tied else quote
        outcome = outcome_of(Direction(self.direction), opened=self.open_quote, closed=quote)
        factor = {Outcome.WON: 1 + self.payout, Outcome.TIED: Decimal(1), Outcome.LOST: Decimal(0)}
        back = (self.stake * factor[outcome]).quantize(CENT, ROUND_DOWN)
        reason = "default" if self.kind == "digital" else WORDS[outcome]
        self.end(reason, back, quote, at_ms)

    def end(self, reason: str, returned: Decimal, quote: float, at_ms: int) -> None:
        self.reason, self.returned, self.close_quote, self.closed_ms = (
            reason,
            returned,
            quote,
            at_ms,
        )
        self.version += 1
        self.settlements += 1

    def shown(self) -> dict[str, Any]:
        """As a position of the portfolio."""
        is_digital = self.kind == "digital"
        row: dict[str, Any] = {
            "version": self.version,
            "id": self.position_id,
            "external_id": self.external_id,
            "user_id": self.user_id,
            "user_balance_id": self.balance_id,
            "active_id": self.active_id,
            "instrument_type": f"{self.kind}-option",
            "source": "digital-options" if is_digital else "binary-options",
            "status": "open" if self.reason is None else "closed",
            "open_time": self.opened_ms,
            "open_quote": self.open_quote,
            "invest": float(self.stake),
            "expected_profit": float(self.stake * (1 + self.payout)),
            "pnl": 0,
            "raw_event": self._raw(),
        }
        if self.returned is not None:
            gained = float(self.returned - self.stake)
            row |= {
                "close_time": self.closed_ms,
                "close_quote": self.close_quote,
                "close_reason": self.reason,
                "close_profit": float(self.returned),
                "pnl": gained,
                "pnl_realized": gained,
                "pnl_net": gained,
            }
        return row

    def _raw(self) -> dict[str, Any]:
        if self.kind == "digital":
            return {
                "digital_options_position_changed1": {
                    "order_ids": [self.number],
                    "instrument_dir": self.direction,
                    "instrument_expiration": self.expires * 1000,
                    "buy_amount": float(self.stake),
                }
            }
        return {
            "binary_options_option_changed1": {
                "option_id": self.number,
                "order_ids": [self.number],
                "direction": self.direction,
                "expiration_time": self.expires,
                "amount": float(self.stake),
                "result": self.reason or "opened",
            }
        }

    def told(self) -> dict[str, Any]:
        """For tests, which count in here."""
        return {
            "id": self.number,
            "email": self.email,
            "balance_id": self.balance_id,
            "active_id": self.active_id,
            "kind": self.kind,
            "direction": self.direction,
            "stake": str(self.stake),
            "opened_ms": self.opened_ms,
            "expires": self.expires,
            "reason": self.reason,
            "returned": None if self.returned is None else str(self.returned),
            "settlements": self.settlements,
        }


@dataclass
class Ledger:
    entries: list[Entry] = field(default_factory=list)
    running: dict[int, Entry] = field(default_factory=dict)
    asked: int = 0  # orders that arrived, whatever came of them

    def add(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        self.running[entry.number] = entry
        return entry

    def next_number(self, base: int) -> int:
        return base + len(self.entries) + 1

    def of(self, user_id: int) -> list[Entry]:
        return [one for one in self.entries if one.user_id == user_id]


def position_id(seed: int, number: int) -> str:
    return str(uuid.UUID(int=(seed % 2**32) << 96 | number, version=4))
