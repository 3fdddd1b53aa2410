"""What can be made to go wrong. Counts are of orders to come; texts name one account or none."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Faults:
    only: str | None = None  # the e-mail of the account that the order faults are for; None is all

    # The next orders
    drop_before_order: int = 0  # the connection breaks, the order has no effect
    drop_after_order: int = 0  # the order takes effect, the connection breaks before its answer
    swallow_option_reply: int = 0  # the order takes effect, nothing is answered
    fail_order: int = 0  # status 5000, though the order took effect
    garble_option_reply: int = 0  # an answer without what matters, the order took effect
    suspend: int = 0  # refused, status 4119
    reject_by_risk: int = 0  # refused without a status that tells why
    force_equal: int = 0  # the close quote is the open quote

    # Events
    duplicate_events: bool = False
    reorder_events: bool = False  # position events are held back, and told last first
    close_only_socket_option: bool = False  # the closing comes only as `socket-option-closed`
    close_missing: bool = False  # no event tells of the closing, the history does
    stop_time_sync: bool = False
    candle_gap: bool = False  # every third candle is missing from the history
    unknown_frames: bool = False  # frames and fields that nobody has heard of, and broken ones

    # Answers
    big_catalogue: bool = False  # 2 MiB
    delay_ms: int = 0  # of every answer
    localised: bool = False  # refusals in Spanish

    # Login
    html_at_login: bool = False
    login_ttl: int = 0  # every login is answered 429 with so many seconds

    def take(self, name: str, email: str) -> bool:
        """Whether the fault befalls this order; it then is one less."""
        left = getattr(self, name)
        if left < 1 or (self.only is not None and self.only != email):
            return False
        setattr(self, name, left - 1)
        return True

    def set(self, **changes: Any) -> None:
        """Raises `KeyError` for a fault that there is not."""
        known = {one.name for one in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise KeyError(name)
            setattr(self, name, value)
