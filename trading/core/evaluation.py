"""Whether a way of trading has an edge, told apart from luck.

An agent is trained again and again on the past and tried on what came after it (walk-forward),
with a pause between the two in which nothing is learned or tried, from several seeds, and beside
plain baselines on the same candles. There is "no demonstrated edge" unless the lower ends of the
intervals, widened for everything that was tried, lie above break-even and above every baseline.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trading.core.agent import TrainedAgent
from trading.core.features import WINDOW
from trading.core.market import Direction, Strategy
from trading.core.options import CALL, HOLD, PUT, Table
from trading.core.strategies import between, strategy

Actions = NDArray[np.int64]
Learner = Callable[[Table, NDArray[np.int64], int], TrainedAgent]  # table, rows, seed
ERROR: Final = 0.05  # of a false verdict, over everything that was tried
FEWEST_TRADES: Final = 100  # decided ones, of a seed
FEWEST_SEEDS: Final = 5
ROUNDS: Final = 4000
BASELINES: Final = ("hold", "random", "momentum", "reversal")


def wilson(won: float, decided: float, *, error: float = ERROR) -> tuple[float, float]:
    """Two-sided interval of a share. Source: Wilson, JASA 22 (1927); (0, 1) of nothing."""
    if decided <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(1 - error / 2)
    share = won / decided
    weight = 1 + z * z / decided
    centre = (share + z * z / (2 * decided)) / weight
    reach = z / weight * (share * (1 - share) / decided + z * z / (4 * decided**2)) ** 0.5
    return max(0.0, centre - reach), min(1.0, centre + reach)


def bootstrap(
    values: NDArray[np.float64], *, block: int, seed: int, error: float = ERROR
) -> tuple[float, float]:
    """Two-sided interval of the mean, from blocks of neighbours drawn again with replacement."""
    whole = len(values) // block
    if whole < 2:
        return float("-inf"), float("inf")
    sums = values[: whole * block].reshape(whole, block).sum(axis=1)
    drawn = np.random.default_rng(seed).integers(whole, size=(ROUNDS, whole))
    means = sums[drawn].sum(axis=1) / (whole * block)
    low, high = np.quantile(means, [error / 2, 1 - error / 2])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from and later ones to be tried on, with the embargo between them."""

    learn: NDArray[np.int64]
    tried: NDArray[np.int64]


def folds(data: Table, *, count: int, embargo: int | None = None) -> list[Fold]:
    """`count` tries, each on what follows all that was learned from.

    The embargo is at least the reach of an observation, and no option that was learned from is
    settled after its start.
    """
    usable = np.flatnonzero(data.usable)
    pause = WINDOW if embargo is None else max(embargo, WINDOW)
    edges = np.linspace(0, len(usable), count + 2).astype(int)[1:]
    found = []
    for begin, end in pairwise(edges):
        tried = usable[begin:end]
        known = usable[:begin]
        border = tried[0] - pause
        found.append(Fold(known[(known <= border) & (data.after[known] <= border)], tried))
    return found


def played(data: Table, rows: NDArray[np.int64], actions: Actions) -> Actions:
    """The same actions, without those that fall while an option is still open."""
    free, found = -1, np.zeros_like(actions)
    for place in np.flatnonzero(actions != HOLD):
        row = rows[place]
        if row >= free:
            found[place] = actions[place]
            free = data.after[row]
    return found


def profits(data: Table, rows: NDArray[np.int64], actions: Actions) -> NDArray[np.float64]:
    """What each row's action brought, in stakes; 0 for holding."""
    return np.where(actions == HOLD, 0.0, data.rewards[rows, actions])


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of trades; money in stakes."""

    candles: int
    trades: int
    won: int
    lost: int
    tied: int
    profit: float

    @property
    def decided(self) -> int:
        return self.won + self.lost

    @property
    def win_rate(self) -> float | None:
        return self.won / self.decided if self.decided else None

    @property
    def hold_rate(self) -> float:
        return 1 - self.trades / self.candles if self.candles else 1.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "win_rate": self.win_rate, "hold_rate": self.hold_rate}


def tally(data: Table, rows: NDArray[np.int64], actions: Actions) -> Tally:
    traded = actions != HOLD
    gained = data.rewards[rows, actions][traded] + data.terms.cost
    return Tally(
        candles=len(rows),
        trades=int(traded.sum()),
        won=int((gained > 0).sum()),
        lost=int((gained < 0).sum()),
        tied=int((gained == 0).sum()),
        profit=float(profits(data, rows, actions).sum()),
    )


def baseline(name: str, data: Table, rows: NDArray[np.int64]) -> Actions:
    """What a plain rule does after each of these rows."""
    if name == "random":
        return np.random.default_rng(0).integers(CALL, PUT + 1, len(rows))
    return followed(strategy(name, {}), data, rows)


def followed(rule: Strategy, data: Table, rows: NDArray[np.int64]) -> Actions:
    """What a strategy decides after each of these rows."""
    found = np.zeros(len(rows), np.int64)
    for place, row in enumerate(rows):
        seen = between(data.candles, max(0, int(row) + 1 - rule.needs), int(row) + 1)
        wanted = rule.decide(seen).direction
        if wanted is not None:
            found[place] = CALL if wanted is Direction.CALL else PUT
    return found


@dataclass(frozen=True)
class Bin:
    """Trades whose confidence fell between two bounds."""

    low: float
    high: float
    count: int
    confidence: float  # their mean
    won: float  # the share that won
    won_low: float  # its interval
    won_high: float


@dataclass(frozen=True)
class Calibration:
    """Whether what is said to win so often does."""

    bins: tuple[Bin, ...]
    brier: float | None  # mean of (confidence - won)²
    error: float | None  # mean distance of the bins, weighted by their counts

    def as_json(self) -> dict[str, Any]:
        bins = [asdict(one) for one in self.bins]
        return {"bins": bins, "brier": self.brier, "error": self.error}


def calibration(
    confidence: NDArray[np.float64], won: NDArray[np.bool_], *, width: float = 0.05
) -> Calibration:
    """Of decided trades alone; both have the shape (n,)."""
    if not len(confidence):
        return Calibration((), None, None)
    place = np.minimum((confidence / width).astype(int), round(1 / width) - 1)
    bins = []
    for one in np.unique(place):
        inside = place == one
        count = int(inside.sum())
        low, high = wilson(int(won[inside].sum()), count)
        bins.append(
            Bin(
                low=round(float(one * width), 6),
                high=round(float((one + 1) * width), 6),
                count=count,
                confidence=float(confidence[inside].mean()),
                won=float(won[inside].mean()),
                won_low=low,
                won_high=high,
            )
        )
    away = sum(one.count * abs(one.confidence - one.won) for one in bins) / len(confidence)
    return Calibration(tuple(bins), float(((confidence - won) ** 2).mean()), away)


@dataclass(frozen=True)
class Verdict:
    """`reasons` says what is missing; empty where an edge was demonstrated."""

    reasons: tuple[str, ...]
    win_rate: float | None
    win_low: float
    win_high: float
    break_even: float
    error: float  # of each interval, after the correction
    ahead: Mapping[str, tuple[float, float]]  # of each baseline: stakes a candle, an interval

    @property
    def edge(self) -> bool:
        return not self.reasons


def verdict(
    tallies: Sequence[Tally],
    gained: NDArray[np.float64],
    beside: Mapping[str, NDArray[np.float64]],
    *,
    break_even: float,
    block: int,
    tried: int = 1,
) -> Verdict:
    """The gate. `gained` (seeds, candles) and `beside` (candles,) are profits in stakes.

    All seeds saw one market, so that their trades count as one seed's: the interval of the win
    rate is that of the mean number of trades. `tried` is how often something was put to this
    test so far, this time included; every interval is widened for that and for its companions.
    """
    error = ERROR / max(1, tried) / (1 + len(beside))
    decided = float(np.mean([one.decided for one in tallies])) if tallies else 0.0
    won = float(np.mean([one.won for one in tallies])) if tallies else 0.0
    low, high = wilson(won, decided, error=error)
    mean = gained.mean(axis=0)
    ahead = {
        name: bootstrap(mean - theirs, block=block, seed=1, error=error)
        for name, theirs in beside.items()
    }
    reasons = []
    if len(tallies) < FEWEST_SEEDS:
        reasons.append("few_seeds")
    if decided < FEWEST_TRADES:
        reasons.append("few_trades")
    if low <= break_even:
        reasons.append("below_break_even")
    reasons += [f"not_above_{name}" for name, (least, _) in ahead.items() if least <= 0]
    if sum(one.profit > 0 for one in tallies) < 0.8 * len(tallies):
        reasons.append("seeds_disagree")
    rate = won / decided if decided else None
    return Verdict(tuple(reasons), rate, low, high, break_even, error, ahead)


@dataclass(frozen=True)
class Evaluation:
    """What walk-forward found."""

    seeds: tuple[int, ...]
    folds: int
    tallies: tuple[Tally, ...]  # one a seed, over all folds
    baselines: Mapping[str, Tally]
    calibration: Calibration
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        found = self.verdict
        return {
            "seeds": list(self.seeds),
            "folds": self.folds,
            "of_seeds": [one.as_json() for one in self.tallies],
            "baselines": {name: one.as_json() for name, one in self.baselines.items()},
            "calibration": self.calibration.as_json(),
            "verdict": {
                **asdict(found),
                "reasons": list(found.reasons),
                "edge": found.edge,
                "ahead": _finite(found.ahead),
            },
        }


def _finite(ahead: Mapping[str, tuple[float, float]]) -> dict[str, list[float | None]]:
    return {
        name: [one if np.isfinite(one) else None for one in ends] for name, ends in ahead.items()
    }


def walk_forward(
    data: Table,
    learner: Learner,
    *,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    count: int = 4,
    tried: int = 1,
    tell: Callable[[float], None] = lambda share: None,
) -> Evaluation:
    """Train and try. Raises `ValueError` where there are too few candles."""
    parts = folds(data, count=count)
    rows = np.concatenate([one.tried for one in parts])
    actions = np.zeros((len(seeds), len(rows)), np.int64)
    sure = np.zeros((len(seeds), len(rows)))
    for which, seed in enumerate(seeds):
        at = 0
        for number, part in enumerate(parts):
            agent = learner(data, part.learn, seed)
            seen, here = data.seen[part.tried], slice(at, at + len(part.tried))
            actions[which, here] = played(data, part.tried, agent.actions(seen))
            taken = np.maximum(actions[which, here] - 1, 0)
            sure[which, here] = agent.chances(seen)[np.arange(len(seen)), taken]
            at += len(part.tried)
            tell((which * count + number + 1) / (len(seeds) * count))
    others = {name: played(data, rows, baseline(name, data, rows)) for name in BASELINES}
    tallies = tuple(tally(data, rows, one) for one in actions)
    gained = np.stack([profits(data, rows, one) for one in actions])
    return Evaluation(
        seeds=tuple(seeds),
        folds=count,
        tallies=tallies,
        baselines={name: tally(data, rows, one) for name, one in others.items()},
        calibration=_calibrated(data, rows, actions, sure),
        verdict=verdict(
            tallies,
            gained,
            {name: profits(data, rows, one) for name, one in others.items()},
            break_even=data.terms.break_even,
            block=max(20, 2 * int((data.after[rows] - rows).max())),
            tried=tried,
        ),
    )


def _calibrated(
    data: Table, rows: NDArray[np.int64], actions: NDArray[np.int64], sure: NDArray[np.float64]
) -> Calibration:
    gained = data.rewards[rows, actions] + np.where(actions == HOLD, 0.0, data.terms.cost)
    decided = (actions != HOLD) & (gained != 0)
    return calibration(sure[decided], gained[decided] > 0)
