import pytest
from django.test import Client as Browser

from accounts.models import User
from accounts.tests.factories import PASSWORD, a_user, an_administrator
from sessions_app.models import Sesion

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


@pytest.fixture
def browser() -> Browser:
    return Browser(headers={"Accept-Language": "en"})


@pytest.mark.parametrize("login", ["root", "ROOT", "root@example.org"])
def test_an_administrator_comes_in_by_name_or_e_mail(browser: Browser, login: str) -> None:
    User.objects.create_superuser("root", password=PASSWORD, email="root@example.org")
    answer = browser.post(LOGIN, {"username": login, "password": PASSWORD, "next": "/admin/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert browser.get("/admin/").status_code == 200
    assert Sesion.objects.get().kind == Sesion.Kind.BROWSER


def test_an_ordinary_user_does_not(browser: Browser) -> None:
    a_user("ana")
    answer = browser.post(LOGIN, {"username": "ana", "password": PASSWORD})
    assert answer.status_code == 200
    assert browser.get("/admin/").status_code == 302
    assert not Sesion.objects.exists()


def test_an_empty_form_is_no_attempt(browser: Browser) -> None:
    for _time in range(11):
        assert browser.post(LOGIN, {"username": "root"}).status_code == 200


def test_the_lock_out_counts_here_too_and_says_when(browser: Browser) -> None:
    an_administrator()
    for _time in range(5):
        wrong = {"username": "root", "password": "wrong"}
        answer = browser.post(LOGIN, wrong)
        assert answer.status_code == 200
        assert "The user or the password is wrong." in answer.content.decode()
        assert browser.post("/login", wrong).status_code == 401
    answer = browser.post(LOGIN, {"username": "root", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "try again in 15 minutes" in answer.content.decode()
    assert browser.get("/admin/").status_code == 302


def test_a_password_is_changed_on_our_own_page(browser: Browser) -> None:
    browser.force_login(an_administrator())
    answer = browser.get("/admin/password_change/")
    assert answer.headers["Location"] == "/cuenta/contrasena/"
