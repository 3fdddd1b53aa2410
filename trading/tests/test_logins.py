"""Logins at the emulator, over real sockets: what the person hears, and what is kept."""

import asyncio
import logging
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as the_settings

from sessions_app.tests.factories import a_user
from trading import commands, sealed, services
from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.people import PASSWORD, SMS_CODE
from trading.brokers.emulator.running import Running, running_emulator
from trading.brokers.emulator.server import START
from trading.models import AccountHold, Challenge, Command, Credential, Event, TradingSession
from trading.refusals import (
    BrokerRateLimited,
    BrokerUnreachable,
    Conflict,
    InvalidCredentials,
    NotFound,
    TwoFactorRequired,
)
from trading.tests.running import (
    a_node,
    asked,
    connected,
    connecting,
    do,
    fresh,
    in_state,
    now,
    until,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def emulator(settings: Any) -> Iterator[Running]:
    with running_emulator(clock=ScaledClock(START, 20.0)) as running:
        settings.BROKERS = the_settings.BROKERS | {"exnova": running.hosts}
        settings.BROKER_LOGIN_PACE = 0.01
        settings.BROKER_EGRESS = uuid.uuid4().hex  # a lock-out is of one test
        yield running


def logins(emulator: Running) -> int:
    return int(emulator.state()["logins"])


async def test_a_login_gives_the_balance_and_keeps_a_token_alone(emulator: Running) -> None:
    async with a_node() as node:
        session, command = await connecting()
        assert await asked(node, command) == {"balance": "10000.00", "currency": "USD"}
        row = await Credential.objects.aget(session=session)
        assert (row.email, row.password) == (None, None)
        assert row.token is not None
        assert (await Command.objects.aget(pk=command.pk)).secret is None
        await do(services.disconnect, session, at=now())
        node.told(str(session.pk))
        await until(in_state(session, "disconnected"))
    assert not await Credential.objects.aexists()
    assert not await AccountHold.objects.aexists()
    assert emulator.do(lambda one: len(one.logins.ssids)) == 0  # logged out there, too


async def test_a_wrong_password_is_tried_once(emulator: Running) -> None:
    async with a_node() as node:
        session, command = await connecting(password="wrong")
        with pytest.raises(InvalidCredentials):
            await asked(node, command)
        assert (await fresh(session)).state == "failed"
        await asyncio.sleep(0.5)
        assert logins(emulator) == 1
        again, command = await connecting(session.user, session_id=str(session.pk))
        assert again.pk == session.pk
        assert (await asked(node, command))["balance"] == "10000.00"


@pytest.mark.parametrize(
    ("email", "faults", "refusal"),
    [
        ("load1@test", {"html_at_login": True}, BrokerUnreachable),
        ("load1@test", {"login_ttl": 77}, BrokerRateLimited),
        ("locked@test", {}, BrokerRateLimited),
        ("push@test", {}, TwoFactorRequired),
        ("twice@test", {"account_type": "REAL"}, Conflict),
    ],
)
async def test_each_trouble_of_a_login_has_its_code(
    emulator: Running, settings: Any, email: str, faults: dict[str, Any], refusal: type[Exception]
) -> None:
    account_type = faults.pop("account_type", "PRACTICE")
    emulator.set(**faults)
    async with a_node() as node:
        session, command = await connecting(email=email)
        if account_type == "REAL":
            await do(lambda: type(session).objects.update(account_type="REAL"))
        with pytest.raises(refusal) as refused:
            await asked(node, command)
        if refusal is BrokerRateLimited:
            assert refused.value.retry_after >= 77  # type: ignore[attr-defined]


async def test_a_code_by_sms_finishes_a_login(emulator: Running) -> None:
    async with a_node() as node:
        session, command = await connecting(email="twofa@test")
        with pytest.raises(TwoFactorRequired) as refused:
            await asked(node, command)
        challenge = refused.value.facts["challenge_id"]
        assert (await fresh(session)).state == "verifying"
        verify = services.begin_verify
        stranger = await do(a_user)
        with pytest.raises(NotFound):
            await do(verify, stranger, challenge_id=challenge, code=SMS_CODE, at=now())
        _s, sent = await do(verify, session.user, challenge_id=challenge, method="sms", at=now())
        assert (await asked(node, sent))["method"] == "sms"
        _s, wrong = await do(verify, session.user, challenge_id=challenge, code="000000", at=now())
        with pytest.raises(InvalidCredentials) as told:
            await asked(node, wrong)
        assert (told.value.code, told.value.facts) == ("invalid_credentials", {"why": "wrong_code"})
        _s, right = await do(verify, session.user, challenge_id=challenge, code=SMS_CODE, at=now())
        assert (await asked(node, right))["balance"] == "10000.00"
        assert (await fresh(session)).state == "connected"
        assert (await Challenge.objects.aget()).secret is None


async def test_a_factor_that_sends_no_code_is_said_to_send_none(emulator: Running) -> None:
    async with a_node() as node:
        session, command = await connecting(email="push@test")
        with pytest.raises(TwoFactorRequired) as refused:
            await asked(node, command)
        challenge = refused.value.facts["challenge_id"]
        _s, sent = await do(
            services.begin_verify, session.user, challenge_id=challenge, method="sms", at=now()
        )
        with pytest.raises(TwoFactorRequired) as told:
            await asked(node, sent)
        assert told.value.facts == {"why": "no_sms"}


async def test_an_account_that_is_not_there_says_so(emulator: Running) -> None:
    """`twice@test` has two real ones: which of them is meant is not guessed."""
    async with a_node() as node:
        session, command = await connecting(email="twice@test")
        await TradingSession.objects.filter(pk=session.pk).aupdate(account_type="REAL")
        with pytest.raises(Conflict) as refused:
            await asked(node, command)
        assert refused.value.facts == {"reason": "account_unavailable"}
        found = await fresh(session)
        assert (found.state, found.reason) == ("failed", "account_unavailable")


async def test_five_codes_and_no_more(emulator: Running) -> None:
    async with a_node() as node:
        session, command = await connecting(email="twofa@test")
        with pytest.raises(TwoFactorRequired) as refused:
            await asked(node, command)
        challenge = refused.value.facts["challenge_id"]
        for _number in range(5):
            given = {"challenge_id": challenge, "code": "000000", "at": now()}
            await do(services.begin_verify, session.user, **given)
        with pytest.raises(NotFound):
            await do(services.begin_verify, session.user, **given | {"code": SMS_CODE})


async def test_a_lost_connection_comes_back_without_a_login(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        before = logins(emulator)
        emulator.do(lambda one: one.control.drop())
        await until(in_state(session, "reconnecting"))
        await until(in_state(session, "connected"))
        assert logins(emulator) == before


async def test_a_token_that_is_refused_needs_the_person(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        emulator.do(lambda one: one.control.revoke("load1@test"))
        await until(in_state(session, "failed"))
        assert (await fresh(session)).reason == "invalid_credentials"
        assert logins(emulator) == 1


async def test_with_a_kept_password_it_does_not(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node, keep_password=True)
        assert await do(sealed.kept, session, "password") == PASSWORD
        emulator.do(lambda one: one.control.revoke("load1@test"))
        await until(lambda: logins(emulator) == 2)
        await until(in_state(session, "connected"))


async def test_another_node_comes_back_with_the_kept_token(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
    async with a_node():
        await until(in_state(session, "connected"))
        assert (await fresh(session)).fence == 2
    assert logins(emulator) == 1


async def test_of_two_sessions_on_one_account_the_second_is_refused(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        second, command = await connecting()
        with pytest.raises(Conflict) as refused:
            await asked(node, command)
        assert refused.value.facts == {"reason": "account_in_use"}
        assert (await fresh(second)).state == "failed"
        assert (await fresh(session)).state == "connected"


async def test_connecting_what_is_connected_asks_the_broker_nothing(emulator: Running) -> None:
    async with a_node() as node:
        session = await connected(node)
        _same, command = await connecting(session.user, session_id=session.pk, password="any")
        assert (await asked(node, command))["balance"] == "10000.00"
        assert logins(emulator) == 1


async def test_no_secret_is_in_logs_rows_events_or_replies(
    emulator: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    replies: list[str] = []
    async with a_node() as node:
        session, command = await connecting(keep_password=True)
        replies.append(str(await asked(node, command)))
        tokens = emulator.do(lambda one: list(one.logins.ssids))
        order = await do(
            services.trade,
            session,
            key=uuid.uuid4(),
            asset="EURUSD-OTC",
            direction="call",
            stake=Decimal(5),
            minutes=1,
            at=now(),
        )
        node.told(str(session.pk))
        await commands.placed(order)
        _two, command = await connecting(email="twofa@test")
        with pytest.raises(TwoFactorRequired) as refused:
            await asked(node, command)
        replies.append(str(refused.value.facts))
        _bad, command = await connecting(email="load9@test", password="canary-wrong-one")
        with pytest.raises(InvalidCredentials) as wrong:
            await asked(node, command)
        replies.append(f"{wrong.value!r} {wrong.value.facts}")
        emulator.do(lambda one: one.control.revoke("load1@test"))
        await asyncio.sleep(0.5)
    secrets = [PASSWORD, "canary-wrong-one", "load1@test", *tokens]
    written = {"logs": caplog.text, "replies": " ".join(replies)}
    written["events"] = str([event async for event in Event.objects.values_list("data")])
    written["database"] = await do(dump)
    written["log files"] = await do(log_files)
    for secret in secrets:
        for where, text in written.items():
            assert secret not in text, where


def log_files() -> str:
    paths = Path(the_settings.DATA_DIR, "logs").glob("*")
    return "".join(path.read_text(errors="replace") for path in paths)


def dump() -> str:
    """Every row of every table, bytes included."""
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                found += [
                    bytes(value).decode("latin-1")
                    if isinstance(value, bytes | memoryview)
                    else str(value)
                    for value in row
                ]
    return "\n".join(found)
