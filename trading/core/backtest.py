"""A strategy on recorded candles, through the gate and on the terms of live trading.

At each close the clock goes on, what has ended is settled, and the desk looks once. An option is
bought at the first price after the close and ends on the platform's grid; nothing that happens
later is known when it is bought.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trading.core.bot import Command, Plan
from trading.core.clock import CandleClock
from trading.core.desk import Desk, Refused
from trading.core.evaluation import ERROR, FEWEST_TRADES, bootstrap, calibration, wilson
from trading.core.market import Candles, Direction, Outcome
from trading.core.options import Terms, ends_of, prices_at
from trading.core.risk import Limits
from trading.core.settlement import outcome_of, profit_of
from trading.core.strategies import first

DRAWS: Final = 1000  # of the Monte-Carlo
TELL_EVERY: Final = 500  # candles


@dataclass(frozen=True, slots=True)
class Setup:
    """What a backtest is of."""

    plan: Plan
    limits: Limits
    balance: Decimal
    payout: Decimal
    dead_time: int = 5
    slippage: float = 0.0  # share of the price by which an entry is worse

    @property
    def terms(self) -> Terms:
        return Terms(
            float(self.payout),
            self.plan.minutes,
            slippage=self.slippage,
            dead_time=self.dead_time,
        )


@dataclass(frozen=True, slots=True)
class Trade:
    """One option from its purchase to its end; moments in unix seconds."""

    command: Command
    opened_at: int
    expires_at: int
    open_price: float
    close_price: float
    outcome: Outcome
    profit: Decimal


@dataclass
class Backtest:
    """What happened."""

    setup: Setup
    candles: Candles
    trades: list[Trade] = field(default_factory=list)
    commands: list[tuple[Command, bool]] = field(default_factory=list)  # and whether it was taken
    refused: Counter[str] = field(default_factory=Counter)
    unsettled: int = 0  # bought, but the data end first; their stakes come back


def run(
    setup: Setup, candles: Candles, *, tell: Callable[[float], None] = lambda share: None
) -> Backtest:
    """Go through the candles from the first to the last."""
    found = Backtest(setup, candles)
    closes = candles.start + candles.seconds
    entries, ends = prices_at(candles, closes), ends_of(candles, setup.terms)
    exits = prices_at(candles, ends)
    clock = CandleClock(float(candles.start[0]))
    desk = Desk(setup.plan, setup.limits, started_at=clock.time())
    waiting: deque[Trade] = deque()
    for index in range(len(candles)):
        clock.go_to(float(closes[index]))
        _settle(desk, waiting, found, now=clock.time())
        is_next = index + 1 < len(candles) and candles.start[index + 1] == closes[index]
        price = float(entries[index]) if is_next else None
        _look(desk, first(candles, index + 1), found, waiting, price, clock, ends, exits)
        if index % TELL_EVERY == 0:
            tell(index / len(candles))
    _settle(desk, waiting, found, now=clock.time())
    found.unsettled = len(waiting)
    return found


def _look(
    desk: Desk,
    known: Candles,
    found: Backtest,
    waiting: deque[Trade],
    price: float | None,
    clock: CandleClock,
    ends: NDArray[np.int64],
    exits: NDArray[np.float64],
) -> None:
    """Ask once; `ends` and `exits` are what the market will do to an option bought now."""
    asked = desk.look(known, now=clock.time())
    if asked is None:
        return
    if isinstance(asked, Refused):
        found.refused[asked.why.limit] += 1
        return
    setup, index = found.setup, len(known) - 1
    balance = setup.balance + desk.ledger.realised - sum(desk.ledger.open.values())
    found.commands.append((asked, price is not None and balance >= 0))
    if price is None or balance < 0:
        desk.ledger.drop(str(asked.key))
        found.refused["closed" if price is None else "no_money"] += 1
        return
    side = 1.0 if asked.direction is Direction.CALL else -1.0
    outcome = outcome_of(
        asked.direction, opened=price * (1.0 + side * setup.slippage), closed=float(exits[index])
    )
    profit = profit_of(outcome, stake=asked.stake, payout=setup.payout)
    opened, end = int(clock.time()), int(ends[index])
    waiting.append(Trade(asked, opened, end, price, float(exits[index]), outcome, profit))


def _settle(desk: Desk, waiting: deque[Trade], found: Backtest, *, now: float) -> None:
    """Those whose end has come, oldest first; of one length they end in the order of purchase."""
    while waiting and waiting[0].expires_at <= now:
        trade = waiting.popleft()
        desk.ledger.settle(str(trade.command.key), trade.profit, at=trade.expires_at)
        found.trades.append(trade)


def equity(found: Backtest) -> NDArray[np.float64]:
    """The balance before the first trade and after each, shape (trades + 1,)."""
    gains = [float(one.profit) for one in found.trades]
    return float(found.setup.balance) + np.concatenate([[0.0], np.cumsum(gains)])


def fall(balances: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each balance lies below the best before it."""
    below: NDArray[np.float64] = np.maximum.accumulate(balances) - balances
    return below


def summary(
    found: Backtest, *, tried: int = 1, learned: tuple[int, int] | None = None
) -> dict[str, Any]:
    """Everything a page shows of it; `tried` counts what was tried, this time included.

    What an agent `learned` from, from when to when, shows no edge.
    """
    told = _verdict(found, tried)
    start, end = int(found.candles.start[0]), int(found.candles.start[-1]) + found.candles.seconds
    if learned is not None and start < learned[1] and learned[0] < end:
        told["reasons"].append("seen_in_training")
        told["edge"] = False
    won = sum(one.outcome is Outcome.WON for one in found.trades)
    lost = sum(one.outcome is Outcome.LOST for one in found.trades)
    balances = equity(found)
    return {
        "asset": found.candles.asset,
        "candles": len(found.candles),
        "from": start,
        "to": end,
        "trades": len(found.trades),
        "won": won,
        "lost": lost,
        "tied": len(found.trades) - won - lost,
        "unsettled": found.unsettled,
        "refused": dict(sorted(found.refused.items())),
        "staked": str(sum((one.command.stake for one in found.trades), Decimal(0))),
        "profit": str(sum((one.profit for one in found.trades), Decimal(0))),
        "balance": str(found.setup.balance),
        "largest_fall": round(float(fall(balances).max()), 2),
        "verdict": told,
        "calibration": _calibration(found),
        "monte_carlo": monte_carlo(found),
    }


def _verdict(found: Backtest, tried: int) -> dict[str, Any]:
    """No edge is shown unless the low end of the win rate is above break-even."""
    won = sum(one.outcome is Outcome.WON for one in found.trades)
    decided = won + sum(one.outcome is Outcome.LOST for one in found.trades)
    error = ERROR / max(1, tried)
    low, high = wilson(won, decided, error=error)
    even = found.setup.terms.break_even
    reasons = ["few_trades"] if decided < FEWEST_TRADES else []
    if low <= even:
        reasons.append("below_break_even")
    gains = np.array([float(one.profit / one.command.stake) for one in found.trades])
    least, most = bootstrap(gains, block=10, seed=1, error=error)
    if least <= 0 and "below_break_even" not in reasons:
        reasons.append("not_above_hold")
    return {
        "edge": not reasons,
        "reasons": reasons,
        "win_rate": won / decided if decided else None,
        "win_low": low,
        "win_high": high,
        "break_even": even,
        "error": error,
        "a_trade": [least, most] if np.isfinite(least) else None,  # stakes
    }


def _calibration(found: Backtest) -> dict[str, Any]:
    decided = [one for one in found.trades if one.outcome is not Outcome.TIED]
    sure = np.array([one.command.confidence for one in decided])
    won = np.array([one.outcome is Outcome.WON for one in decided], np.bool_)
    return calibration(sure, won).as_json()


def monte_carlo(found: Backtest, *, seed: int = 1) -> dict[str, Any] | None:
    """The same trades drawn again and again: how else it could have gone. None of no trades."""
    gains = np.array([float(one.profit) for one in found.trades])
    if not len(gains):
        return None
    rng = np.random.default_rng(seed)
    ends, lows, falls = np.empty(DRAWS), np.empty(DRAWS), np.empty(DRAWS)
    for draw in range(DRAWS):
        path = np.cumsum(gains[rng.integers(len(gains), size=len(gains))])
        ends[draw], lows[draw] = path[-1], path.min()
        falls[draw] = fall(np.concatenate([[0.0], path])).max()
    return {
        "draws": DRAWS,
        "profit": _quantiles(ends),
        "largest_fall": _quantiles(falls),
        "chance_of_loss": float((ends < 0).mean()),
        "chance_of_ruin": float((lows <= -float(found.setup.balance)).mean()),
    }


def _quantiles(values: NDArray[np.float64]) -> Mapping[str, float]:
    found = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    return {name: round(float(one), 2) for name, one in zip(QUANTILES, found, strict=True)}


QUANTILES: Final = ("p5", "p25", "p50", "p75", "p95")
