"""Connections that break before and after an order takes effect, again and again.

CI does ten rounds; `make rounds ROUNDS=100` does more, each with a seed that a failure names.
"""

import asyncio
import os
import random
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading.brokers.base import OrderRejected, OrderUnknown, Position, Token
from trading.brokers.emulator.server import Emulator
from trading.brokers.quadcode.broker import QuadcodeBroker
from trading.brokers.reconcile import Ambiguous, NotPlaced, Placed, Sent, Wait, fate
from trading.core.market import AccountType, Direction, Outcome
from trading.tests.stands import an_emulator, an_order, connector_to, eventually, who

ROUNDS = int(os.environ.get("ROUNDS", "10"))
FAULTS = (
    "drop_before_order",
    "drop_after_order",
    "swallow_option_reply",
    "fail_order",
    "garble_option_reply",
    "suspend",
    "cut at any moment",
    "nothing",
)
MOMENT = datetime.fromtimestamp(1_790_000_000, UTC)

pytestmark = pytest.mark.server  # its sockets need no other database


@dataclass
class Books:
    """What our side believes, to be held against the emulator's own book."""

    placed: dict[str, Position]
    refused: int = 0
    never: int = 0
    unknown: int = 0


async def in_step(broker: QuadcodeBroker, emulator: Emulator) -> None:
    await eventually(lambda: broker.now().timestamp() > emulator.now() - 1.5)


async def one_round(
    emulator: Emulator, token: Token, luck: random.Random, books: Books, number: int
) -> None:
    connector = connector_to(emulator)
    broker = await connector.connect(token, account_type=AccountType.PRACTICE)
    await in_step(broker, emulator)
    order = an_order(
        reference=str(number),
        direction=luck.choice(list(Direction)),
        stake=Decimal(luck.randint(1, 3)),  # so that orders look alike
        minutes=luck.choice([1, 2]),
    )
    sent = Sent(
        order.reference,
        order.asset,
        order.direction,
        order.stake,
        broker.now(),
        broker.now() + timedelta(minutes=order.minutes + 2),
    )
    fault = luck.choice(FAULTS)
    cut: asyncio.TimerHandle | None = None
    if fault == "cut at any moment":
        delay = luck.uniform(0, 0.01)
        cut = asyncio.get_running_loop().call_later(delay, emulator.control.drop, "ok@test")
    elif fault != "nothing":
        emulator.control.set(**{fault: 1})
    try:
        position = await broker.place(order)
        books.placed[position.broker_id] = position
    except OrderRejected:
        books.refused += 1
    except OrderUnknown:
        books.unknown += 1
        await settle_fate(emulator, token, sent, books, wait=luck.choice([0, 1, 30]))
    finally:
        if cut is not None:
            cut.cancel()
        emulator.control.set(**dict.fromkeys(FAULTS[:6], 0))
        await broker.close(logout=False)
    emulator.control.advance(luck.uniform(1, 90))


async def settle_fate(
    emulator: Emulator, token: Token, sent: Sent, books: Books, *, wait: float
) -> None:
    """As a node does it: connect again, look, wait, look again; and never send."""
    asked = emulator.desk.ledger.asked
    emulator.control.advance(wait)
    broker = await connector_to(emulator).connect(token, account_type=AccountType.PRACTICE)
    clean = 0
    try:
        for _ in range(12):
            await in_step(broker, emulator)
            late = broker.now() > sent.ends_by + timedelta(seconds=60)
            clean += late
            found = fate(
                sent,
                open_positions=await broker.open_positions(),
                closed_positions=await broker.closed_positions(since=sent.sent_at),
                bound=books.placed.keys(),
                now=broker.now(),
                clean_reads=clean,
            )
            assert not isinstance(found, Ambiguous)
            if isinstance(found, Placed):
                books.placed[found.position.broker_id] = found.position
                return
            if isinstance(found, NotPlaced):
                books.never += 1
                return
            emulator.control.advance(60)
        raise AssertionError("its fate was never found")
    finally:
        await broker.close(logout=False)
        assert emulator.desk.ledger.asked == asked


@pytest.mark.parametrize("seed", [int(os.environ.get("SEED", "1"))])
async def test_every_order_has_one_fate_and_the_brokers_book_agrees(seed: int) -> None:
    luck, books = random.Random(seed), Books({})
    async with an_emulator(seed=seed) as emulator:
        first = await connector_to(emulator).connect(who(), account_type=AccountType.PRACTICE)
        token = first.account.token
        assert token is not None
        await first.close(logout=False)
        for number in range(ROUNDS):
            await one_round(emulator, token, luck, books, number)
        emulator.control.advance(600)
        broker = await connector_to(emulator).connect(token, account_type=AccountType.PRACTICE)
        await in_step(broker, emulator)
        closed = await broker.closed_positions(since=MOMENT)
        balance = await broker.balance()
        with suppress(OrderRejected):
            await broker.close(logout=True)
        entries = emulator.control.orders()
    # No order twice, none lost, none invented.
    assert len(books.placed) + books.refused + books.never == ROUNDS
    assert sorted(str(one["id"]) for one in entries) == sorted(books.placed)
    # No settlement twice, none lost, and the money agrees.
    assert [one["settlements"] for one in entries] == [1] * len(entries)
    assert {one.broker_id for one in closed} == books.placed.keys()
    assert balance == Decimal(10_000) + sum(one.profit or Decimal(0) for one in closed)
    assert books.unknown >= ROUNDS // 4  # or the rounds tried nothing


# What the rule itself says, case by case

SENT = Sent("a", "EURUSD", Direction.CALL, Decimal(10), MOMENT, MOMENT + timedelta(seconds=60))


def a_position(**changes: object) -> Position:
    usual = Position(
        "7",
        "EURUSD",
        Direction.CALL,
        Decimal(10),
        MOMENT,
        MOMENT + timedelta(seconds=60),
        1.1,
        Decimal("0.87"),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def found_among(
    *positions: Position, after: float = 10, clean: int = 0, bound: tuple[str, ...] = ()
) -> object:
    return fate(
        SENT,
        open_positions=[one for one in positions if one.outcome is None],
        closed_positions=[one for one in positions if one.outcome],
        bound=set(bound),
        now=MOMENT + timedelta(seconds=after),
        clean_reads=clean,
    )


def test_one_that_fits_is_it() -> None:
    assert found_among(a_position()) == Placed(a_position())
    lost = a_position(outcome=Outcome.LOST)
    assert found_among(lost) == Placed(lost)
    assert found_among(a_position(opened_at=MOMENT + timedelta(seconds=15))) != Wait()
    assert found_among(a_position(opened_at=MOMENT - timedelta(seconds=1))) != Wait()


@pytest.mark.parametrize(
    "changes",
    [
        {"asset": "GBPUSD"},
        {"direction": Direction.PUT},
        {"stake": Decimal("10.01")},
        {"opened_at": MOMENT + timedelta(seconds=15.1)},
        {"opened_at": MOMENT - timedelta(seconds=1.1)},
        {"reference": "b"},
    ],
)
def test_one_that_differs_is_another(changes: dict[str, object]) -> None:
    assert found_among(a_position(**changes)) == Wait()


def test_a_reference_of_ours_settles_it_whatever_else_is_said() -> None:
    early = a_position(reference="a", opened_at=MOMENT - timedelta(seconds=9))
    assert found_among(early, a_position(broker_id="8", reference="b")) == Placed(early)


def test_one_that_another_order_holds_is_not_ours() -> None:
    assert found_among(a_position(), bound=("7",)) == Wait()


def test_two_that_fit_are_for_a_person() -> None:
    both = (a_position(), a_position(broker_id="8"))
    assert found_among(*both) == Ambiguous(both)
    assert found_among(a_position(), a_position(outcome=Outcome.LOST)) != Ambiguous(both)


@pytest.mark.parametrize(
    ("after", "clean", "expected"),
    [(120, 2, Wait()), (120.1, 1, Wait()), (120.1, 2, NotPlaced()), (3600, 0, Wait())],
)
def test_it_was_not_placed_only_after_its_time_and_two_clean_looks(
    after: float, clean: int, expected: object
) -> None:
    assert found_among(after=after, clean=clean) == expected
