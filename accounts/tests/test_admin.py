from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.invitations import is_usable
from accounts.models import Invitation, User
from accounts.tests.factories import PASSWORD, a_user, an_administrator

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"
INLINES = {  # no plan and no limits of one's own
    f"{name}-{count}": "0"
    for name in ("user_plan", "own_limits")
    for count in ("TOTAL_FORMS", "INITIAL_FORMS")
}


@pytest.fixture
def root() -> User:
    return an_administrator()


@pytest.fixture
def staff(root: User) -> Browser:
    browser = Browser(headers={"Accept-Language": "en"})
    browser.force_login(root)
    return browser


def act(browser: Browser, action: str, *users: User) -> str:
    ask = {"action": action, "_selected_action": [user.pk for user in users]}
    answer = browser.post(USERS, ask, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_staff_sees_accounts() -> None:
    browser = Browser()
    assert browser.get(USERS).status_code == 302
    browser.force_login(a_user())
    assert browser.get(USERS).status_code == 302


def test_accounts_are_found_by_name_role_and_state(staff: Browser) -> None:
    a_user("ana", email="ana@example.org")
    a_user("bea")
    text = staff.get(USERS, {"q": "ANA@"}).content.decode()
    assert ">ana<" in text
    assert ">bea<" not in text
    text = staff.get(USERS, {"role__exact": "admin"}).content.decode()
    assert ">root<" in text
    assert ">ana<" not in text


def test_disabling_ends_what_the_accounts_do(staff: Browser) -> None:
    ana, bea = a_user("ana"), a_user("bea")
    browser = Browser()
    browser.force_login(ana)
    assert "2 accounts disabled" in act(staff, "disable_accounts", ana, bea)
    assert not User.objects.filter(role="user", is_active=True).exists()
    assert browser.get("/api/v1/auth/users/me").status_code == 401
    assert "1 account enabled" in act(staff, "enable_accounts", ana)
    assert User.objects.get(username="ana").is_active


def test_the_last_administrator_is_neither_disabled_nor_demoted(staff: Browser, root: User) -> None:
    assert "last administrator" in act(staff, "disable_accounts", root)
    ask = {"username": "root", "email": "", "name": "", "role": "user"} | INLINES
    answer = staff.post(f"{USERS}{root.pk}/change/", ask)
    assert "last administrator" in answer.content.decode()
    root.refresh_from_db()
    assert root.is_active
    assert root.is_staff
    an_administrator("second")
    assert staff.post(f"{USERS}{root.pk}/change/", ask).status_code == 302
    root.refresh_from_db()
    assert not root.is_staff


def test_staff_erases_an_ordinary_account_but_no_administrator(staff: Browser, root: User) -> None:
    ana = a_user("ana")
    assert staff.post(f"{USERS}{root.pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff.post(f"{USERS}{ana.pk}/delete/", {"post": "yes"}).status_code == 302
    assert User.objects.get() == root


def test_a_new_account_gets_its_password_by_a_link(staff: Browser) -> None:
    ask = {"username": "ana", "email": "", "name": "Ana", "role": "user"} | INLINES
    assert staff.post(f"{USERS}add/", ask).status_code == 302
    ana = User.objects.get(username="ana")
    assert not ana.has_usable_password()
    text = act(staff, "make_reset_link", ana)
    uid, token = text.split("/cuenta/recuperar/")[1].split("/")[:2]
    ask = {"uid": uid, "token": token, "password": PASSWORD}
    assert Browser().post("/api/v1/auth/password/reset/confirm", ask).status_code == 200
    assert Browser().post("/login", {"username": "ana", "password": PASSWORD}).status_code == 200
    assert "Select one active account" in act(staff, "make_reset_link", ana, a_user())


def test_a_name_with_an_at_sign_is_refused_in_the_admin_too(staff: Browser) -> None:
    ask = {"username": "ana@example.org", "email": "", "name": "", "role": "user"} | INLINES
    assert "letters, digits" in staff.post(f"{USERS}add/", ask).content.decode()


def test_an_invitation_shows_its_link_once(staff: Browser, root: User) -> None:
    path = "/admin/accounts/invitation/"
    text = staff.post(f"{path}add/", {"note": "Bea"}, follow=True).content.decode()
    code = text.split("?invitation=")[1][:32]
    assert is_usable(code, at=timezone.now())
    assert Invitation.objects.get().made_by == root
    again = staff.get(path).content.decode()
    assert code not in again
    assert "Bea" in again
    assert not is_usable(code, at=timezone.now() + timedelta(days=7))


def test_the_command_prints_a_code_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("invite", note="Bea", days=1)
    code, path = capsys.readouterr().out.split()
    assert path == f"{reverse('register')}?invitation={code}"
    assert is_usable(code, at=timezone.now())
    assert str(Invitation.objects.get()) == "Bea"
    with pytest.raises(CommandError, match="1 to 365"):
        call_command("invite", days=0)


def test_createsuperuser_makes_an_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--no-input", username="root", verbosity=0)
    user = User.objects.get_by_natural_key("ROOT")
    assert user.is_superuser
    assert user.check_password(PASSWORD)
