"""One test for each way in which the emulator can be made to misbehave."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError

from trading.brokers.base import (
    BalanceChanged,
    Disconnected,
    OrderRejected,
    OrderUnknown,
    PositionChanged,
)
from trading.brokers.emulator.server import START, Emulator
from trading.brokers.quadcode.link import NoAnswer
from trading.core.market import Direction, Outcome
from trading.tests.stands import QUICK, Listener, an_emulator, an_order, connected, eventually

pytestmark = pytest.mark.server  # its sockets need no other database


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with an_emulator() as made:
        yield made


def ended(listener: Listener) -> list[Any]:
    return [one.position for one in listener.of(PositionChanged) if one.position.outcome]


@pytest.mark.parametrize("asset", ["EURUSD-OTC", "EURUSD-op"])
@pytest.mark.parametrize(
    ("fault", "placed"),
    [
        ("drop_before_order", 0),
        ("drop_after_order", 1),
        ("swallow_option_reply", 1),
        ("fail_order", 1),
        ("garble_option_reply", 1),
    ],
)
async def test_an_order_without_a_clear_answer_is_unknown_and_never_sent_again(
    emulator: Emulator, fault: str, placed: int, asset: str
) -> None:
    emulator.faults.set(**{fault: 1})
    async with connected(emulator) as broker:
        with pytest.raises(OrderUnknown):
            await broker.place(an_order(asset=asset))
    assert len(emulator.control.orders()) == placed
    async with connected(emulator) as later:
        assert len(await later.open_positions()) == placed
    assert len(emulator.control.orders()) == placed


async def test_a_dropped_connection_ends_with_its_reason_and_takes_no_more_orders(
    emulator: Emulator,
) -> None:
    async with connected(emulator) as broker:
        listener = Listener(broker)
        emulator.control.drop("ok@test")
        await listener.until(lambda: bool(listener.of(Disconnected)))
        assert listener.told[-1] == Disconnected("lost")
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order())
        assert refused.value.reason == "not_connected"
    assert emulator.desk.ledger.asked == 0


async def test_a_drop_of_one_account_leaves_the_others_alone(emulator: Emulator) -> None:
    async with connected(emulator) as ana, connected(emulator, "rich@test") as bea:
        hers = Listener(ana)
        emulator.control.drop("ok@test")
        await hers.until(lambda: bool(hers.of(Disconnected)))
        assert (await bea.place(an_order())).stake == 10


@pytest.mark.parametrize("fault", ["duplicate_events", "reorder_events"])
async def test_events_that_come_twice_or_in_the_wrong_order_tell_once(
    emulator: Emulator, fault: str
) -> None:
    emulator.faults.set(**{fault: True})
    async with connected(emulator) as broker:
        listener = Listener(broker)
        await broker.place(an_order())
        emulator.control.advance(41)
        await listener.until(lambda: bool(ended(listener)))
        await asyncio.sleep(0.1)
        assert len(ended(listener)) == 1
        assert listener.of(PositionChanged)[-1].position.outcome  # nothing reopened it


async def test_without_the_brokers_time_no_order_leaves_and_then_the_connection_is_dead(
    emulator: Emulator,
) -> None:
    emulator.faults.set(stop_time_sync=True)
    async with connected(emulator) as broker:
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order())
        assert refused.value.reason == "stale"  # it was never heard
    emulator.faults.set(stop_time_sync=False)
    patience = replace(QUICK, stale=0.15, dead=0.5)
    async with connected(emulator, patience=patience) as broker:
        listener = Listener(broker)
        await asyncio.sleep(0.2)
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order())
        assert refused.value.reason == "stale"
        await listener.until(lambda: bool(listener.of(Disconnected)))
        assert listener.told[-1] == Disconnected("stale")
    assert emulator.desk.ledger.asked == 0


async def test_a_catalogue_of_two_mebibytes_is_read(emulator: Emulator) -> None:
    emulator.faults.set(big_catalogue=True)
    async with connected(emulator) as broker:
        assert len(await broker.assets()) >= 4


async def test_slow_answers_are_waited_for_and_slower_ones_leave_the_order_unknown(
    emulator: Emulator,
) -> None:
    emulator.faults.set(delay_ms=40)
    async with connected(emulator) as broker:
        await broker.place(an_order())
        emulator.faults.set(delay_ms=2500)  # patience is 1500
        with pytest.raises(OrderUnknown):
            await broker.place(an_order(direction=Direction.PUT))
    assert len(emulator.control.orders()) == 2


async def test_a_gap_in_the_history_stays_a_gap(emulator: Emulator) -> None:
    emulator.faults.set(candle_gap=True)
    async with connected(emulator) as broker:
        found = await broker.candles("EURUSD-OTC", seconds=60, count=20)
    starts = [int(one.start.timestamp()) for one in found]
    assert len(starts) == 20
    assert starts == sorted(set(starts))
    assert {b - a for a, b in pairwise(starts)} == {60, 120}


async def test_an_equal_price_gives_the_stake_back(emulator: Emulator) -> None:
    emulator.faults.set(force_equal=1)
    async with connected(emulator) as broker:
        listener = Listener(broker)
        await broker.place(an_order())
        emulator.control.advance(41)
        await listener.until(lambda: bool(ended(listener)))
        (closed,) = ended(listener)
        assert (closed.outcome, closed.profit) == (Outcome.TIED, 0)
        assert await broker.balance() == Decimal(10_000)


@pytest.mark.parametrize("fault", ["close_only_socket_option", "close_missing"])
async def test_an_end_that_no_position_event_tells_of_is_found_all_the_same(
    emulator: Emulator, fault: str
) -> None:
    emulator.faults.set(**{fault: True})
    async with connected(emulator) as broker:
        listener = Listener(broker)
        taken = await broker.place(an_order())
        emulator.control.advance(41)
        await asyncio.sleep(0.05)
        emulator.control.advance(5)  # the history is asked 5 s after the expiry
        await listener.until(lambda: bool(ended(listener)))
        (closed,) = ended(listener)
        (entry,) = emulator.control.orders()
        assert closed.broker_id == taken.broker_id == str(entry["id"])
        assert closed.profit == Decimal(entry["returned"]) - 10


async def test_a_refusal_in_another_language_is_a_refusal(emulator: Emulator) -> None:
    emulator.faults.set(localised=True, suspend=1)
    async with connected(emulator) as broker:
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order())
        assert (refused.value.reason, refused.value.text[:9]) == ("suspended", "No se pue")
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order(stake=Decimal(15_000)))
        assert refused.value.reason == "no_money"
    assert emulator.control.orders() == []


@pytest.mark.parametrize(
    ("fault", "reason"), [("suspend", "suspended"), ("reject_by_risk", "risk")]
)
async def test_a_refusal_says_why(emulator: Emulator, fault: str, reason: str) -> None:
    emulator.faults.set(**{fault: 1})
    async with connected(emulator) as broker:
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order())
        assert refused.value.reason == reason
        await broker.place(an_order())  # and the next one passes


async def test_frames_and_fields_that_nobody_knows_do_no_harm(emulator: Emulator) -> None:
    emulator.faults.set(unknown_frames=True)
    async with connected(emulator) as broker:
        listener = Listener(broker)
        await broker.place(an_order())
        emulator.control.advance(41)
        await listener.until(lambda: bool(ended(listener)))
        assert not listener.of(Disconnected)


async def test_a_fault_for_one_account_spares_the_others(emulator: Emulator) -> None:
    emulator.faults.set(suspend=1, only="rich@test")
    async with connected(emulator) as ana, connected(emulator, "rich@test") as bea:
        await ana.place(an_order())
        with pytest.raises(OrderRejected):
            await bea.place(an_order())


def test_every_fault_has_its_test() -> None:
    """Those of logins are in the tests of logins."""
    from dataclasses import fields
    from pathlib import Path

    from trading.brokers.emulator.faults import Faults

    here = Path(__file__).parent
    tests = [here / "test_quadcode_faults.py", here / "test_quadcode_login.py"]
    text = "".join(one.read_text(encoding="utf-8") for one in tests)
    assert [one.name for one in fields(Faults) if one.name not in text] == []


# Beside the faults: what the adapter does on a good day


async def test_the_same_order_twice_at_once_is_one_order(emulator: Emulator) -> None:
    async with connected(emulator) as broker:
        answers = await asyncio.gather(
            broker.place(an_order()), broker.place(an_order()), return_exceptions=True
        )
    refusals = [one for one in answers if isinstance(one, OrderRejected)]
    assert [one.reason for one in refusals] == ["in_flight"]
    assert len(emulator.control.orders()) == 1


async def test_a_digital_only_account_trades_digital_options(emulator: Emulator) -> None:
    async with connected(emulator, "restricted@test") as broker:
        listener = Listener(broker)
        taken = await broker.place(an_order())
        (entry,) = emulator.control.orders()
        assert (entry["kind"], str(entry["id"])) == ("digital", taken.broker_id)
        assert taken.payout == Decimal("0.8484")
        assert [one.broker_id for one in await broker.open_positions()] == [taken.broker_id]
        emulator.control.advance(110)
        await listener.until(lambda: bool(ended(listener)))
        (closed,) = ended(listener)
        assert closed.profit in {Decimal("8.48"), Decimal(-10)}
        (same,) = await broker.closed_positions(since=taken.opened_at)
        assert (same.broker_id, same.profit) == (taken.broker_id, closed.profit)


@pytest.mark.parametrize(
    ("fault", "placed"),
    [("drop_before_order", 0), ("drop_after_order", 1), ("swallow_option_reply", 1)],
)
async def test_a_digital_order_without_an_answer_is_unknown(
    emulator: Emulator, fault: str, placed: int
) -> None:
    async with connected(emulator, "restricted@test") as broker:
        emulator.faults.set(**{fault: 1})
        with pytest.raises(OrderUnknown):
            await broker.place(an_order())
    assert len(emulator.control.orders()) == placed


async def test_a_digital_order_that_is_refused_after_its_answer_is_rejected(
    emulator: Emulator,
) -> None:
    async with connected(emulator, "restricted@test") as broker:
        with pytest.raises(OrderRejected) as refused:
            await broker.place(an_order(stake=Decimal(15_000)))
        assert refused.value.text == "insufficient_funds"
    assert emulator.control.orders() == []


async def test_an_early_sale_is_told_as_the_end_that_it_is(emulator: Emulator) -> None:
    async with connected(emulator) as broker:
        listener = Listener(broker)
        taken = await broker.place(an_order(minutes=5))
        await broker.sell(taken.broker_id)
        await listener.until(lambda: bool(ended(listener)))
        assert ended(listener)[0].profit == Decimal(-5)
        with pytest.raises(OrderRejected):
            await broker.sell(taken.broker_id)


async def test_balances_of_other_accounts_of_the_person_are_not_ours(emulator: Emulator) -> None:
    async with connected(emulator, "rich@test") as broker:
        listener = Listener(broker)
        real = emulator.people.by_email["rich@test"].balances[1]
        emulator.desk._change(real, Decimal(-100))
        await broker.place(an_order())
        await listener.until(lambda: bool(listener.of(BalanceChanged)))
        assert [one.balance for one in listener.of(BalanceChanged)] == [Decimal(9990)]


async def test_heartbeats_are_answered(emulator: Emulator) -> None:
    async with connected(emulator):
        for _ in range(3):
            emulator.control.advance(5)
        await eventually(lambda: emulator.control.state()["heartbeats_answered"] == 3)
        assert emulator.control.state()["heartbeats_sent"] == 3


async def test_a_long_history_is_read_page_by_page(emulator: Emulator) -> None:
    async with connected(emulator) as broker:
        for number in range(65):
            stake = Decimal(number + 1)
            await broker.place(an_order(reference=str(number), stake=stake, minutes=5))
        assert len(await broker.open_positions()) == 65
        emulator.control.advance(400)
        await eventually(lambda: broker.now().timestamp() >= START + 400)
        found = await broker.closed_positions(since=broker.now() - timedelta(days=300))
        assert sorted(one.stake for one in found) == [Decimal(one + 1) for one in range(65)]
        many = await broker.candles("EURUSD-OTC", seconds=1, count=2500)
        assert len({one.start for one in many}) == 2500


async def test_events_of_a_position_come_after_the_end_of_the_connection_to_nobody(
    emulator: Emulator,
) -> None:
    async with connected(emulator) as broker:
        await broker.place(an_order())
    with suppress(TimeoutError):
        emulator.control.advance(41)
    assert emulator.leaks == []
    assert emulator.control.orders()[0]["settlements"] == 1


async def test_a_connection_that_ends_while_a_request_leaves_is_told_once(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, unheard = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _loop, context: unheard.append(str(context["message"])))
    async with connected(emulator) as broker:
        link = broker._link
        socket = link._socket
        assert socket is not None

        async def cut(_text: str) -> None:
            link.end("lost")
            assert link._reader is not None
            await asyncio.wait([link._reader])
            raise ConnectionClosedError(None, None)

        monkeypatch.setattr(socket, "send", cut)
        with pytest.raises(NoAnswer):
            await link.ask("core.get-profile", "1.0", {})
    gc.collect()
    await asyncio.sleep(0)
    assert unheard == []
