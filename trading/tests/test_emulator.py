"""The emulator itself, spoken to without the adapter."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.people import PASSWORD
from trading.brokers.emulator.server import START, Emulator
from trading.tests.stands import an_emulator, an_order, connected, eventually

pytestmark = pytest.mark.server  # its sockets need no other database


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with an_emulator() as made:
        yield made


async def ssid_of(emulator: Emulator, email: str = "ok@test") -> str:
    async with httpx2.AsyncClient() as client:
        who = {"identifier": email, "password": PASSWORD}
        answer = await client.post(emulator.hosts["login_url"], json=who)
    return str(answer.json()["ssid"])


async def said(
    socket: ClientConnection, holds: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """What arrives up to the first frame that holds."""
    found = []
    async with asyncio.timeout(5):
        async for text in socket:
            found.append(json.loads(text))
            if holds(found[-1]):
                break
    return found


async def ask(socket: ClientConnection, number: str, **frame: Any) -> None:
    await socket.send(json.dumps({"request_id": number, **frame}))


async def test_nothing_is_answered_before_the_token_and_a_bad_one_is_refused(
    emulator: Emulator,
) -> None:
    async with connect(emulator.hosts["ws_url"]) as socket:
        await ask(socket, "1", name="setOptions", msg={"sendResults": True})
        await ask(socket, "2", name="authenticate", msg={"ssid": "no", "protocol": 3})
        first = await said(socket, lambda one: True)
        assert first == [{"name": "authenticated", "request_id": "2", "msg": False}]


async def test_the_older_way_of_giving_the_token_is_taken(emulator: Emulator) -> None:
    async with connect(emulator.hosts["ws_url"]) as socket:
        await ask(socket, "7", name="ssid", msg=await ssid_of(emulator))
        heard = await said(socket, lambda one: one["name"] == "timeSync")
        assert heard[0] == {"name": "authenticated", "request_id": "7", "msg": True}


async def test_results_come_before_answers_and_only_where_they_are_wanted(
    emulator: Emulator,
) -> None:
    async with connect(emulator.hosts["ws_url"]) as socket:
        await ask(socket, "1", name="authenticate", msg={"ssid": await ssid_of(emulator)})
        inner = {"name": "core.get-profile", "version": "1.0", "body": {}}
        await ask(socket, "s_1", name="sendMessage", msg=inner)
        await ask(socket, "2", name="setOptions", msg={"sendResults": True})
        await ask(socket, "s_3", name="sendMessage", msg=inner)
        heard = await said(
            socket,
            lambda one: (
                one.get("request_id") == "s_3" and "status" in one and one["name"] != "result"
            ),
        )
        replies = [(one["request_id"], one["name"]) for one in heard if one.get("request_id")]
        assert replies[1:] == [
            ("s_1", "profile"),
            ("2", "result"),
            ("s_3", "result"),
            ("s_3", "profile"),
        ]


async def test_unknown_outer_names_are_ignored_and_unknown_inner_ones_refused(
    emulator: Emulator,
) -> None:
    async with connect(emulator.hosts["ws_url"]) as socket:
        await ask(socket, "1", name="authenticate", msg={"ssid": await ssid_of(emulator)})
        await ask(socket, "2", name="SendMessage", msg={"name": "core.get-profile"})
        await socket.send("{")
        await ask(socket, "3", name="sendMessage", msg={"name": "core.give-money"})
        heard = await said(socket, lambda one: one.get("request_id") == "3")
        assert heard[-1]["status"] == 4040
        assert "2" not in [one.get("request_id") for one in heard]


async def test_a_subscription_of_a_wrong_form_is_acknowledged_and_never_delivers(
    emulator: Emulator,
) -> None:
    async with connect(emulator.hosts["ws_url"]) as socket:
        await ask(socket, "1", name="authenticate", msg={"ssid": await ssid_of(emulator)})
        wrong = {
            "name": "quotes.candle-generated",
            "params": {"routingFilters": {"active_id": 76, "size": 5}},
        }
        right = {
            "name": "candle-generated",
            "params": {"routingFilters": {"active_id": 76, "size": 1}},
        }
        await ask(socket, "2", name="subscribeMessage", msg=wrong)
        await ask(socket, "3", name="subscribeMessage", msg=right)
        await said(socket, lambda one: one.get("request_id") == "3")
        emulator.control.advance(1)
        heard = await said(socket, lambda one: one["name"] == "candle-generated")
        assert heard[-1]["msg"]["size"] == 1
        await ask(socket, "4", name="unsubscribeMessage", msg=right)
        await said(socket, lambda one: one.get("request_id") == "4")
        emulator.control.advance(5)
        heard = await said(socket, lambda one: one["name"] == "heartbeat")
        assert "candle-generated" not in [one["name"] for one in heard]


async def test_an_event_of_another_person_is_caught_by_the_emulator_itself() -> None:
    emulator = Emulator(clock=ScaledClock(START, speed=0))
    await emulator.start()
    async with connected(emulator), connected(emulator, "rich@test"):
        ana, bea = emulator.people.by_email["ok@test"], emulator.people.by_email["rich@test"]
        (session,) = emulator.sessions[ana.user_id]
        with pytest.raises(AssertionError, match="another person"):
            session.event("portfolio", "position-changed", {"user_id": bea.user_id})
    assert emulator.leaks == [f"position-changed of {bea.user_id}"]
    await emulator.stop()


async def test_the_same_seed_and_clock_are_the_same_day_twice() -> None:
    async def a_day() -> tuple[list[dict[str, Any]], Decimal]:
        async with an_emulator(seed=7) as emulator, connected(emulator) as broker:
            for number in range(3):
                await broker.place(an_order(stake=Decimal(number + 1), minutes=number + 1))
            emulator.control.advance(300)
            return emulator.control.orders(), emulator.people.by_email["ok@test"].balances[0].amount

    first, second = await a_day(), await a_day()
    assert first == second
    assert [one["settlements"] for one in first[0]] == [1, 1, 1]


async def test_money_is_taken_at_once_and_given_back_once(emulator: Emulator) -> None:
    async with connected(emulator) as broker:
        balance = emulator.people.by_email["ok@test"].balances[0]
        taken = await broker.place(an_order(stake=Decimal(100)))
        assert balance.amount == Decimal(9900)
        emulator.control.advance(41)
        emulator.control.advance(41)
        (entry,) = emulator.control.orders()
        assert balance.amount == Decimal(9900) + Decimal(entry["returned"])
        won = 100 * (1 + taken.payout)
        assert Decimal(entry["returned"]) in {won, Decimal(100), Decimal(0)}


async def test_a_balance_of_somebody_else_takes_no_order(emulator: Emulator) -> None:
    async with connected(emulator) as broker:
        other = emulator.people.by_email["rich@test"].balances[1].number
        broker._balance_id = other  # as a mix-up would
        with pytest.raises(Exception, match="another one than at the start"):
            await broker.place(an_order())
        broker._checked = float("inf")  # and past our own check, the emulator's
        with pytest.raises(Exception, match="no such balance"):
            await broker.place(an_order())
    assert emulator.control.orders() == []


async def test_a_connection_that_is_cut_is_gone_from_the_books(emulator: Emulator) -> None:
    async with connect(emulator.hosts["ws_url"]) as socket:
        await ask(socket, "1", name="authenticate", msg={"ssid": await ssid_of(emulator)})
        await said(socket, lambda one: one["name"] == "timeSync")
        assert emulator.control.state()["sessions"] == 1
        emulator.control.drop()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    await eventually(lambda: emulator.control.state()["sessions"] == 0)


def test_a_fault_that_there_is_not_is_an_error() -> None:
    emulator = Emulator(clock=ScaledClock(START, speed=0))
    with pytest.raises(KeyError):
        emulator.control.set(rain=True)
    assert emulator.control.do({"do": "__init__"}) == {"error": "there is no __init__"}
