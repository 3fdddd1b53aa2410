"""On which terms something is tried: what is staked, what it pays, what it costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from trading.core.risk import Limits
from trading.lab_refusals import CandlesRefused
from trading.limits import MONEY, OF_A_SESSION

CENT, UNIT = Decimal("0.01"), Decimal(1)
MOST: Final = Decimal(10) ** 9
MOST_PAYOUT: Final = Decimal(2)
SEEDS, FOLDS = 5, 4


@dataclass(frozen=True, slots=True)
class BacktestTerms:
    """`limits` may name some of `core.risk.Limits`."""

    stake: Decimal = Decimal(10)
    payout: Decimal = Decimal("0.87")
    balance: Decimal = Decimal(1000)
    slippage: float = 0.0
    limits: Mapping[str, Any] = field(default_factory=dict)

    def checked(self) -> dict[str, Any]:
        """As its job keeps them. Raises `CandlesRefused`."""
        return {
            "stake": str(_amount("stake", self.stake, CENT, Decimal(10**6), places=2)),
            "payout": str(_amount("payout", self.payout, CENT, MOST_PAYOUT)),
            "balance": str(_amount("balance", self.balance, UNIT, MOST)),
            "slippage": _share("slippage", self.slippage),
            "limits": _limits(self.limits),
        }


@dataclass(frozen=True, slots=True)
class TrainingTerms:
    """What the agent learns from, beside the candles."""

    payout: Decimal = Decimal("0.87")
    cost: float = 0.0
    slippage: float = 0.0
    seed: int = 1

    def checked(self) -> dict[str, Any]:
        """As its job keeps them. Raises `CandlesRefused`."""
        if isinstance(self.seed, bool) or not 0 <= self.seed < 2**31:
            raise CandlesRefused("bad_value", name="seed")
        return {
            "payout": str(_amount("payout", self.payout, CENT, MOST_PAYOUT)),
            "cost": _share("cost", self.cost),
            "slippage": _share("slippage", self.slippage),
            "seed": self.seed,
            "seeds": SEEDS,
            "folds": FOLDS,
        }


def _amount(name: str, value: object, least: Decimal, most: Decimal, *, places: int = 4) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise CandlesRefused("bad_value", name=name) from error
    if not found.is_finite() or not least <= found <= most or found != round(found, places):
        raise CandlesRefused("bad_value", name=name)
    return found


def _share(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.1:
        raise CandlesRefused("bad_value", name=name)
    return float(value)


def _limits(given: Mapping[str, Any]) -> dict[str, str]:
    """All limits as text; what is not given is as of a new session."""
    usual = asdict(OF_A_SESSION)
    unknown = set(given) - set(usual)
    if unknown:
        raise CandlesRefused("bad_value", name=str(sorted(unknown)[0])[:40])
    told = {}
    for one in fields(Limits):
        value = _amount(one.name, given.get(one.name, usual[one.name]), Decimal(0), MOST)
        if one.name not in MONEY and value != int(value):
            raise CandlesRefused("bad_value", name=one.name)
        told[one.name] = str(value if one.name in MONEY else int(value))
    return told
