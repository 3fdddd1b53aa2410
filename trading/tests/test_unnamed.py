"""`/api/start` as the original's clients call it: with the session alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token
from trading.limits import make_limits
from trading.models import Agent, TradingSession
from trading.tests.factories import a_trading_session
from trading.unnamed import chosen_for
from visionai.lib.jobs import JobState

pytestmark = pytest.mark.django_db


def a_ready(user: User, **fields: Any) -> TradingSession:
    """With an asset, so that no broker is asked for one."""
    until = timezone.now() + timedelta(minutes=1)
    session = a_trading_session(user, lease_until=until, bot_asset="EURUSD-OTC", **fields)
    make_limits(session)
    return session


def a_trained(user: User, **fields: Any) -> Agent:
    facts: dict[str, Any] = {
        "source": {},
        "asset": "EURUSD-OTC",
        "seconds": 300,
        "minutes": 5,
        "name": "zorro",
        "state": JobState.DONE,
        "created_at": timezone.now(),
    }
    return Agent.objects.create(owner=user, **facts | fields)


def start(api: Client, session: TradingSession, **more: Any) -> Any:
    body = {"session_id": str(session.pk), **more}
    return api.post("/api/start", body, content_type="application/json")


def test_a_start_without_a_strategy_trades_play_money_and_says_what_it_follows(
    api: Client, ana: User
) -> None:
    session = a_ready(ana)
    body = start(api, session).json()
    assert (body["success"], body["running"], body["strategy"]) == (True, True, "rsi")
    assert (body["asset"], body["parameters"]["period"]) == ("EURUSD-OTC", 14)
    assert "«RSI»" in body["note"]
    session.refresh_from_db()
    assert (session.strategy, session.bot_wanted) == ("rsi", True)


def test_what_was_chosen_stays_and_what_is_named_counts(api: Client, ana: User) -> None:
    momentum = a_ready(ana, strategy="momentum", parameters={"period": 3, "threshold": 1.0})
    body = start(api, momentum).json()
    assert (body["strategy"], body["parameters"]["period"]) == ("momentum", 3)
    assert "note" not in body
    holding = a_ready(ana, bot_started_at=timezone.now())  # somebody started it so on purpose
    body = start(api, holding).json()
    assert body["strategy"] == "hold"
    assert "nunca opera" in body["note"]
    assert start(api, a_ready(ana), strategy="reversal").json()["strategy"] == "reversal"
    assert start(api, a_ready(ana), strategy="hold").json()["strategy"] == "hold"


def test_the_newest_own_agent_is_followed_where_it_fits(ana: User) -> None:
    old, new = a_trained(ana), a_trained(ana)
    a_trained(ana, state=JobState.RUNNING)
    a_trained(a_user())
    session = a_ready(ana)
    assert chosen_for(session, {}) == {
        "strategy": "agent",
        "parameters": {"agent": str(new.uid)},
        "candle_seconds": 300,
        "minutes": 5,
    }
    new.delete()
    assert chosen_for(session, {"minutes": 5})["parameters"] == {"agent": str(old.uid)}
    assert chosen_for(session, {"minutes": 1})["strategy"] == "rsi"


def test_with_real_money_nothing_is_guessed(ana: User) -> None:
    session = a_ready(ana, account_type="REAL")
    assert chosen_for(session, {}) == {}
    a_trained(ana)
    assert chosen_for(session, {}) == {}
    proven = a_trained(ana, has_edge=True)
    assert chosen_for(session, {})["parameters"] == {"agent": str(proven.uid)}


def test_a_stranger_starts_nothing(ana: User) -> None:
    session = a_ready(ana)
    token = a_token(a_session(a_user(), kind=Sesion.Kind.API, at=timezone.now()))
    refused = start(Client(headers={"authorization": f"Bearer {token}"}), session)
    assert refused.status_code == 404
    assert start(Client(), session).status_code == 401
    session.refresh_from_db()
    assert session.strategy == "hold"
