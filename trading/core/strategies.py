"""What a bot can follow: small classes over closed candles, with parameters that are checked.

A strategy looks at exactly the last `needs` candles, so that live trading, a backtest and a replay
decide alike however much history each of them keeps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from numpy.typing import NDArray

from trading.core import indicators
from trading.core.market import Candles, Decision, Direction, Strategy

HOLD: Final = Decision(None, 0.0, "hold")
TOO_FEW: Final = Decision(None, 0.0, "too_few_candles")
HUGE: Final = 1e15  # a whole number beyond may be no float
SETTLED: Final = 10  # times its period, and Wilder's average has forgotten where it began


class BadParameters(ValueError):
    """A strategy cannot be made of this; `code` and `facts` say why."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code, self.facts = code, facts
        super().__init__(f"{code}: {facts}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a page needs to ask for one; the words are the page's."""

    name: str
    kind: str  # "int", "float", "choice", or "agent": the name of a trained agent
    default: int | float | str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, value: object) -> int | float | str:
        """The value as it is used. Raises `BadParameters`."""
        if self.kind in {"int", "float"}:
            return self._number(value)
        if not isinstance(value, str) or (self.choices and value not in self.choices):
            raise BadParameters("bad_choice", name=self.name, choices=list(self.choices))
        if self.kind == "agent" and not 0 < len(value) <= 64:
            raise BadParameters("no_agent", name=self.name)
        return value

    def _number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < HUGE:
            raise BadParameters("not_a_number", name=self.name)
        number = float(value)
        if self.kind == "int" and number != int(number):
            raise BadParameters("not_whole", name=self.name)
        assert self.least is not None
        assert self.most is not None
        if not self.least <= number <= self.most:
            facts = {"name": self.name, "least": self.least, "most": self.most}
            raise BadParameters("out_of_range", **facts)
        return int(number) if self.kind == "int" else number


class Policy(Protocol):
    """A trained agent: what each action is worth after the last of these candles."""

    needs: int

    def decide(self, candles: Candles) -> Decision: ...


Policies = Callable[[str], Policy]  # by the agent's name; raises `BadParameters`


class Hold:
    """Never trades; what every other strategy is measured against."""

    name = "hold"
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    needs = 1

    def decide(self, candles: Candles) -> Decision:
        return HOLD


@dataclass(frozen=True)
class Momentum:
    """What moved enough will go on."""

    period: int
    threshold: float  # in average true ranges

    name = "momentum"
    parameters: ClassVar = (
        Parameter("period", "int", 10, 1, 100),
        Parameter("threshold", "float", 1.0, 0.0, 10.0),
    )

    @property
    def needs(self) -> int:
        return max(self.period, ATR_PERIOD * 3) + 1

    def decide(self, candles: Candles) -> Decision:
        moved = _moved(candles, self.needs, self.period)
        if moved is None:
            return TOO_FEW
        if abs(moved) <= self.threshold or moved == 0:
            return HOLD
        direction = Direction.CALL if moved > 0 else Direction.PUT
        return Decision(direction, _surplus(moved, self.threshold), f"momentum_{direction}")


@dataclass(frozen=True)
class Reversal:
    """What went too far from its average comes back."""

    period: int
    width: float  # standard deviations

    name = "reversal"
    parameters: ClassVar = (
        Parameter("period", "int", 20, 2, 200),
        Parameter("width", "float", 2.0, 0.1, 10.0),
    )

    @property
    def needs(self) -> int:
        return self.period

    def decide(self, candles: Candles) -> Decision:
        if len(candles) < self.needs:
            return TOO_FEW
        close = candles.close[-self.needs :]
        middle = float(indicators.sma(close, self.period)[-1])
        spread = float(indicators.deviation(close, self.period)[-1])
        away = float(close[-1]) - middle
        if spread == 0 or abs(away) <= self.width * spread:
            return HOLD
        direction = Direction.PUT if away > 0 else Direction.CALL
        return Decision(direction, _surplus(away / spread, self.width), f"reversal_{direction}")


@dataclass(frozen=True)
class Rsi:
    """Buys what was sold too much, and sells what was bought too much."""

    period: int
    low: float
    high: float

    name = "rsi"
    parameters: ClassVar = (
        Parameter("period", "int", 14, 2, 100),
        Parameter("low", "float", 30.0, 1.0, 49.0),
        Parameter("high", "float", 70.0, 51.0, 99.0),
    )

    @property
    def needs(self) -> int:
        return SETTLED * self.period + 1

    def decide(self, candles: Candles) -> Decision:
        if len(candles) < self.needs:
            return TOO_FEW
        close = candles.close[-self.needs :]
        if (close == close[0]).all():
            return HOLD  # nothing moved, and an index of nothing says nothing
        index = float(indicators.rsi(close, self.period)[-1])
        if index < self.low:
            return Decision(Direction.CALL, (self.low - index) / self.low, "rsi_low")
        if index > self.high:
            return Decision(Direction.PUT, (index - self.high) / (100 - self.high), "rsi_high")
        return HOLD


class Agent:
    """Follows a trained agent."""

    name = "agent"
    parameters: ClassVar = (Parameter("agent", "agent", ""),)

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.needs = policy.needs

    def decide(self, candles: Candles) -> Decision:
        return self._policy.decide(candles) if len(candles) >= self.needs else TOO_FEW


STRATEGIES: Final[dict[str, type[Hold | Momentum | Reversal | Rsi | Agent]]] = {
    kind.name: kind for kind in (Hold, Momentum, Reversal, Rsi, Agent)
}
ATR_PERIOD: Final = 14


def checked(name: str, parameters: Mapping[str, Any]) -> dict[str, int | float | str]:
    """All of a strategy's parameters, defaults filled in. Raises `BadParameters`."""
    if name not in STRATEGIES:
        raise BadParameters("unknown_strategy", strategy=str(name)[:40], choices=list(STRATEGIES))
    if not isinstance(parameters, Mapping):
        raise BadParameters("not_an_object")
    known = {one.name: one for one in STRATEGIES[name].parameters}
    for given in parameters:
        if given not in known:
            facts = {"name": str(given)[:40], "choices": list(known)}
            raise BadParameters("unknown_parameter", **facts)
    return {key: one.read(parameters.get(key, one.default)) for key, one in known.items()}


def strategy(
    name: str, parameters: Mapping[str, Any], *, policies: Policies | None = None
) -> Strategy:
    """A strategy to ask at each close. Raises `BadParameters`."""
    values = checked(name, parameters)
    if name == Agent.name:
        if policies is None:
            raise BadParameters("no_agent", name="agent")
        return Agent(policies(str(values["agent"])))
    return STRATEGIES[name](**values)  # type: ignore[arg-type,return-value]


def last(candles: Candles, count: int) -> Candles:
    """The last `count` of them."""
    cut = slice(max(0, len(candles) - count), None)
    return _cut(candles, cut)


def first(candles: Candles, count: int) -> Candles:
    """What was known after `count` of them."""
    return _cut(candles, slice(0, count))


def between(candles: Candles, start: int, end: int) -> Candles:
    return _cut(candles, slice(start, end))


def _cut(candles: Candles, part: slice) -> Candles:
    def of(values: NDArray[Any]) -> NDArray[Any]:
        return values[part]

    return Candles(
        candles.asset,
        candles.seconds,
        of(candles.start),
        of(candles.open),
        of(candles.high),
        of(candles.low),
        of(candles.close),
    )


def _moved(candles: Candles, needs: int, period: int) -> float | None:
    """How far the close is from the one `period` before, in average true ranges."""
    if len(candles) < needs:
        return None
    high, low, close = (one[-needs:] for one in (candles.high, candles.low, candles.close))
    reach = float(indicators.atr(high, low, close, ATR_PERIOD)[-1])
    away = float(close[-1] - close[-1 - period])
    return away / reach if reach > 0 else 0.0


def _surplus(found: float, threshold: float) -> float:
    """How sure: 0 at the threshold, towards 1 far beyond it."""
    beyond = abs(found) - threshold
    return beyond / (beyond + max(threshold, 1.0))
