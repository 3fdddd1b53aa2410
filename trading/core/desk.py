"""A session without a broker: what it has open and lost, and the gate before its next order.

The ledger counts as the live gate does, so that a backtest and a replay refuse what it refuses.
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from trading.core.bot import Command, Plan, command_of
from trading.core.market import Candles
from trading.core.risk import Ask, Exposure, Limits, Refusal, refusal

DAY: Final = 86_400
HOUR: Final = 3600
ZERO: Final = Decimal(0)


@dataclass
class Ledger:
    """What was risked, won and lost, in the order in which it happened."""

    realised: Decimal = ZERO
    peak: Decimal = ZERO
    day: int = -1
    day_profit: Decimal = ZERO
    losses: int = 0
    open: dict[str, Decimal] = field(default_factory=dict)
    asked: deque[float] = field(default_factory=deque)  # moments of the last hour's orders

    def take(self, key: str, stake: Decimal, *, at: float) -> None:
        self.open[key] = stake
        self.asked.append(at)

    def settle(self, key: str, profit: Decimal, *, at: float) -> None:
        """A profit of 0 is a tie, which says nothing about losses in a row."""
        self._turn(at)
        del self.open[key]
        self.realised += profit
        self.peak = max(self.peak, self.realised)
        self.day_profit += profit
        if profit:
            self.losses = self.losses + 1 if profit < 0 else 0

    def drop(self, key: str) -> None:
        """The broker did not take it."""
        del self.open[key]

    def exposure(self, *, at: float, bot_since: float) -> Exposure:
        self._turn(at)
        while self.asked and self.asked[0] <= at - HOUR:
            self.asked.popleft()
        return Exposure(
            day_profit=self.day_profit,
            at_risk=sum(self.open.values(), ZERO),
            drawdown=self.peak - self.realised,
            losses_in_a_row=self.losses,
            trades_last_hour=len(self.asked),
            open_positions=len(self.open),
            bot_minutes=(at - bot_since) / 60,
        )

    def _turn(self, at: float) -> None:
        """A new day begins without loss."""
        if int(at // DAY) != self.day:
            self.day, self.day_profit, self.losses = int(at // DAY), ZERO, 0


@dataclass(frozen=True, slots=True)
class Refused:
    """What the strategy wanted, and why it may not."""

    command: Command
    why: Refusal


@dataclass
class Desk:
    """Looks at each candle once. Its bot is started anew every midnight, as by its owner."""

    plan: Plan
    limits: Limits
    started_at: float
    ledger: Ledger = field(default_factory=Ledger)

    def look(self, candles: Candles, *, now: float) -> Command | Refused | None:
        """What is ordered after the last of these candles; it is in the ledger then."""
        command = command_of(self.plan, candles, now=now)
        if command is None:
            return None
        since = max(self.started_at, now // DAY * DAY)
        past = self.ledger.exposure(at=now, bot_since=since)
        why = refusal(self.limits, past, Ask(command.stake, by_bot=True))
        if why is not None:
            return Refused(command, why)
        self.ledger.take(str(command.key), command.stake, at=now)
        return command
