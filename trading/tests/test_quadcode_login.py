"""Passwords, second factors, tokens, and what a broker says instead of a welcome."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from trading.brokers.base import (
    AccountUnavailable,
    BrokerRateLimited,
    BrokerUnreachable,
    Disconnected,
    InvalidCredentials,
    Password,
    SecondFactor,
    SecondFactorUnsupported,
    Secret,
    Token,
    TokenExpired,
    WrongCode,
)
from trading.brokers.emulator.server import Emulator
from trading.brokers.quadcode.connector import QuadcodeConnector
from trading.brokers.quadcode.gate import CacheGate, OpenGate
from trading.brokers.quadcode.hosts import Hosts
from trading.core.market import AccountType
from trading.tests.stands import (
    QUICK,
    Listener,
    an_emulator,
    an_order,
    connected,
    connector_to,
    eventually,
    who,
)

PRACTICE, REAL = AccountType.PRACTICE, AccountType.REAL


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with an_emulator() as made:
        yield made


class CountingGate(OpenGate):
    def __init__(self) -> None:
        self.locked: list[float] = []

    async def lock(self, seconds: float) -> None:
        self.locked.append(seconds)


async def test_a_wrong_password_is_said_to_be_one_and_tried_once(emulator: Emulator) -> None:
    with pytest.raises(InvalidCredentials):
        await connector_to(emulator).connect(who(password="no"), account_type=PRACTICE)
    assert emulator.logins.attempts == 1


async def test_a_lock_out_says_how_long_and_locks_our_own_gate(emulator: Emulator) -> None:
    gate = CountingGate()
    maker = QuadcodeConnector(Hosts.of(emulator.hosts), gate=gate, patience=QUICK)
    with pytest.raises(BrokerRateLimited) as refused:
        await maker.connect(who("locked@test"), account_type=PRACTICE)
    assert (refused.value.retry_after, gate.locked) == (600.0, [600.0])


async def test_five_failures_lock_out_everybody_from_this_address(emulator: Emulator) -> None:
    maker = connector_to(emulator)
    for _ in range(4):
        with pytest.raises(InvalidCredentials):
            await maker.connect(who(password="no"), account_type=PRACTICE)
    for person in (who(password="no"), who("rich@test")):
        with pytest.raises(BrokerRateLimited):
            await maker.connect(person, account_type=PRACTICE)
    emulator.control.forgive()
    await (await maker.connect(who("rich@test"), account_type=PRACTICE)).close(logout=False)


async def test_html_instead_of_json_is_the_network_and_not_the_password(
    emulator: Emulator,
) -> None:
    emulator.faults.set(html_at_login=True)
    with pytest.raises(BrokerUnreachable):
        await connector_to(emulator).connect(who(), account_type=PRACTICE)


async def test_a_limit_with_its_seconds_is_passed_on(emulator: Emulator) -> None:
    emulator.faults.set(login_ttl=1894)
    with pytest.raises(BrokerRateLimited) as refused:
        await connector_to(emulator).connect(who(), account_type=PRACTICE)
    assert refused.value.retry_after == 1894.0


async def test_nobody_there_is_unreachable(emulator: Emulator) -> None:
    nowhere = replace(Hosts.of(emulator.hosts), login_url="http://127.0.0.1:9/api/v2/login")
    maker = QuadcodeConnector(nowhere, gate=OpenGate(), patience=QUICK)
    with pytest.raises(BrokerUnreachable):
        await maker.connect(who(), account_type=PRACTICE)
    deaf = replace(Hosts.of(emulator.hosts), ws_url="ws://127.0.0.1:9/echo/websocket")
    with pytest.raises(BrokerUnreachable):
        await QuadcodeConnector(deaf, gate=OpenGate(), patience=QUICK).connect(
            who(), account_type=PRACTICE
        )


async def test_a_redirect_of_the_socket_is_not_followed(emulator: Emulator) -> None:
    asked: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        there = emulator.hosts["ws_url"].encode()
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % there)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        hosts = replace(Hosts.of(emulator.hosts), ws_url=f"ws://127.0.0.1:{port}/echo/websocket")
        maker = QuadcodeConnector(hosts, gate=OpenGate(), patience=QUICK)
        with pytest.raises(BrokerUnreachable):
            await maker.connect(who(), account_type=PRACTICE)
    assert len(asked) == 1


async def test_a_code_by_sms_finishes_the_login(emulator: Emulator) -> None:
    maker, person = connector_to(emulator), who("twofa@test")
    with pytest.raises(SecondFactor) as wanted:
        await maker.connect(person, account_type=PRACTICE)
    state = await maker.send_code(wanted.value.state, method="sms")
    with pytest.raises(WrongCode):
        await maker.answer(state, "000000", person, account_type=PRACTICE)
    broker = await maker.answer(state, "123456", person, account_type=PRACTICE)
    assert broker.account.token is not None
    await broker.close(logout=False)
    with pytest.raises(WrongCode):  # a state is good for one login
        await maker.answer(state, "123456", person, account_type=PRACTICE)


async def test_a_factor_other_than_sms_is_refused_instead_of_waited_for(
    emulator: Emulator,
) -> None:
    maker = connector_to(emulator)
    with pytest.raises(SecondFactor) as wanted:
        await maker.connect(who("push@test"), account_type=PRACTICE)
    assert wanted.value.method == "push"
    with pytest.raises(SecondFactorUnsupported):
        await maker.send_code(wanted.value.state, method="sms")


async def test_a_token_comes_back_without_a_login_until_it_is_revoked(emulator: Emulator) -> None:
    maker = connector_to(emulator)
    first = await maker.connect(who(), account_type=PRACTICE)
    token = first.account.token
    assert token is not None
    await first.close(logout=False)
    second = await maker.connect(token, account_type=PRACTICE)
    listener = Listener(second)
    assert emulator.logins.attempts == 1
    emulator.control.revoke("ok@test")
    await listener.until(lambda: bool(listener.of(Disconnected)))
    assert listener.told[-1] == Disconnected("token")
    with pytest.raises(TokenExpired):
        await maker.connect(token, account_type=PRACTICE)
    await second.close(logout=False)


async def test_a_logout_makes_the_broker_forget_the_token(emulator: Emulator) -> None:
    maker = connector_to(emulator)
    broker = await maker.connect(who(), account_type=PRACTICE)
    assert broker.account.token is not None
    await broker.close(logout=True)
    assert emulator.logins.ssids == {}
    with pytest.raises(TokenExpired):
        await maker.connect(broker.account.token, account_type=PRACTICE)


async def test_a_balance_is_picked_by_its_type_and_never_guessed(emulator: Emulator) -> None:
    async with connected(emulator, "rich@test", account_type=REAL) as real:
        assert real.account.balance == 500
        taken = await real.place(an_order())
        assert taken.stake == 10
        with pytest.raises(AccountUnavailable):
            await real.refill()
    (entry,) = emulator.control.orders()
    practice, money = emulator.people.by_email["rich@test"].balances
    assert entry["balance_id"] == money.number
    assert [practice.amount, money.amount] == [Decimal(10_000), Decimal(490)]
    with pytest.raises(AccountUnavailable):
        await connector_to(emulator).connect(who("twice@test"), account_type=REAL)


@pytest.mark.django_db(transaction=True)
async def test_the_gate_lets_a_few_in_at_once_and_the_rest_at_its_pace() -> None:
    hasty = CacheGate("exnova", "burst", pace=3600, wait=0.0)
    for _ in range(3):
        await hasty.enter()
    with pytest.raises(BrokerRateLimited):
        await hasty.enter()
    await CacheGate("iqoption", "burst", pace=3600, wait=0.0).enter()  # another broker has its own
    patient, began = CacheGate("exnova", "paced", pace=0.5, wait=20.0), time.monotonic()
    for _ in range(7):
        await patient.enter()
    # Three at once, and of the other four at most one each half second.
    assert 1.5 < time.monotonic() - began < 15


@pytest.mark.django_db(transaction=True)
async def test_a_lock_out_stops_every_login_of_that_broker_without_a_request(
    emulator: Emulator,
) -> None:
    def maker(broker: str) -> QuadcodeConnector:
        gate = CacheGate(broker, "egress", pace=0.01)
        return QuadcodeConnector(Hosts.of(emulator.hosts), gate=gate, patience=QUICK)

    with pytest.raises(BrokerRateLimited):
        await maker("exnova").connect(who("locked@test"), account_type=PRACTICE)
    assert emulator.logins.attempts == 1
    with pytest.raises(BrokerRateLimited) as refused:
        await maker("exnova").connect(who(), account_type=PRACTICE)
    assert 590 < refused.value.retry_after <= 660
    assert emulator.logins.attempts == 1
    await (await maker("iqoption").connect(who(), account_type=PRACTICE)).close(logout=False)


async def test_no_secret_is_logged_at_debug_or_shown_by_anything(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary7f3a"
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    token: Token | None = None
    for person in (who(), who(password=canary), who("twofa@test")):
        try:
            broker = await connector_to(emulator).connect(person, account_type=PRACTICE)
        except (InvalidCredentials, SecondFactor) as refusal:
            shown += [repr(refusal), str(refusal), repr(refusal.__dict__), repr(refusal.args)]
            continue
        token = broker.account.token
        shown += [repr(broker.account), str(token), repr(person), f"{person.password}"]
        await broker.place(an_order())
        await broker.close(logout=True)
    emulator.faults.set(html_at_login=True)
    with pytest.raises(BrokerUnreachable) as unreachable:
        await connector_to(emulator).connect(who(password=canary), account_type=PRACTICE)
    shown += [repr(unreachable.value), repr(unreachable.value.__cause__)]
    assert unreachable.value.__cause__ is None
    wrong_token = Token(Secret(f"{canary}-token"))
    with pytest.raises(TokenExpired):
        await connector_to(emulator).connect(wrong_token, account_type=PRACTICE)
    written = caplog.text + "".join(shown) + "".join(str(one.__dict__) for one in caplog.records)
    assert token is not None
    secrets = [canary, who().password.reveal(), token.value.reveal(), "not-for-logs"]
    assert [one for one in secrets if one in written] == []


async def test_an_account_logs_in_as_itself_only(emulator: Emulator) -> None:
    async with connected(emulator) as ana, connected(emulator, "rich@test") as bea:
        mine, hers = Listener(ana), Listener(bea)
        await ana.place(an_order())
        await eventually(lambda: len(mine.told) >= 1)
        assert await bea.open_positions() == []
        emulator.control.advance(41)
        await eventually(lambda: len(mine.told) >= 3)
        assert hers.told == []
        assert isinstance(who(), Password)
