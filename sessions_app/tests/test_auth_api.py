"""The auth entrances, canonical and compatible, as owner, stranger and anonymous."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD, a_user
from sessions_app.models import Sesion
from sessions_app.services import end_sessions_of
from sessions_app.tests.rest import PROBLEM, as_of, by_cookie, refused, signed_in

pytestmark = pytest.mark.django_db
V1 = "/api/v1/auth/"
NEW = "a-warm-evening-in-june"
USER_FIELDS = {
    "id", "user_id", "username", "email", "nombre", "rol", "is_active", "created_at"
}  # fmt: skip


@pytest.fixture
def ana() -> User:
    return a_user("ana", email="ana@example.org", name="Ana")


@pytest.fixture
def anyone() -> APIClient:
    return APIClient(enforce_csrf_checks=True)


# Coming in


@pytest.mark.parametrize("path", ["login", "login/"])
@pytest.mark.parametrize(
    "who", [{"username": "ana"}, {"email": "ANA@example.org"}, {"username": "ana@example.org"}]
)
def test_login_answers_with_the_fields_of_the_contract(
    ana: User, anyone: APIClient, path: str, who: dict[str, str]
) -> None:
    answer = anyone.post(V1 + path, who | {"password": PASSWORD}, headers={"User-Agent": "curl/8"})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "access_token", "refresh_token", "token_type", "expires_in", "session_id", "user"
    }  # fmt: skip
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86400)
    assert set(body["user"]) == USER_FIELDS
    sesion = Sesion.objects.get()
    assert (sesion.pk, sesion.user, sesion.kind) == (body["session_id"], ana, Sesion.Kind.API)
    assert (sesion.ip, sesion.user_agent) == ("127.0.0.1", "curl/8")
    ana.refresh_from_db()
    assert ana.last_login
    assert as_of(body["access_token"]).get(V1 + "users/me").json()["username"] == "ana"


def test_each_original_gets_its_own_answer(ana: User, anyone: APIClient) -> None:
    body = {"email": "ana@example.org", "password": PASSWORD}
    first, second = anyone.post("/login", body).json(), anyone.post("/login/", body).json()
    assert set(first) == {"access_token", "token_type", "session_id"}
    assert first["token_type"] == "bearer"
    assert isinstance(first["session_id"], int)
    assert first["session_id"] != second["session_id"]
    ova = anyone.post("/auth/login", body).json()
    assert set(ova) == {
        "access_token", "token", "token_type", "refresh_token", "expires_in", "session_id", "user"
    }  # fmt: skip
    assert ova["token"] == ova["access_token"]
    assert set(ova["user"]) == USER_FIELDS


LOGINS = ["/login", "/auth/login", V1 + "login"]


@pytest.mark.parametrize("path", LOGINS)
def test_a_wrong_login_is_401(ana: User, anyone: APIClient, path: str) -> None:
    answer = anyone.post(path, {"username": "ana", "password": "wrong"})
    body = refused(answer, 401, "wrong_credentials")
    assert set(body) == PROBLEM
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not Sesion.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ana"},
        {"password": "x"},
        {"username": ["ana"], "password": "x"},
        {"username": "ana", "password": {"$ne": ""}},
        {"username": "ana", "password": "x" * 1001},
        {"username": "a" * 255, "password": "x"},
        ["ana"],
        "ana",
        None,
    ],
    ids=str,
)
@pytest.mark.parametrize("path", LOGINS)
def test_a_malformed_login_is_400(anyone: APIClient, path: str, body: object) -> None:
    refused(anyone.post(path, body), 400, "invalid")


def test_bytes_that_are_no_text_are_400(anyone: APIClient) -> None:
    for data, code in (
        (b"{nonsense", "parse_error"),
        (b"\xff", "parse_error"),
        (b'{"username": "\\ud800", "password": "x"}', "parse_error"),
        (b'{"username": "a\\u0000", "password": "x"}', "parse_error"),
    ):
        answer = anyone.post("/login", data=data, content_type="application/json")
        refused(answer, 400, code)


def test_all_entrances_share_one_count_of_failures(ana: User, anyone: APIClient) -> None:
    for number in range(10):
        body = {"username": ["ana", "ANA", "ana@example.org"][number % 3], "password": "wrong"}
        assert anyone.post(LOGINS[number % 3], body).status_code == 401
    for path in LOGINS:
        answer = anyone.post(path, {"username": "ana", "password": PASSWORD})
        refused(answer, 429, "too_many_attempts")
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        assert "15 min" in answer.json()["detail"]


def test_a_bad_token_beside_a_good_login_does_not_matter(ana: User) -> None:
    answer = as_of("nonsense").post("/login", {"username": "ana", "password": PASSWORD})
    assert answer.status_code == 200


# Who am I?

READS = [
    ("get", V1 + "verify"),
    ("get", V1 + "users/me"),
    ("get", "/auth/me"),
    ("post", "/auth/verify-token"),
    ("post", "/verify-token"),
]


@pytest.mark.parametrize(("method", "path"), READS)
def test_who_is_not_signed_in_is_401(ana: User, anyone: APIClient, method: str, path: str) -> None:
    answer = getattr(anyone, method)(path)
    refused(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(getattr(as_of("nonsense"), method)(path), 401, "bad_token")
    login = signed_in(ana)
    refused(getattr(as_of(login.tokens.refresh), method)(path), 401, "bad_token")
    as_of(login).post("/logout", {"session_id": login.sesion.pk})
    refused(getattr(as_of(login), method)(path), 401, "session_ended")


def test_verify_says_who_and_until_when(ana: User) -> None:
    login = signed_in(ana)
    body = as_of(login).get(V1 + "verify/").json()
    assert set(body) == {"valid", "username", "user_id", "session_id", "expires_at"}
    assert body["valid"] is True
    assert (body["username"], body["user_id"]) == ("ana", ana.pk)
    assert body["session_id"] == login.sesion.pk
    expires_at = datetime.fromisoformat(body["expires_at"])
    assert expires_at.microsecond == 0
    assert timedelta() <= expires_at - login.sesion.absolute_at < timedelta(seconds=1)


def test_verify_token_of_the_fpga_original(ana: User) -> None:
    for path in ("/auth/verify-token", "/verify-token", "/verify-token/"):
        body = as_of(signed_in(ana)).post(path).json()
        assert body == {
            "valid": True,
            "user": {"username": "ana", "email": "ana@example.org", "is_active": True},
        }


def test_me_is_the_user(ana: User) -> None:
    for path in (V1 + "users/me", V1 + "users/me/", "/auth/me"):
        body = as_of(signed_in(ana)).get(path).json()
        assert set(body) == USER_FIELDS
        assert (body["id"], body["user_id"], body["rol"]) == (ana.pk, ana.pk, "user")


def test_knowing_the_caller_costs_one_query(
    ana: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_of(signed_in(ana))
    with django_assert_num_queries(1):
        assert client.get(V1 + "users/me").status_code == 200


def test_the_cookie_counts_on_canonical_paths_alone(ana: User) -> None:
    browser = by_cookie(ana)
    assert browser.get(V1 + "users/me").status_code == 200
    for method, path in [*READS[2:], ("post", "/logout"), ("get", V1 + "verify")]:
        refused(getattr(browser, method)(path), 401, "not_authenticated")


# Staying in

REFRESHES = [V1 + "refresh", "/auth/refresh"]


@pytest.mark.parametrize("path", REFRESHES)
@pytest.mark.parametrize("field", ["refresh_token", "refresh", None])
def test_refresh_takes_the_token_in_three_ways(
    ana: User, anyone: APIClient, path: str, field: str | None
) -> None:
    login = signed_in(ana)
    text = login.tokens.refresh
    answer = anyone.post(path, {field: text}) if field else as_of(text).post(path)
    assert answer.status_code == 200
    body = answer.json()
    assert body["session_id"] == login.sesion.pk
    assert body["refresh_token"] != text
    assert ("token" in body) is (path == "/auth/refresh")
    assert as_of(body["access_token"]).get("/auth/me").status_code == 200


@pytest.mark.parametrize("path", REFRESHES)
def test_what_is_no_refresh_token_refreshes_nothing(
    ana: User, anyone: APIClient, path: str
) -> None:
    login = signed_in(ana)
    for body in ({}, {"refresh_token": "nonsense"}, {"refresh": login.tokens.access}):
        refused(anyone.post(path, body), 401, "bad_token")
    refused(anyone.post(path, {"refresh": ["a"]}), 400, "invalid")


def test_a_spent_token_used_later_ends_the_session(
    ana: User, anyone: APIClient, settings: Settings
) -> None:
    settings.REFRESH_GRACE = timedelta(seconds=-1)
    login = signed_in(ana)
    answer = anyone.post(V1 + "refresh", {"refresh_token": login.tokens.refresh})
    assert refused(answer, 401, "session_ended")["reason"] == "token_reuse"
    login.sesion.refresh_from_db()
    assert login.sesion.end_reason == Sesion.EndReason.TOKEN_REUSE
    refused(as_of(login).get("/auth/me"), 401, "session_ended")


# Leaving

LOGOUTS = ["/logout", "/logout/", V1 + "logout"]


@pytest.mark.parametrize("path", LOGOUTS)
def test_logout_ends_the_session_once(ana: User, path: str) -> None:
    login, other = signed_in(ana), signed_in(ana)
    ask = {"session_id": login.sesion.pk}
    answer = as_of(login).post(path, ask)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    login.sesion.refresh_from_db()
    first = login.sesion.fecha_fin
    assert first
    assert login.sesion.end_reason == Sesion.EndReason.LOGOUT
    for client in (as_of(login), as_of(other)):
        assert client.post(path, ask).json() == {"success": True}
    login.sesion.refresh_from_db()
    assert login.sesion.fecha_fin == first
    refused(as_of(login).get("/auth/me"), 401, "session_ended")
    assert as_of(other).get("/auth/me").status_code == 200


@pytest.mark.parametrize("path", LOGOUTS)
def test_a_strangers_session_is_404_and_stays_open(ana: User, path: str) -> None:
    mine, theirs = signed_in(ana), signed_in(a_user("bea"))
    for sesion_id in (theirs.sesion.pk, 999_999):
        refused(as_of(mine).post(path, {"session_id": sesion_id}), 404, "not_found")
    theirs.sesion.refresh_from_db()
    assert theirs.sesion.fecha_fin is None


@pytest.mark.parametrize("path", LOGOUTS)
def test_logout_without_a_login_is_401(ana: User, anyone: APIClient, path: str) -> None:
    login = signed_in(ana)
    refused(anyone.post(path, {"session_id": login.sesion.pk}), 401, "not_authenticated")
    refused(as_of("nonsense").post(path, {"session_id": login.sesion.pk}), 401, "bad_token")


@pytest.mark.parametrize("path", LOGOUTS)
def test_an_ended_login_ends_nothing_else(ana: User, path: str) -> None:
    login, other = signed_in(ana), signed_in(ana)
    as_of(login).post(path, {"session_id": login.sesion.pk})
    refused(as_of(login).post(path, {"session_id": other.sesion.pk}), 401, "session_ended")
    other.sesion.refresh_from_db()
    assert other.sesion.fecha_fin is None


@pytest.mark.parametrize("bad", [-1, 2**63, "one", [1], None, 1.5])
def test_a_malformed_session_id_is_400(ana: User, bad: object) -> None:
    refused(as_of(signed_in(ana)).post("/logout", {"session_id": bad}), 400, "invalid")


def test_logout_without_an_id_ends_this_session(ana: User) -> None:
    login = signed_in(ana)
    assert as_of(login).post(V1 + "logout").json() == {"success": True}
    login.sesion.refresh_from_db()
    assert login.sesion.fecha_fin


def test_an_ended_cookie_without_a_token_is_401(ana: User) -> None:
    browser = by_cookie(ana)
    end_sessions_of(ana, reason=Sesion.EndReason.REVOKED_BY_STAFF, at=timezone.now())
    refused(browser.post(V1 + "logout"), 401, "session_ended")


def test_a_page_logs_out_by_cookie_with_its_csrf_token(ana: User) -> None:
    browser = by_cookie(ana)
    refused(browser.post(V1 + "logout"), 403, "permission_denied")
    browser = APIClient()
    browser.force_login(ana)
    assert browser.post(V1 + "logout").json() == {"success": True}
    refused(browser.get(V1 + "users/me"), 401, "session_ended")
