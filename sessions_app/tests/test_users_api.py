"""`/usuarios` and `/api/v1/users`, as staff, owner, stranger and anonymous."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD, a_user, an_administrator
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session
from sessions_app.tokens import issue_tokens
from visionai.hooks import connect

pytestmark = pytest.mark.django_db
PATHS = ["/usuarios", "/api/v1/users"]
NEW = "otra-frase-larga-y-rara"
FIELDS = {"id", "user_id", "username", "email", "nombre", "rol", "is_active", "created_at"}


def as_user(user: User) -> APIClient:
    at = timezone.now()
    client = APIClient()
    token = issue_tokens(a_session(user, kind=Sesion.Kind.API, at=at), at=at).access
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def root() -> User:
    return an_administrator("root")


@pytest.fixture
def ana() -> User:
    return a_user("ana", email="ana@example.org")


@pytest.mark.parametrize("path", PATHS)
def test_staff_list_accounts_page_by_page(root: User, ana: User, path: str) -> None:
    answer = as_user(root).get(f"{path}?limit=1&offset=1")
    (one,) = answer.json()
    assert set(one) == FIELDS
    assert (one["username"], one["rol"], answer["X-Total-Count"]) == ("ana", "user", "2")


@pytest.mark.parametrize("path", PATHS)
def test_staff_make_an_account(root: User, path: str) -> None:
    client = as_user(root)
    body = {"nombre": "Eva Sol", "email": "eva@example.org", "password": NEW, "rol": "admin"}
    answer = client.post(f"{path}/", body)
    assert (answer.status_code, answer.json()["username"]) == (201, "Eva.Sol")
    made = User.objects.get(pk=answer.json()["id"])
    assert (made.is_staff, made.check_password(NEW)) == (True, True)
    again = client.post(path, body | {"username": "eva"})
    assert (again.status_code, list(again.json()["errors"])) == (400, ["email"])
    weak = client.post(path, {"username": "leo", "password": "pass123"})
    assert (weak.status_code, list(weak.json()["errors"])) == (400, ["password"])


@pytest.mark.parametrize("path", PATHS)
def test_others_may_neither_list_nor_make_accounts(ana: User, path: str) -> None:
    for method in ("get", "post"):
        assert getattr(APIClient(), method)(path).status_code == 401
        assert getattr(as_user(ana), method)(path).status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_stranger_s_account_is_not_there(root: User, ana: User, path: str, method: str) -> None:
    assert getattr(APIClient(), method)(f"{path}/{root.pk}").status_code == 401
    for pk in (root.pk, 10**12):
        assert getattr(as_user(ana), method)(f"{path}/{pk}", {"rol": "user"}).status_code == 404
    assert getattr(as_user(root), method)(f"{path}/{10**12}", {}).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_one_s_own_account_is_seen_and_changed(ana: User, path: str) -> None:
    client = as_user(ana)
    assert client.get(f"{path}/{ana.pk}").json()["email"] == "ana@example.org"
    answer = client.put(f"{path}/{ana.pk}", {"nombre": "Ana Ruiz", "rol": "user"})
    assert (answer.status_code, answer.json()["nombre"]) == (200, "Ana Ruiz")
    ana.refresh_from_db()
    assert (ana.name, ana.email) == ("Ana Ruiz", "ana@example.org")


def test_a_new_e_mail_or_password_of_one_s_own_needs_the_old_password(ana: User) -> None:
    client, path = as_user(ana), f"/usuarios/{ana.pk}"
    for change in ({"email": "b@example.org"}, {"password": NEW}):
        assert client.put(path, change).json()["code"] == "wrong_password"
        wrong = client.put(path, change | {"current_password": "no"})
        assert wrong.json()["code"] == "wrong_password"
    both = {"email": "b@example.org", "password": NEW, "current_password": PASSWORD}
    assert client.put(path, both).status_code == 200
    ana.refresh_from_db()
    assert (ana.email, ana.check_password(NEW)) == ("b@example.org", True)


def test_a_new_password_ends_the_other_sessions_alone(ana: User) -> None:
    other = a_session(ana, at=timezone.now())
    client = as_user(ana)
    client.put(f"/usuarios/{ana.pk}", {"password": NEW, "current_password": PASSWORD})
    other.refresh_from_db()
    assert other.end_reason == Sesion.EndReason.PASSWORD_CHANGED
    assert client.get(f"/usuarios/{ana.pk}").status_code == 200


def test_a_refused_change_changes_nothing(root: User, ana: User) -> None:
    body = {"nombre": "Otro", "email": "root@example.org", "password": NEW}
    root.email = "root@example.org"
    root.save()
    assert as_user(root).put(f"/usuarios/{ana.pk}", body).status_code == 400
    ana.refresh_from_db()
    assert (ana.name, ana.check_password(PASSWORD)) == ("", True)


@pytest.mark.parametrize("change", [{"rol": "admin"}, {"is_active": False}])
def test_nobody_raises_their_own_rights(ana: User, change: dict[str, Any]) -> None:
    answer = as_user(ana).put(f"/usuarios/{ana.pk}", change | {"nombre": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "staff_alone")
    ana.refresh_from_db()
    assert (ana.role, ana.is_active, ana.name) == ("user", True, "")


@pytest.mark.parametrize("change", [{"rol": "user"}, {"is_active": False}])
def test_staff_do_not_change_their_own_standing(root: User, change: dict[str, Any]) -> None:
    an_administrator("second")
    answer = as_user(root).put(f"/usuarios/{root.pk}", change)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_ones_own")


def test_staff_change_another_s_account(root: User, ana: User) -> None:
    connect()
    theirs = a_session(ana, at=timezone.now())
    change = {"rol": "admin", "is_active": False, "password": NEW, "email": "c@example.org"}
    answer = as_user(root).put(f"/usuarios/{ana.pk}", change)
    assert (answer.json()["rol"], answer.json()["is_active"]) == ("admin", False)
    ana.refresh_from_db()
    assert (ana.check_password(NEW), ana.email) == (True, "c@example.org")
    theirs.refresh_from_db()
    assert theirs.fecha_fin is not None
    assert as_user(root).put(f"/usuarios/{ana.pk}", {"is_active": True}).json()["is_active"]


def test_an_unknown_role_is_refused(root: User, ana: User) -> None:
    answer = as_user(root).put(f"/usuarios/{ana.pk}", {"rol": "emperor"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["rol"])


def test_deleting_erases_or_deactivates(root: User, ana: User) -> None:
    connect()
    bea, client = a_user("bea"), as_user(root)
    answer = client.delete(f"/usuarios/{ana.pk}?modo=deactivate")
    assert answer.json() == {"success": True, "modo": "deactivate"}
    ana.refresh_from_db()
    assert not ana.is_active
    assert client.delete(f"/usuarios/{ana.pk}").json()["modo"] == "erase"
    assert client.delete(f"/api/v1/users/{bea.pk}").status_code == 204
    assert list(User.objects.values_list("pk", flat=True)) == [root.pk]
    assert client.delete(f"/usuarios/{root.pk}?modo=burn").status_code == 400


def test_nobody_deletes_themselves_here(root: User, ana: User) -> None:
    assert as_user(ana).delete(f"/usuarios/{ana.pk}").json()["code"] == "staff_alone"
    assert as_user(root).delete(f"/usuarios/{root.pk}").json()["code"] == "not_ones_own"
    assert User.objects.count() == 2


def test_the_last_administrator_stays_whoever_asks(root: User) -> None:
    second = an_administrator("second")
    client = as_user(second)
    User.objects.filter(pk=second.pk).update(is_active=True)
    assert client.put(f"/usuarios/{root.pk}", {"rol": "user"}).status_code == 200
    # Now second alone is left, and may not go either.
    assert client.delete(f"/usuarios/{second.pk}").status_code == 403
    third = an_administrator("third")
    User.objects.filter(pk=second.pk).update(role="user")
    assert client.put(f"/usuarios/{third.pk}", {"rol": "user"}).status_code == 404


def test_no_cookie_counts_on_the_original_paths(client: Any, root: User) -> None:
    client.force_login(root)
    assert client.get("/usuarios").status_code == 401
    assert client.get("/api/v1/users").status_code == 200
