"""One step of a bot: the same for live trading, a backtest and a replay.

At the close of a candle the strategy is asked once, and what it wants becomes at most one command.
Its key follows from the session and the candle, so that two nodes that both look at a candle, or
one that looks twice, ask for one order.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trading.core.market import Candles, Direction, Strategy

KEYS: Final = uuid.UUID("6f2b8f0c-64b1-5d7e-9a3c-0d1e5a7c9b42")  # the space of our keys
LATE: Final = 0.5  # of a candle; a decision later than that is about a market that has gone on


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bot does, all of it fixed while it runs."""

    session: uuid.UUID
    strategy: Strategy
    asset: str
    seconds: int  # of a candle
    stake: Decimal
    minutes: int


@dataclass(frozen=True, slots=True)
class Command:
    """One order that the bot asks the gate for."""

    key: uuid.UUID
    asset: str
    direction: Direction
    stake: Decimal
    minutes: int
    closed_at: int  # unix seconds: the close of the candle that it follows from
    confidence: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {
            "key": str(self.key),
            "asset": self.asset,
            "direction": self.direction.value,
            "stake": f"{self.stake:.2f}",
            "minutes": self.minutes,
            "closed_at": self.closed_at,
            "confidence": round(self.confidence, 6),
            "reason": self.reason,
        }

    def line(self) -> bytes:
        """One line that is the same for the same command, byte for byte."""
        return canonical(self.as_json())


def canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def key_of(session: uuid.UUID, *, asset: str, seconds: int, start: int) -> uuid.UUID:
    """The one key of a session's order after the candle that began at `start`."""
    return uuid.uuid5(KEYS, f"{session}\n{asset}\n{seconds}\n{start}")


def is_late(candles: Candles, *, now: float) -> bool:
    """Whether the last of them closed too long ago to act on it."""
    closed_at = int(candles.start[-1]) + candles.seconds
    return now >= closed_at + LATE * candles.seconds


def command_of(plan: Plan, candles: Candles, *, now: float) -> Command | None:
    """What the bot asks for at `now`, after the last of these closed candles; None is to hold.

    Nothing is asked of a candle that has not closed, of one whose close is long past, or where a
    candle is missing among those that the strategy looks at.
    """
    if candles.asset != plan.asset or candles.seconds != plan.seconds:
        raise ValueError("these are not the plan's candles")
    needs = plan.strategy.needs
    if len(candles) < needs:
        return None
    start = int(candles.start[-1])
    closed_at = start + plan.seconds
    if not closed_at <= now or is_late(candles, now=now):
        return None
    if start - int(candles.start[-needs]) != (needs - 1) * plan.seconds:
        return None
    wanted = plan.strategy.decide(candles)
    if wanted.direction is None:
        return None
    return Command(
        key=key_of(plan.session, asset=plan.asset, seconds=plan.seconds, start=start),
        asset=plan.asset,
        direction=wanted.direction,
        stake=plan.stake,
        minutes=plan.minutes,
        closed_at=closed_at,
        confidence=wanted.confidence,
        reason=wanted.reason,
    )
