from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts import services
from accounts.apps import prune
from accounts.credentials import WrongPassword
from accounts.invitations import InvitationNeeded, make_invitation
from accounts.lockout import TooManyAttempts
from accounts.models import Attempt, FirebaseIdentity, Invitation, SetupLink, User, fold
from accounts.passwords import CommonWordValidator
from accounts.services import (
    LastAdministrator,
    NotAccepted,
    create_account,
    disable,
    erase_account,
    free_username,
    register,
    update_profile,
)
from accounts.tests.factories import HERE, NOON, PASSWORD, a_user, an_administrator

pytestmark = pytest.mark.django_db


def test_two_people_who_take_a_name_at_once_get_one_account() -> None:
    with patch.object(services, "_faults", return_value={}):
        create_account("ana", password=PASSWORD, email="a@example.org")
        for name, email, field in (
            ("ANA", "b@example.org", "username"),
            ("bea", "a@example.org", "email"),
        ):
            with pytest.raises(NotAccepted) as refusal:
                create_account(name, password=PASSWORD, email=email)
            assert set(refusal.value.facts["errors"]) == {field}  # type: ignore[call-overload]
    assert User.objects.count() == 1


def test_one_address_registers_no_more_than_a_hundred_an_hour(settings: Settings) -> None:
    settings.REGISTRATION = "invite"
    for _time in range(100):
        with pytest.raises(InvitationNeeded):
            register("eve", password=PASSWORD, ip=HERE, at=NOON)
    with pytest.raises(TooManyAttempts):
        register("eve", password=PASSWORD, ip=HERE, at=NOON)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["Ana María"], "Ana.María"),
        (["", "ana"], "ana"),
        (["¡!", ""], "user"),
        (["x" * 200], "x" * 75),
        (["taken"], "taken2"),
    ],
)
def test_a_username_is_made_from_what_is_there(wanted: list[str], expected: str) -> None:
    a_user("Taken")
    a_user("taken1")
    assert free_username(wanted) == expected


def test_a_profile_changes_its_name_freely_and_its_e_mail_with_the_password() -> None:
    user = a_user("ana", email="ana@example.org")
    update_profile(user, name=" Ana ", email="ANA@example.org", ip=HERE, at=NOON)
    user.refresh_from_db()
    assert (user.name, user.email) == ("Ana", "ana@example.org")
    with pytest.raises(WrongPassword):
        update_profile(user, name="Ana", email="new@example.org", ip=HERE, at=NOON)
    update_profile(user, name="Ana", email="new@example.org", password=PASSWORD, ip=HERE, at=NOON)
    user.refresh_from_db()
    assert user.email == "new@example.org"
    update_profile(user, name="Ana", email="", password=PASSWORD, ip=HERE, at=NOON)
    user.refresh_from_db()
    assert user.email is None


def test_a_profile_takes_nobody_elses_e_mail() -> None:
    a_user("bea", email="bea@example.org")
    user = a_user("ana")
    for email in ("BEA@example.org", "nonsense"):
        with pytest.raises(NotAccepted):
            update_profile(user, name="", email=email, password=PASSWORD, ip=HERE, at=NOON)
    with patch.object(services, "_faults", return_value={}), pytest.raises(NotAccepted):
        update_profile(user, name="", email="bea@example.org", password=PASSWORD, ip=HERE, at=NOON)


def test_the_last_administrator_who_is_active_stays() -> None:
    root, second = an_administrator(), an_administrator("second")
    disable(second)
    for refused in (disable, erase_account):
        with pytest.raises(LastAdministrator):
            refused(root)
    erase_account(second)
    with pytest.raises(LastAdministrator):
        erase_account(root)


@pytest.mark.parametrize(
    "password", ["contraseña123", "Contrasena!", "123password", "visionai2026", "¡Bienvenido1!"]
)
def test_a_dressed_up_word_is_too_easy(password: str) -> None:
    with pytest.raises(ValidationError):
        CommonWordValidator().validate(password)


@pytest.mark.parametrize(
    "password", ["abc84729471", "una mañana fría", "12345678901", "clave/98765"]
)
def test_what_is_no_such_word_is_left_to_the_other_rules(password: str) -> None:
    CommonWordValidator().validate(password)
    assert CommonWordValidator().get_help_text()


def test_names_are_equal_as_a_person_sees_them() -> None:
    assert fold(" Ａna ") == fold("ANA") == "ana"
    assert fold("Straße") == fold("STRASSE")


def test_rows_have_names() -> None:
    user = a_user("ana")
    assert str(user) == "ana"
    assert str(SetupLink(pk=3)) == "3"
    assert str(Invitation(pk=3)) == "3"
    assert str(FirebaseIdentity(project="p", subject="s")) == "p s"


def test_permissions_follow_the_role() -> None:
    for who, allowed in ((a_user(), False), (an_administrator(), True)):
        assert who.has_perm("x") is allowed
        assert who.has_perms([]) is allowed
        assert who.has_module_perms("x") is allowed


def test_old_attempts_are_removed_in_the_background() -> None:
    Attempt.objects.create(purpose="sign_in", account="a", address="b", at=NOON)
    prune()
    assert not Attempt.objects.exists()
    assert str(Attempt(purpose="sign_in", pk=3)) == "sign_in 3"


def test_an_invitation_spent_meanwhile_makes_no_account(settings: Settings) -> None:
    settings.REGISTRATION = "invite"
    code = make_invitation(by=None, at=NOON)
    with patch.object(services, "is_usable", return_value=True):
        register("ana", password=PASSWORD, invitation=code, ip=HERE, at=NOON)
        with pytest.raises(InvitationNeeded):
            register("bea", password=PASSWORD, invitation=code, ip=HERE, at=NOON)
    assert User.objects.get().username == "ana"


def test_several_faults_of_one_field_are_all_named() -> None:
    with pytest.raises(NotAccepted) as refusal:
        create_account("a b", password="pass123", email="nonsense")
    assert set(refusal.value.facts["errors"]) == {"username", "email", "password"}  # type: ignore[call-overload]
