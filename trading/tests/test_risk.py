"""The limits, by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.risk import Ask, Exposure, Limits, Refusal, refusal, strictest

D = Decimal
LIMITS = Limits(
    stake=D(10),
    daily_loss=D(50),
    drawdown=D(80),
    consecutive_losses=3,
    trades_per_hour=20,
    open_positions=2,
    run_minutes=60,
)
FLAT = Exposure()


def test_an_order_within_every_limit_passes() -> None:
    assert refusal(LIMITS, FLAT, Ask(D(10))) is None


@pytest.mark.parametrize(
    ("exposure", "stake", "limit", "found"),
    [
        (FLAT, "10.01", "stake", "10.01"),
        # 45 lost and 6 more would be 51.
        (Exposure(day_profit=D(-45)), "6", "daily_loss", "51"),
        # 30 lost, 15 open, 6 more: 51, were all of it lost.
        (Exposure(day_profit=D(-30), at_risk=D(15), open_positions=1), "6", "daily_loss", "51"),
        # 20 won today: 65 may still go, of which 60 are open.
        (Exposure(day_profit=D(20), at_risk=D(65), open_positions=1), "6", "daily_loss", "51"),
        (Exposure(drawdown=D("75.50")), "5", "drawdown", "80.50"),
        (Exposure(open_positions=2), "1", "open_positions", "3"),
        (Exposure(trades_last_hour=20), "1", "trades_per_hour", "21"),
        (Exposure(losses_in_a_row=3), "1", "consecutive_losses", "4"),
    ],
)
def test_one_step_past_a_limit_is_refused(
    exposure: Exposure, stake: str, limit: str, found: str
) -> None:
    refused = refusal(LIMITS, exposure, Ask(D(stake)))
    assert refused == Refusal(limit, allowed=str(getattr(LIMITS, limit)), found=found)


@pytest.mark.parametrize(
    "exposure",
    [
        Exposure(day_profit=D(-45)),
        Exposure(day_profit=D(-30), at_risk=D(15), open_positions=1),
        Exposure(drawdown=D(75)),
        Exposure(open_positions=1),
        Exposure(trades_last_hour=19),
        Exposure(losses_in_a_row=2),
    ],
)
def test_an_order_that_meets_a_limit_passes(exposure: Exposure) -> None:
    assert refusal(LIMITS, exposure, Ask(D(5))) is None


def test_only_a_bot_runs_out_of_time() -> None:
    late = Exposure(bot_minutes=60.5)
    assert refusal(LIMITS, late, Ask(D(1))) is None
    assert refusal(LIMITS, late, Ask(D(1), by_bot=True)) == Refusal("run_minutes", "60", "60.5")
    assert refusal(LIMITS, Exposure(bot_minutes=60.0), Ask(D(1), by_bot=True)) is None


def test_a_switch_comes_before_everything() -> None:
    halted = Exposure(switches=("broker:exnova",), at_risk=D("NaN"))
    assert refusal(LIMITS, halted, Ask(D(1000))) == Refusal("halted", found="broker:exnova")


@pytest.mark.parametrize("stake", [D(0), D(-1), D("NaN"), D("Infinity"), float("nan"), "5", None])
def test_a_stake_that_is_no_amount_is_unclear(stake: object) -> None:
    assert refusal(LIMITS, FLAT, Ask(stake)) == Refusal("unclear", found="stake")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [D("NaN"), D(-1), None, float("inf"), "9", True])
@pytest.mark.parametrize("name", ["daily_loss", "open_positions", "run_minutes"])
def test_a_limit_that_is_no_number_refuses_everything(name: str, value: object) -> None:
    broken = replace(LIMITS, **{name: value})  # type: ignore[arg-type]
    assert refusal(broken, FLAT, Ask(D(1))) == Refusal("unclear", found=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("at_risk", D(-1)), ("drawdown", D("NaN")), ("open_positions", -1), ("day_profit", D("sNaN"))],
)
def test_a_past_that_is_not_known_refuses_everything(name: str, value: object) -> None:
    unknown = replace(FLAT, **{name: value})  # type: ignore[arg-type]
    assert refusal(LIMITS, unknown, Ask(D(1))) == Refusal("unclear", found=name)


def test_the_strictest_takes_the_smallest_of_each() -> None:
    other = replace(LIMITS, stake=D(3), drawdown=D(500), open_positions=1)
    assert strictest(LIMITS, other) == replace(LIMITS, stake=D(3), open_positions=1)


amounts = st.decimals(min_value=0, max_value=200, places=2)


@given(
    stakes=st.lists(st.decimals(min_value="0.01", max_value=30, places=2), max_size=12),
    outcomes=st.lists(st.integers(min_value=-1, max_value=1), min_size=12, max_size=12),
    settle_after=st.integers(min_value=0, max_value=3),
)
def test_no_sequence_of_orders_loses_more_than_the_day_allows(
    stakes: list[D], outcomes: list[int], settle_after: int
) -> None:
    """Orders that pass are settled late and in any way; the loss of the day stays within."""
    loose = replace(
        LIMITS, stake=D(100), drawdown=D(10**6), consecutive_losses=10**6, open_positions=10**6
    )
    profit, waiting = D(0), list[tuple[D, int]]()
    for stake, outcome in zip(stakes, outcomes, strict=False):
        past = Exposure(day_profit=profit, at_risk=sum((one for one, _ in waiting), D(0)))
        if refusal(loose, past, Ask(stake)) is None:
            waiting.append((stake, outcome))
        while len(waiting) > settle_after:
            lost, how = waiting.pop(0)
            profit += lost * how
    profit += sum((stake * how for stake, how in waiting), D(0))
    assert profit >= -LIMITS.daily_loss
