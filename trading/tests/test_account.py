"""What the end of a login does to bots, what is idle, and what its owner may have or erase."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction

from accounts.services import disable, erase_account
from sessions_app.account import export_account
from sessions_app.models import Change, Sesion
from sessions_app.services import end_session, end_sessions_of
from sessions_app.tests.factories import a_session, a_user
from trading import cleaning, sealed
from trading.events import emit_log
from trading.models import Credential, Event, Order, TradingSession
from trading.paper_models import PaperAccount
from trading.tests.rows import NOON, a_trading_session, an_order

pytestmark = pytest.mark.django_db
Reason = Sesion.EndReason
LEFT = [Reason.LOGOUT, Reason.IDLE, Reason.ABSOLUTE]
TAKEN = [Reason.REVOKED_BY_USER, Reason.REVOKED_BY_STAFF, Reason.PASSWORD_CHANGED]
TAKEN += [Reason.TOKEN_REUSE]


def a_running_bot() -> TradingSession:
    user = a_user()
    session = a_trading_session(user, bot_wanted=True, bot_running=True)
    session.sesion = a_session(user, at=NOON)
    session.save()
    sealed.keep(session, email="ana@example.test", password="secret", token="token")
    return session


@pytest.mark.parametrize("reason", LEFT)
def test_a_login_that_is_left_lets_its_bot_run(reason: Sesion.EndReason) -> None:
    session = a_running_bot()
    assert session.sesion is not None
    end_session(session.sesion, reason=reason, at=NOON)
    session.refresh_from_db()
    assert (session.wanted, session.bot_wanted) == ("connected", True)
    assert sealed.kept(session, "password") == "secret"


@pytest.mark.parametrize("reason", TAKEN)
def test_a_login_that_is_taken_back_stops_its_bot_at_once(reason: Sesion.EndReason) -> None:
    session = a_running_bot()
    assert session.sesion is not None
    end_session(session.sesion, reason=reason, at=NOON)
    session.refresh_from_db()
    assert (session.wanted, session.bot_wanted) == ("disconnected", False)
    row = Credential.objects.get(session=session)
    assert (row.email, row.password) == (None, None)  # the token, when what is open is settled
    assert Change.objects.filter(kind="trading_work", subject=str(session.pk)).exists()
    assert Event.objects.filter(session=session).last().data["reason"] == "login_ended"  # type: ignore[union-attr]


def test_a_password_change_stops_what_the_kept_login_did_not_start() -> None:
    session = a_running_bot()
    assert session.sesion is not None
    kept = a_trading_session(session.user, bot_wanted=True)
    kept.sesion = a_session(session.user, at=NOON)
    kept.save()
    stranger = a_running_bot()
    end_session(session.sesion, reason=Reason.LOGOUT, at=NOON)  # it is long over
    end_sessions_of(session.user, reason=Reason.PASSWORD_CHANGED, at=NOON, keep=kept.sesion.pk)
    for row, bot in [(session, False), (kept, True), (stranger, True)]:
        row.refresh_from_db()
        assert row.bot_wanted is bot


def test_a_disabled_account_trades_no_more() -> None:
    session = a_running_bot()
    TradingSession.objects.filter(pk=session.pk).update(sesion=None)
    disable(session.user)
    session.refresh_from_db()
    assert (session.wanted, session.bot_wanted) == ("disconnected", False)


def test_a_session_that_nobody_uses_ends_after_an_hour() -> None:
    unused = a_trading_session()
    with_bot = a_trading_session(bot_wanted=True)
    used = a_trading_session(last_used_at=NOON + timedelta(minutes=30))
    later = NOON + timedelta(minutes=61)
    assert cleaning.end_idle(at=NOON + timedelta(minutes=59)) == 0
    assert cleaning.end_idle(at=later) == 1
    for row, wanted in [(unused, "disconnected"), (with_bot, "connected"), (used, "connected")]:
        row.refresh_from_db()
        assert row.wanted == wanted
    assert cleaning.end_idle(at=later) == 0


def test_orders_outlive_the_nightly_cleaning() -> None:
    old = NOON - timedelta(days=400)
    done = a_trading_session(state="disconnected", ended_at=old)
    an_order(done, created_at=old)
    empty = a_trading_session(state="failed", ended_at=old)
    cleaning.clean_up(at=NOON)
    assert list(TradingSession.objects.filter(pk__in=[done.pk, empty.pk])) == [done]
    assert Order.objects.count() == 1


def test_play_money_goes_with_its_session_and_stays_with_what_stays() -> None:
    old = NOON - timedelta(days=400)
    empty = a_trading_session(state="failed", ended_at=old)
    traded = a_trading_session(state="disconnected", ended_at=old)
    an_order(traded, created_at=old)
    live = a_trading_session()
    for key in (empty.pk, traded.pk, live.pk, uuid.uuid4(), "by hand"):
        PaperAccount.objects.create(key=str(key))
    cleaning.clean_up(at=NOON)
    kept = set(PaperAccount.objects.values_list("key", flat=True))
    assert kept == {str(traded.pk), str(live.pk), "by hand"}


def test_an_owner_has_all_of_it_and_no_secret() -> None:
    session = a_running_bot()
    an_order(session)
    for row, code in ((session, "mine_alone"), (a_running_bot(), "somebody_else_s")):
        with transaction.atomic():
            emit_log(row, code, at=NOON)
    text = export_account(session.user, at=NOON).decode()
    assert "mine_alone" in text
    assert "somebody_else_s" not in text
    assert str(session.pk) in text
    assert "EURUSD-OTC" in text
    assert "secret" not in text


def test_an_erased_account_leaves_nothing() -> None:
    session = a_running_bot()
    an_order(session)
    PaperAccount.objects.create(key=str(session.pk))
    stays = a_running_bot()
    erase_account(session.user)
    assert list(TradingSession.objects.all()) == [stays]
    assert not Order.objects.exists()
    assert not PaperAccount.objects.exists()
    assert Credential.objects.count() == 1
