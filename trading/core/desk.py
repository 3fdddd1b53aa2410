"""A session without a broker: what it has open and lost, and the gate before its next order.

The ledger counts as the live gate does, so that a backtest and a replay refuse what it refuses.
"""

from collections import deque
from dataclasses import dataclass, field, replace
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
    ends: deque[tuple[float, bool]] = field(default_factory=deque)  # of today: when, whether lost
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
            self.ends.append((at, profit < 0))

    def drop(self, key: str) -> None:
        """The broker did not take it."""
        del self.open[key]

    def release(self) -> None:
        """Somebody has looked: losses in a row count from here on."""
        self.ends.clear()

    def exposure(self, *, at: float, bot_since: float) -> Exposure:
        self._turn(at)
        while self.asked and self.asked[0] <= at - HOUR:
            self.asked.popleft()
        return Exposure(
            day_profit=self.day_profit,
            at_risk=sum(self.open.values(), ZERO),
            drawdown=self.peak - self.realised,
            losses_in_a_row=self._losses(at),
            trades_last_hour=len(self.asked),
            open_positions=len(self.open),
            bot_minutes=(at - bot_since) / 60,
        )

    def _losses(self, at: float) -> int:
        lost = 0
        for ended_at, was_lost in reversed(self.ends):
            if ended_at > at:
                continue  # written before the order was asked for, and later on the clock
            if not was_lost:
                break
            lost += 1
        return lost

    def _turn(self, at: float) -> None:
        """A new day begins without loss."""
        if int(at // DAY) != self.day:
            self.day, self.day_profit = int(at // DAY), ZERO
            self.ends.clear()


@dataclass(frozen=True, slots=True)
class Refused:
    """What the strategy wanted, and why it may not."""

    command: Command
    why: Refusal


@dataclass(frozen=True, slots=True)
class Outside:
    """Something else than the session's limits refuses whatever is asked: a code, and whether it is
    looked at before them."""

    code: str
    is_first: bool


@dataclass
class Desk:
    """Looks at each candle once. Of a backtest the bot is started anew every midnight, as by its
    owner."""

    plan: Plan
    limits: Limits
    started_at: float
    is_daily: bool = True
    raises: list[tuple[float, str, Decimal]] = field(default_factory=list)  # to come: when, what
    ledger: Ledger = field(default_factory=Ledger)
    _asked: set[str] = field(default_factory=set)

    def look(
        self,
        candles: Candles,
        *,
        now: float,
        at: float | None = None,
        outside: Outside | None = None,
    ) -> Command | Refused | None:
        """What is ordered after the last of these candles; it is in the ledger then.

        `now` is the broker's clock, `at` the gate's where that is another one.
        """
        command = command_of(self.plan, candles, now=now)
        if command is None or str(command.key) in self._asked:
            return None  # of a second order after one candle the gate makes none
        at = now if at is None else at
        why = self._refusal(command, at=at, outside=outside)
        if why is not None:
            return Refused(command, why)
        self.ledger.take(str(command.key), command.stake, at=at)
        self._asked.add(str(command.key))
        return command

    def _refusal(self, command: Command, *, at: float, outside: Outside | None) -> Refusal | None:
        if outside is not None and outside.is_first:
            return Refusal(outside.code)
        since = max(self.started_at, at // DAY * DAY) if self.is_daily else self.started_at
        past = self.ledger.exposure(at=at, bot_since=since)
        why = refusal(self._in_force(at), past, Ask(command.stake, by_bot=True))
        return Refusal(outside.code) if why is None and outside is not None else why

    def _in_force(self, at: float) -> Limits:
        due = [one for one in self.raises if one[0] <= at]
        for one in due:
            self.raises.remove(one)
            _when, name, value = one
            kind = type(getattr(self.limits, name))
            self.limits = replace(self.limits, **{name: kind(value)})
        return self.limits
