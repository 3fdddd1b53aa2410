"""What people may ask of their sessions, and what they are refused."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sessions_app.tests.factories import a_user
from trading import commands, sealed, services
from trading.models import Command, Credential, Event, LimitSet, TradingSession
from trading.refusals import (
    Conflict,
    InvalidCredentials,
    NotAccepted,
    NotFound,
    RealNotEnabled,
    TooManyRequests,
)
from trading.tests.rows import NOON, a_trading_session

pytestmark = pytest.mark.django_db


def connect(user: Any = None, **changed: Any) -> tuple[TradingSession, Command]:
    given: dict[str, Any] = {"broker": "paper", "account_type": "PRACTICE"}
    return services.begin_connect(user or a_user(), sesion=None, at=NOON, **given | changed)


def test_a_new_session_has_its_limits_and_a_command_for_a_node() -> None:
    session, command = connect()
    assert (session.state, session.wanted) == ("connecting", "connected")
    scopes = set(LimitSet.objects.values_list("scope", flat=True))
    assert scopes == {f"session:{session.pk}", f"user:{session.user_id}:PRACTICE"}
    assert (command.kind, command.state) == ("connect", "waiting")


def test_a_login_goes_to_the_node_sealed() -> None:
    _session, command = connect(broker="iq", email="ana@example.test", password="geheim")
    assert command.session.broker == "iqoption"
    assert command.secret is not None
    assert b"geheim" not in bytes(command.secret)
    assert command.data == {}


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"broker": "another"}, NotAccepted),
        ({"account_type": "DEMO"}, NotAccepted),
        ({"broker": "exnova"}, InvalidCredentials),
        ({"broker": "exnova", "account_type": "REAL", "password": "x"}, RealNotEnabled),
        ({"session_id": "no uuid"}, NotFound),
        ({"session_id": uuid.uuid4()}, NotFound),
    ],
)
def test_what_cannot_be_connected_is_refused(
    changed: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        connect(**changed)
    assert not TradingSession.objects.exists()


def test_a_strangers_session_is_not_found() -> None:
    session, _command = connect()
    with pytest.raises(NotFound):
        connect(session_id=session.pk)


def test_a_session_stays_with_its_broker_and_account_type() -> None:
    session, _command = connect()
    with pytest.raises(Conflict):
        connect(session.user, session_id=session.pk, broker="exnova", password="x")


def test_what_is_still_closing_is_not_connected_again() -> None:
    session, _command = connect()
    services.disconnect(session, at=NOON)
    with pytest.raises(Conflict):
        connect(session.user, session_id=session.pk)


def test_one_user_has_so_many_sessions_and_no_more() -> None:
    user = a_user()
    for _number in range(services.MOST_LIVE):
        a_trading_session(user)
    with pytest.raises(Conflict):
        connect(user)
    TradingSession.objects.filter(user=user).update(state="disconnected")
    connect(user)


def test_a_session_answers_so_many_commands_a_minute() -> None:
    session = a_trading_session()
    for _number in range(commands.MOST_A_MINUTE):
        services.ask_assets(session, at=NOON)
    with pytest.raises(TooManyRequests):
        services.ask_assets(session, at=NOON)
    services.ask_assets(session, at=NOON + timedelta(minutes=2))


def test_leaving_forgets_the_password_before_anything_else() -> None:
    session = a_trading_session(bot_wanted=True)
    sealed.keep(session, email="ana@example.test", password="geheim", token="t")
    services.disconnect(session, at=NOON)
    row = Credential.objects.get(session=session)
    assert (row.email, row.password, session.bot_wanted) == (None, None, False)
    services.disconnect(session, at=NOON)  # twice is once
    assert Event.objects.filter(session=session, kind="state").count() == 1


def test_what_failed_is_left_at_once() -> None:
    session = a_trading_session(state="failed")
    services.disconnect(session, at=NOON)
    assert session.state == "disconnected"


def test_a_bot_starts_with_what_it_is_told_and_stops() -> None:
    session = a_trading_session()
    row = services.start_bot(
        session, strategy="rsi", asset="EURUSD-OTC", stake=Decimal(5), minutes=2, at=NOON
    )
    assert (row.bot_wanted, row.strategy, row.bot_stake, row.bot_minutes) == (
        True,
        "rsi",
        Decimal(5),
        2,
    )
    row = services.stop_bot(session, at=NOON)
    assert not row.bot_wanted
    assert list(Event.objects.values_list("kind", flat=True)) == ["bot", "bot"]


@pytest.mark.parametrize(
    "given",
    [{"asset": " "}, {"stake": Decimal(0)}, {"minutes": 0}, {"candle_seconds": 61}],
)
def test_a_bot_of_nonsense_does_not_start(given: dict[str, Any]) -> None:
    session = a_trading_session(bot_asset="EURUSD-OTC")
    with pytest.raises(NotAccepted):
        services.start_bot(session, at=NOON, **given)
    session.refresh_from_db()
    assert not session.bot_wanted


@pytest.mark.parametrize("fields", [{"state": "failed"}, {"wanted": "disconnected"}])
def test_a_bot_does_not_start_where_nothing_is_connected(fields: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        services.start_bot(a_trading_session(bot_asset="EURUSD-OTC", **fields), at=NOON)


def test_halting_stops_the_bot_and_releasing_starts_none() -> None:
    session = a_trading_session(bot_wanted=True, bot_asset="EURUSD-OTC")
    services.halt(session, by=session.user, at=NOON)
    session.refresh_from_db()
    assert not session.bot_wanted
    services.release(session, by=session.user, at=NOON)
    session.refresh_from_db()
    assert (session.bot_wanted, session.losses_since) == (False, NOON)


def test_real_money_is_not_refilled() -> None:
    with pytest.raises(Conflict):
        services.refill(a_trading_session(account_type="REAL"), at=NOON)
