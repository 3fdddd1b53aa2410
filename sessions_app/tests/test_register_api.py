"""Registering through the API, with an invitation and without."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.invitations import make_invitation
from accounts.models import User
from accounts.tests.factories import a_user
from sessions_app.tests.rest import refused

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


def test_register_answers_with_the_fields_of_the_contract(anyone: APIClient) -> None:
    answer = anyone.post(V1 + "register", {"username": "usuario", "password": NEW})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"user_id", "username", "is_active", "created_at"}
    assert (body["username"], body["is_active"]) == ("usuario", True)
    assert anyone.post("/login", {"username": "usuario", "password": NEW}).status_code == 200


def test_the_chat_original_registers_by_name_and_e_mail(anyone: APIClient) -> None:
    ask = {"nombre": "Ana María", "email": "Ana@example.org", "password": NEW}
    body = anyone.post("/auth/register", ask).json()
    assert set(body) == USER_FIELDS
    assert (body["username"], body["nombre"], body["email"], body["rol"]) == (
        "Ana.María",
        "Ana María",
        "ana@example.org",
        "user",
    )
    again = anyone.post("/auth/register/", ask | {"email": "b@example.org"}).json()
    assert again["username"] == "Ana.María1"
    mailed = anyone.post(V1 + "register", {"email": "c@example.org", "password": NEW})
    assert mailed.json()["username"] == "c"


@pytest.mark.parametrize("password", ["pass123", "contraseña123", "Password1!", "12345678901"])
def test_a_weak_password_is_400_and_says_what_is_missing(anyone: APIClient, password: str) -> None:
    body = refused(
        anyone.post(V1 + "register", {"username": "usuario", "password": password}),
        400,
        "not_accepted",
    )
    assert body["errors"]["password"]
    assert body["errors"]["password"][0] in body["detail"]
    assert not User.objects.exists()


def test_a_taken_name_or_e_mail_is_400(ana: User, anyone: APIClient) -> None:
    for ask, field in (
        ({"username": "ANA"}, "username"),
        ({"username": "bea", "email": "ANA@example.org"}, "email"),
    ):
        answer = anyone.post(V1 + "register", ask | {"password": NEW})
        assert set(refused(answer, 400, "not_accepted")["errors"]) == {field}


@pytest.mark.parametrize(
    "ask",
    [
        {},
        {"username": "a b"},
        {"username": "ana@example.org"},
        {"username": "ﷺ" * 20},  # one letter that folds to 18
        {"username": "ana", "email": "nonsense"},
        {"username": "ana", "email": f"{'a' * 180}@example.org"},
    ],
    ids=str,
)
def test_an_odd_name_or_e_mail_is_400(anyone: APIClient, ask: dict[str, str]) -> None:
    answer = anyone.post(V1 + "register", ask | {"password": NEW})
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_nobody_makes_themselves_an_administrator(anyone: APIClient) -> None:
    extra = {"role": "admin", "rol": "admin", "is_staff": True, "id": 1}
    anyone.post(V1 + "register", {"username": "eve", "password": NEW} | extra)
    assert User.objects.get().role == User.Role.USER


def test_a_closed_house_registers_nobody(anyone: APIClient, settings: Settings) -> None:
    settings.REGISTRATION = "closed"
    for path in (V1 + "register", "/auth/register"):
        answer = anyone.post(path, {"username": "eve", "password": NEW})
        refused(answer, 403, "registration_closed")


def test_an_invitation_works_once(anyone: APIClient, settings: Settings) -> None:
    settings.REGISTRATION = "invite"
    code = make_invitation(by=None, at=timezone.now())
    old = make_invitation(by=None, at=timezone.now() - timedelta(days=8))
    for bad in ({}, {"invitation": "nonsense"}, {"invitation": old}):
        ask = {"username": "bea", "password": NEW} | bad
        refused(anyone.post(V1 + "register", ask), 403, "invitation_needed")
    weak = {"username": "bea", "password": "pass123", "invitation": code}
    refused(anyone.post(V1 + "register", weak), 400, "not_accepted")
    assert anyone.post(V1 + "register", weak | {"password": NEW}).status_code == 201
    again = {"username": "cid", "password": NEW, "invitation": code}
    refused(anyone.post(V1 + "register", again), 403, "invitation_needed")
    assert not User.objects.filter(username="cid").exists()
