"""A strategy on recorded candles: worked out by hand, and beside the paper broker."""

import json
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from trading.brokers.clock import Clock
from trading.core.backtest import Backtest, Setup, equity, fall, monte_carlo, run, summary
from trading.core.bot import Plan
from trading.core.clock import CandleClock
from trading.core.desk import Desk, Ledger, Refused
from trading.core.market import Candles, Decision, Direction, Outcome
from trading.core.paper_market import Listing, PaperMarket, PaperOrder, Terms
from trading.core.prices import Walk, candles_of
from trading.core.replay import BadRecording, recording_of, replay
from trading.core.risk import Limits
from trading.core.strategies import strategy
from trading.core.synthetic import persistent
from trading.tests.test_agent import an_agent

MIDNIGHT = 1_700_006_400
WIDE = Limits(
    stake=Decimal(100),
    daily_loss=Decimal(10_000),
    drawdown=Decimal(10_000),
    consecutive_losses=1000,
    trades_per_hour=1000,
    open_positions=100,
    run_minutes=1440,
)


class Always:
    """Calls after every candle."""

    name, needs = "always", 1

    def decide(self, candles: Candles) -> Decision:
        return Decision(Direction.CALL, 0.6, "always")


def a_setup(rule: Any = None, *, limits: Limits = WIDE, **changes: Any) -> Setup:
    names = {"asset": "EURUSD", "seconds": 60, "stake": Decimal(10), "minutes": 1}
    names |= {name: changes.pop(name) for name in list(changes) if name in names}
    plan = Plan(uuid.UUID(int=3), rule or Always(), **names)  # type: ignore[arg-type]
    return replace(Setup(plan, limits, Decimal(1000), Decimal("0.87")), **changes)


def candles(opens: list[float], *, start: int = MIDNIGHT) -> Candles:
    """Each candle stands still at its price."""
    price = np.array(opens)
    starts = start + 60 * np.arange(len(price), dtype=np.int64)
    return Candles("EURUSD", 60, starts, price, price, price, price)


def test_trades_are_worked_out_by_hand() -> None:
    # Bought at the open of each next candle, ended where the one after it begins: 2 -> 3 wins,
    # 3 -> 3 ties, 3 -> 1 loses; the last begins at 1 and ends with the data, at 1.
    found = run(a_setup(), candles([1, 2, 3, 3, 1]))
    assert [one.outcome for one in found.trades] == [
        Outcome.WON,
        Outcome.TIED,
        Outcome.LOST,
        Outcome.TIED,
    ]
    assert [one.profit for one in found.trades] == [
        Decimal("8.70"),
        Decimal("0.00"),
        Decimal(-10),
        Decimal("0.00"),
    ]
    first_trade = found.trades[0]
    assert (first_trade.opened_at, first_trade.expires_at) == (MIDNIGHT + 60, MIDNIGHT + 120)
    assert (first_trade.open_price, first_trade.close_price) == (2, 3)
    assert equity(found).tolist() == [1000, 1008.7, 1008.7, 998.7, 998.7]
    assert fall(equity(found)).max() == pytest.approx(10)
    assert found.refused == {"closed": 1}, "nothing follows the last candle"


def test_a_worse_entry_costs_ties() -> None:
    found = run(a_setup(slippage=1e-6), candles([1, 2, 2, 2]))
    assert [one.outcome for one in found.trades] == [Outcome.LOST] * 3


def test_nothing_is_bought_where_the_market_is_closed() -> None:
    late = candles([1, 2, 3, 4, 5, 6])
    late = replace(late, start=late.start + 3600 * (np.arange(6) >= 3))
    found = run(a_setup(), late)
    assert found.refused["closed"] == 2
    # Bought before the gap and ended in it: the last price before is the one that is known.
    assert (found.trades[1].open_price, found.trades[1].close_price) == (3, 3)


@pytest.mark.parametrize(
    ("limit", "value", "taken"),
    [
        ("trades_per_hour", 7, 14),  # in two hours
        ("consecutive_losses", 4, 4),
        ("daily_loss", Decimal(45), 4),  # a fifth could lose 50
        ("drawdown", Decimal(25), 2),
        ("stake", Decimal(9), 0),
        ("run_minutes", 30, 30),  # after the closes of minutes 1 to 30
    ],
)
def test_the_gate_holds_back_what_it_would_hold_back_live(
    limit: str, value: Any, taken: int
) -> None:
    falling = candles([200.0 - one for one in range(121)])
    found = run(a_setup(limits=replace(WIDE, **{limit: value})), falling)
    assert len(found.trades) == taken
    assert found.refused[limit] > 0


def test_a_new_day_begins_without_loss_but_a_drawdown_stays() -> None:
    falling = candles([200.0 - one for one in range(11)], start=MIDNIGHT + 86_400 - 300)
    daily = run(a_setup(limits=replace(WIDE, daily_loss=Decimal(20))), falling)
    assert len(daily.trades) == 4  # two before midnight and two after it
    ever = run(a_setup(limits=replace(WIDE, drawdown=Decimal(20))), falling)
    assert len(ever.trades) == 2


def test_no_more_is_open_at_once_than_may_be() -> None:
    long = a_setup(minutes=3, limits=replace(WIDE, open_positions=2))
    found = run(long, candles([1.0] * 20))
    opened = [(one.opened_at - MIDNIGHT) // 60 for one in found.trades]
    assert opened == [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17]
    assert found.unsettled == 1


def test_what_is_not_there_is_not_staked() -> None:
    found = run(a_setup(balance=Decimal(25)), candles([100.0 - one for one in range(20)]))
    assert len(found.trades) == 2
    assert found.refused["no_money"] > 0


def test_a_ledger_counts_as_the_gate_does() -> None:
    ledger = Ledger()
    for number, profit in enumerate(["-10", "-10", "0", "-10"]):
        ledger.take(str(number), Decimal(10), at=MIDNIGHT + number)
        ledger.settle(str(number), Decimal(profit), at=MIDNIGHT + number + 60)
    ledger.take("open", Decimal(7), at=MIDNIGHT + 100)
    past = ledger.exposure(at=MIDNIGHT + 3602, bot_since=MIDNIGHT)
    assert [past.day_profit, past.drawdown, past.at_risk] == [Decimal(-30), Decimal(30), Decimal(7)]
    assert (past.losses_in_a_row, past.open_positions) == (3, 1)
    assert past.trades_last_hour == 2  # those asked in its second 2 are an hour old
    assert past.bot_minutes == pytest.approx(60.03, abs=0.01)


def test_a_backtest_agrees_with_the_paper_broker() -> None:
    """The same orders at the same moments, in the market that the candles were made of."""
    prices = Walk(11, "EURUSD", start=1.08)
    market = PaperMarket({"EURUSD": Listing("EURUSD", 1, prices)}, 11, Terms(reject_rate=0.0))
    minutes = candles_of(prices, "EURUSD", seconds=60, start=MIDNIGHT, count=1500)
    for length in (1, 5, 15):
        rule = strategy("reversal", {"period": 10, "width": 1.0})
        found = run(a_setup(rule, minutes=length), minutes)
        assert len(found.trades) > 200
        for one in found.trades:
            if one.expires_at == MIDNIGHT + 60 * 1500:
                continue  # the candles end there: their last price is a second older
            theirs = market.order(
                reference=str(one.command.key),
                asset="EURUSD",
                direction=one.command.direction,
                stake=one.command.stake,
                minutes=length,
                now=float(one.opened_at),
            )
            assert isinstance(theirs, PaperOrder)
            assert int(theirs.expires_at.timestamp()) == one.expires_at
            assert (theirs.open_price, theirs.close_price) == (one.open_price, one.close_price)
            assert theirs.outcome is one.outcome


def test_the_candles_clock_is_one_that_brokers_live_in() -> None:
    clock = CandleClock(5.0)
    brokers: Clock = clock
    clock.go_to(7.5)
    assert brokers.time() == 7.5
    with pytest.raises(ValueError, match="backwards"):
        clock.go_to(7.0)


def a_backtest(rule: str = "reversal", seed: int = 4, **changes: Any) -> Backtest:
    policy = strategy(rule, {}) if rule != "agent" else None
    if policy is None:
        policy = strategy("agent", {"agent": "x"}, policies=lambda name: an_agent(0.2))
    return run(a_setup(policy, asset="SYNTHETIC", **changes), persistent(600, seed=seed))


def test_the_future_changes_no_trade() -> None:
    whole = persistent(600, seed=4)
    part = replace(
        whole, **{k: getattr(whole, k)[:400] for k in ("start", "open", "high", "low", "close")}
    )
    rule = strategy("reversal", {})
    early = run(a_setup(rule, asset="SYNTHETIC"), part).trades[:-2]
    late = run(a_setup(rule, asset="SYNTHETIC"), whole).trades
    assert early == late[: len(early)]
    assert len(early) > 20


@pytest.mark.parametrize("rule", ["momentum", "reversal", "rsi", "agent"])
def test_a_replay_gives_the_same_commands_byte_for_byte(rule: str) -> None:
    tight = replace(WIDE, trades_per_hour=6, consecutive_losses=4)
    found = a_backtest(rule, limits=tight, balance=Decimal(60))
    recording = recording_of(found, {})
    policies = {"policies": lambda name: an_agent(0.2)}
    again = replay(
        recording.splitlines(),
        lambda name, given: strategy(
            name, {"agent": "x"} if name == "agent" else given, **policies
        ),
    )
    assert again.recorded.count(b"\n") == len(found.commands) > 5
    assert again.same
    assert recording == recording_of(a_backtest(rule, limits=tight, balance=Decimal(60)), {})


def test_a_recording_that_was_changed_is_found_out() -> None:
    lines = recording_of(a_backtest(), {}).splitlines()
    bent = [one.replace(b'"direction":"call"', b'"direction":"put"') for one in lines]
    assert not replay(bent, strategy).same
    command = next(n for n, one in enumerate(lines) if b'"kind":"command"' in one)
    assert not replay([*lines[:command], *lines[command + 1 :]], strategy).same
    looser = [one.replace(b'"stake":"100"', b'"stake":"9"') for one in lines]  # the limit
    assert not replay(looser, strategy).same


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "not_json"),
        (b"[]", "not_json"),
        (b'{"kind":"candle"}', "bad_entry"),
        (b'{"kind":"settled","key":"x","at":1,"profit":"1"}', "bad_entry"),
        (b'{"kind":"order","key":"x","at":1,"stake":"much"}', "bad_entry"),
        (b'{"kind":"novel","key":"x","at":1}', "bad_entry"),
        (b'{"kind":"plan"}', "no_plan"),
    ],
)
def test_what_is_no_recording_is_refused(line: bytes, code: str) -> None:
    good = recording_of(a_backtest(), {}).splitlines()[:3]
    with pytest.raises(BadRecording) as refused:
        replay([*good, line], strategy)
    assert (refused.value.code, refused.value.line) == (code, 4)
    with pytest.raises(BadRecording):
        replay([line], strategy)


def test_a_summary_is_plain_data_and_shows_no_edge_in_a_walk() -> None:
    found = summary(a_backtest())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["verdict"]["edge"] is False
    assert found["won"] + found["lost"] + found["tied"] == found["trades"]


def test_a_summary_shows_an_edge_where_there_is_one() -> None:
    class Follow:
        name, needs = "follow", 1

        def decide(self, candles: Candles) -> Decision:
            rose = candles.close[-1] > candles.open[-1]
            return Decision(Direction.CALL if rose else Direction.PUT, 0.65, "follow")

    market = persistent(1500, seed=4, stays=0.65)
    made = run(a_setup(Follow(), asset="SYNTHETIC"), market)
    found = summary(made)
    assert found["verdict"]["edge"] is True
    for learned, edge in [
        ((0, found["from"]), True),
        ((0, found["from"] + 1), False),
        ((found["to"] - 1, 2**40), False),
        ((found["to"], 2**40), True),
    ]:
        again = summary(made, learned=learned)["verdict"]
        assert (again["edge"], again["reasons"] == []) == (edge, edge)
    assert found["calibration"]["error"] < 0.05
    assert found["monte_carlo"]["chance_of_loss"] < 0.01


def test_no_trades_have_no_statistics() -> None:
    found = summary(run(a_setup(strategy("hold", {})), candles([1.0] * 10)))
    assert found["monte_carlo"] is None
    assert found["verdict"]["win_rate"] is None
    assert found["profit"] == "0"


def test_the_monte_carlo_lies_about_what_happened() -> None:
    found = a_backtest()
    drawn = monte_carlo(found)
    assert drawn
    made = float(sum(one.profit for one in found.trades))
    assert drawn["profit"]["p5"] < made < drawn["profit"]["p95"]
    assert drawn == monte_carlo(found)


def test_a_desk_says_what_was_wanted_and_why_it_may_not() -> None:
    desk = Desk(a_setup().plan, replace(WIDE, stake=Decimal(1)), started_at=MIDNIGHT)
    asked = desk.look(candles([1, 2]), now=MIDNIGHT + 120)
    assert isinstance(asked, Refused)
    assert (asked.why.limit, asked.command.direction) == ("stake", Direction.CALL)
    assert desk.ledger.open == {}
