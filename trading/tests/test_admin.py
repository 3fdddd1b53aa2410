from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import a_user, an_administrator
from trading.models import Event, KillSwitch, Order, RealGrant, TradingSession
from trading.switches import session_scope, switches_on
from trading.tests.rows import NOON, a_trading_session, an_order

pytestmark = pytest.mark.django_db
SESSIONS, SWITCHES, GRANTS, ORDERS = (
    f"/admin/trading/{name}/" for name in ("tradingsession", "killswitch", "realgrant", "order")
)


@pytest.fixture
def root() -> User:
    return an_administrator()


@pytest.fixture
def staff(root: User) -> Browser:
    browser = Browser()
    browser.force_login(root)
    browser.post("/idioma/", {"language": "en", "next": "/"})
    return browser


def act(browser: Browser, path: str, action: str, *rows: object) -> str:
    pks = [str(row.pk) for row in rows]  # type: ignore[attr-defined]
    answer = browser.post(path, {"action": action, "_selected_action": pks}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_staff_sees_trading() -> None:
    browser = Browser()
    browser.force_login(a_user())
    for path in (SESSIONS, SWITCHES, GRANTS, ORDERS):
        assert browser.get(path).status_code == 302
        assert Browser().get(path).status_code == 302


def test_the_board_counts_sessions_by_state_and_shows_what_they_earned(staff: Browser) -> None:
    session = a_trading_session(a_user("ada"))
    a_trading_session(state=TradingSession.State.FAILED)
    ended = {"state": Order.State.SETTLED, "settled_at": NOON}
    an_order(session, **ended, outcome="won", profit="8.70")
    an_order(session, **ended, outcome="lost", profit="-10.00")
    an_order(session)
    text = staff.get(SESSIONS).content.decode()
    assert "Connected (1)" in text
    assert "Not connected (1)" in text
    assert '<td class="field-settled">2</td><td class="field-profit">-1.30 USD</td>' in text
    assert ">ada<" in staff.get(SESSIONS, {"q": "ada"}).content.decode()
    assert ">ada<" not in staff.get(SESSIONS, {"state__exact": "failed"}).content.decode()


def test_staff_halts_a_session_and_unlocks_it(staff: Browser, root: User) -> None:
    session, other = a_trading_session(bot_wanted=True), a_trading_session()
    act(staff, SESSIONS, "halt", session)
    assert switches_on(session) == (session_scope(session),)
    assert switches_on(other) == ()
    switch = KillSwitch.objects.get()
    assert (switch.changed_by, switch.reason) == (root, "staff")
    session.refresh_from_db()
    assert not session.bot_wanted
    assert Event.objects.filter(session=session, kind="halt").exists()
    act(staff, SESSIONS, "unlock", session)
    assert switches_on(session) == ()


def test_staff_stops_a_bot_and_ends_a_session(staff: Browser) -> None:
    session, other = (a_trading_session(bot_wanted=True) for _ in range(2))
    act(staff, SESSIONS, "stop_bots", session)
    act(staff, SESSIONS, "disconnect", other)
    session.refresh_from_db()
    other.refresh_from_db()
    assert (session.bot_wanted, session.wanted) == (False, "connected")
    assert (other.bot_wanted, other.wanted, other.reason) == (False, "disconnected", "staff")


def test_one_switch_halts_everything_and_is_turned_off_again(staff: Browser) -> None:
    session = a_trading_session()
    for _ in range(2):
        asked = {"scope": "everything", "reason": "a drill"}
        assert staff.post(f"{SWITCHES}add/", asked).status_code == 302
    assert switches_on(session) == ("everything",)
    switch = KillSwitch.objects.get()
    assert switch.reason == "a drill"
    act(staff, SWITCHES, "turn_off", switch)
    assert switches_on(session) == ()
    act(staff, SWITCHES, "turn_on", switch)
    assert switches_on(session) == ("everything",)


def test_real_money_is_granted_and_taken_back(staff: Browser, root: User) -> None:
    ada = a_user("ada")
    assert staff.post(f"{GRANTS}add/", {"user": ada.pk}).status_code == 302
    grant = RealGrant.objects.get(user=ada)
    assert (grant.granted_by, grant.revoked_at, grant.confirmed_at) == (root, None, None)
    session = a_trading_session(ada, account_type="REAL")
    act(staff, GRANTS, "revoke", grant)
    grant.refresh_from_db()
    session.refresh_from_db()
    assert grant.revoked_at is not None
    assert timezone.now() - grant.revoked_at < timedelta(minutes=1)
    assert session.wanted == "disconnected"


def test_what_was_traded_is_only_read(staff: Browser) -> None:
    order = an_order(a_trading_session())
    for path, row in ((ORDERS, order), (SESSIONS, order.session)):
        assert staff.get(f"{path}{row.pk}/change/").status_code == 200
        assert staff.post(f"{path}{row.pk}/change/", {"state": "settled"}).status_code == 403
        assert staff.get(f"{path}add/").status_code == 403
