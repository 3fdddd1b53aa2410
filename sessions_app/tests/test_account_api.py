"""A password and an account through the API: changed, asked for, erased."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Attempt, User
from accounts.tests.factories import PASSWORD, a_user
from sessions_app import tasks
from sessions_app.models import Sesion
from sessions_app.tests.rest import as_of, refused, signed_in

pytestmark = pytest.mark.django_db
V1 = "/api/v1/auth/"
NEW = "a-warm-evening-in-june"


@pytest.fixture
def ana() -> User:
    return a_user("ana", email="ana@example.org", name="Ana")


@pytest.fixture
def anyone() -> APIClient:
    return APIClient(enforce_csrf_checks=True)


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.mail_reset_link, "delay", tasks.mail_reset_link)


# Passwords


def test_a_changed_password_ends_all_other_sessions(ana: User) -> None:
    here, there = signed_in(ana), signed_in(ana)
    ask = {"current_password": PASSWORD, "new_password": NEW}
    assert as_of(here).post(V1 + "password", ask).json() == {"success": True}
    assert as_of(here).get("/auth/me").status_code == 200
    refused(as_of(there).get("/auth/me"), 401, "session_ended")
    there.sesion.refresh_from_db()
    assert there.sesion.end_reason == Sesion.EndReason.PASSWORD_CHANGED
    assert User.objects.get().check_password(NEW)


def test_a_page_stays_signed_in_after_changing_the_password(ana: User) -> None:
    browser = APIClient()
    browser.force_login(ana)
    ask = {"current_password": PASSWORD, "new_password": NEW}
    assert browser.post(V1 + "password", ask).status_code == 200
    assert browser.get(V1 + "users/me").status_code == 200


def test_a_password_is_changed_only_by_who_knows_it(ana: User, anyone: APIClient) -> None:
    ask = {"current_password": "wrong", "new_password": NEW}
    refused(anyone.post(V1 + "password", ask), 401, "not_authenticated")
    client = as_of(signed_in(ana))
    refused(client.post(V1 + "password", ask), 403, "wrong_password")
    weak = {"current_password": PASSWORD, "new_password": "pass123"}
    refused(client.post(V1 + "password", weak), 400, "not_accepted")
    refused(client.post(V1 + "password", {}), 400, "invalid")
    assert User.objects.get().check_password(PASSWORD)


def mailed_link() -> list[str]:
    return str(mail.outbox[-1].body).split("/cuenta/recuperar/")[1].split("\n")[0].split("/")


def test_a_mailed_link_sets_a_password_once_and_ends_all_sessions(
    ana: User, anyone: APIClient
) -> None:
    login = signed_in(ana)
    answer = anyone.post(V1 + "password/reset", {"email": "ANA@example.org"})
    assert (answer.status_code, answer.json()) == (202, {"success": True})
    assert mail.outbox[0].to == ["ana@example.org"]
    assert "http://testserver/cuenta/recuperar/" in mail.outbox[0].body
    uid, token, _rest = mailed_link()
    path = V1 + "password/reset/confirm"
    ask = {"uid": uid, "token": token, "password": "pass123"}
    refused(anyone.post(path, ask), 400, "not_accepted")
    assert anyone.post(path, ask | {"password": NEW}).json() == {"success": True}
    refused(as_of(login).get("/auth/me"), 401, "session_ended")
    assert User.objects.get().check_password(NEW)
    refused(anyone.post(path, ask | {"password": PASSWORD}), 400, "bad_reset_link")


def test_an_unknown_e_mail_gets_the_same_answer_and_no_mail(ana: User, anyone: APIClient) -> None:
    User.objects.create_user("off", email="off@example.org")
    User.objects.filter(username="off").update(is_active=False)
    for email in ("nobody@example.org", "off@example.org", "nonsense"):
        answer = anyone.post(V1 + "password/reset", {"email": email})
        assert (answer.status_code, answer.json()) == (202, {"success": True})
    assert mail.outbox == []


def test_nobody_is_flooded_with_mail(ana: User, anyone: APIClient) -> None:
    ask = {"email": "ana@example.org"}
    for _time in range(3):
        anyone.post(V1 + "password/reset", ask)
    refused(anyone.post(V1 + "password/reset", ask), 429, "too_many_attempts")
    for number in range(5):
        client = APIClient(REMOTE_ADDR=f"198.51.100.{number}")
        assert client.post(V1 + "password/reset", ask).status_code == 202
    assert len(mail.outbox) == 5


@pytest.mark.parametrize("uid", ["nonsense", "", "MQ", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_an_invented_link_is_400(ana: User, anyone: APIClient, uid: str) -> None:
    ask = {"uid": uid or "_", "token": "c1-abc", "password": NEW}
    refused(anyone.post(V1 + "password/reset/confirm", ask), 400, "bad_reset_link")


# All data, and their end


def test_all_data_come_in_one_file(ana: User, anyone: APIClient) -> None:
    refused(anyone.get("/api/v1/account/export"), 401, "not_authenticated")
    signed_in(a_user("bea"))
    login = signed_in(ana)
    answer = as_of(login).get("/api/v1/account/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    body = answer.json()
    assert body["account"]["username"] == "ana"
    assert "password" not in body["account"]
    assert [sesion["id"] for sesion in body["sessions"]] == [login.sesion.pk]


def test_erasing_needs_the_password_and_leaves_no_trace(ana: User, anyone: APIClient) -> None:
    path = "/api/v1/account"
    refused(anyone.delete(path, {"password": PASSWORD}), 401, "not_authenticated")
    login = signed_in(ana)
    for body in ({}, {"password": "wrong"}):
        refused(as_of(login).delete(path, body), 403, "wrong_password")
    assert as_of(login).delete(path, {"password": PASSWORD}).status_code == 204
    assert not User.objects.exists()
    sesion = Sesion.objects.get()
    assert (sesion.user, sesion.end_reason) == (None, Sesion.EndReason.ERASED)
    assert (sesion.ip, sesion.user_agent) == (None, "")
    assert not Attempt.objects.exists()
    refused(as_of(login).get("/auth/me"), 401, "session_ended")
    refused(as_of(login).post("/logout"), 401, "session_ended")


def test_an_account_without_password_is_erased_soon_after_a_sign_in(ana: User) -> None:
    login = signed_in(ana)
    User.objects.update(password="!unusable")
    Sesion.objects.update(fecha_inicio=timezone.now() - timedelta(minutes=11))
    refused(as_of(login).delete("/api/v1/account"), 403, "recent_sign_in_needed")
    Sesion.objects.update(fecha_inicio=timezone.now() - timedelta(minutes=9))
    assert as_of(login).delete("/api/v1/account").status_code == 204


def test_the_last_administrator_is_not_erased(ana: User) -> None:
    User.objects.update(role=User.Role.ADMIN)
    answer = as_of(signed_in(ana)).delete("/api/v1/account", {"password": PASSWORD})
    refused(answer, 409, "last_administrator")
    User.objects.create_superuser("root", password=PASSWORD)
    answer = as_of(signed_in(ana)).delete("/api/v1/account", {"password": PASSWORD})
    assert answer.status_code == 204


def test_a_disabled_account_is_out_at_once(ana: User) -> None:
    from accounts.services import disable

    login = signed_in(ana)
    disable(ana)
    refused(as_of(login).get("/auth/me"), 401, "session_ended")
    login.sesion.refresh_from_db()
    assert login.sesion.end_reason == Sesion.EndReason.REVOKED_BY_STAFF
