from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.services import end_session
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tokens import issue_tokens

pytestmark = pytest.mark.django_db
API = Sesion.Kind.API


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def mine(ana: User) -> Sesion:
    return a_session(ana, kind=API, at=timezone.now() - timedelta(minutes=1))


@pytest.fixture
def foreign() -> Sesion:
    return a_session(a_user("bea"), kind=API, at=timezone.now())


def as_of(sesion: Sesion) -> APIClient:
    client = APIClient()
    token = issue_tokens(sesion, at=timezone.now()).access
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def reason_of(sesion: Sesion) -> str:
    sesion.refresh_from_db()
    return sesion.end_reason


def test_i_see_where_i_am_signed_in(mine: Sesion, foreign: Sesion, ana: User) -> None:
    ended, overdue, other = (a_session(ana, at=timezone.now()) for _ in range(3))
    end_session(ended, reason=Sesion.EndReason.LOGOUT, at=timezone.now())
    Sesion.objects.filter(pk=overdue.pk).update(idle_at=overdue.fecha_inicio)
    answer = as_of(mine).get("/api/v1/sessions")
    assert answer.status_code == 200
    first, second = answer.json()["sessions"]
    assert (first["id"], first["current"], first["kind"]) == (other.pk, False, "browser")
    assert set(second) == {"id", "kind", "device", "ip", "started", "last_seen", "current"}
    assert (second["id"], second["current"], second["kind"]) == (mine.pk, True, "api")
    assert (second["ip"], second["device"]) == ("192.0.2.7", "Firefox on a laptop")


def test_a_list_costs_two_queries(
    mine: Sesion, django_assert_num_queries: "pytest.FixtureRequest"
) -> None:
    client = as_of(mine)
    with django_assert_num_queries(2):  # type: ignore[operator]
        client.get("/api/v1/sessions/")


def test_i_end_one_of_mine(mine: Sesion, ana: User) -> None:
    other = a_session(ana, at=timezone.now())
    assert as_of(mine).delete(f"/api/v1/sessions/{other.pk}").status_code == 204
    assert reason_of(other) == "revoked_by_user"
    assert reason_of(mine) == ""


def test_ending_one_twice_changes_nothing(mine: Sesion, ana: User) -> None:
    other = a_session(ana, at=timezone.now())
    end_session(other, reason=Sesion.EndReason.LOGOUT, at=timezone.now())
    assert as_of(mine).delete(f"/api/v1/sessions/{other.pk}/").status_code == 204
    assert reason_of(other) == "logout"


def test_ending_the_current_one_stops_its_token(mine: Sesion) -> None:
    client = as_of(mine)
    assert client.delete(f"/api/v1/sessions/{mine.pk}").status_code == 204
    answer = client.get("/api/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


def test_a_foreign_session_is_not_found(mine: Sesion, foreign: Sesion) -> None:
    assert as_of(mine).delete(f"/api/v1/sessions/{foreign.pk}").status_code == 404
    assert as_of(mine).delete("/api/v1/sessions/999999999999999999").status_code == 404
    assert reason_of(foreign) == ""


def test_staff_end_no_foreign_session_here(foreign: Sesion) -> None:
    theirs = a_session(a_user("root", role="admin"), kind=API, at=timezone.now())
    assert as_of(theirs).delete(f"/api/v1/sessions/{foreign.pk}").status_code == 404


def test_i_end_all_others(mine: Sesion, foreign: Sesion, ana: User) -> None:
    others = [a_session(ana, at=timezone.now()) for _ in range(2)]
    answer = as_of(mine).delete("/api/v1/sessions/others")
    assert (answer.status_code, answer.json()) == (200, {"ended": 2})
    assert [reason_of(one) for one in others] == ["revoked_by_user"] * 2
    assert reason_of(mine) == reason_of(foreign) == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("delete", "/1"), ("delete", "/others"), ("delete", "/others/")],
)
def test_an_anonymous_caller_is_refused(method: str, path: str) -> None:
    answer = getattr(APIClient(), method)(f"/api/v1/sessions{path}")
    assert answer.status_code == 401
    assert answer.json()["detail"]


def test_a_page_uses_its_cookie_and_the_csrf_token(ana: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(ana)
    current = Sesion.objects.get()
    assert browser.get("/api/v1/sessions").json()["sessions"][0]["current"] is True
    assert browser.delete(f"/api/v1/sessions/{current.pk}").status_code == 403
    assert reason_of(current) == ""
