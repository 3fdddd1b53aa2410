"""The life of an account: registered, changed, disabled, erased."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import hooks, lockout
from accounts.credentials import account_key, confirm_password
from accounts.invitations import InvitationNeeded, is_usable, use_invitation
from accounts.models import NAME_LENGTH, User, fold
from visionai.lib.errors import DomainError

OPEN, INVITE, CLOSED = "open", "invite", "closed"


class NotAccepted(DomainError):
    """`errors` names the fields and, for each, what is missing."""

    status, code, title = 400, "not_accepted", gettext_lazy("The data are not accepted")
    detail = gettext_lazy("{summary}")

    def __init__(self, errors: dict[str, list[str]]) -> None:
        summary = " ".join(sentence for sentences in errors.values() for sentence in sentences)
        super().__init__(errors=errors, summary=summary)


class RegistrationClosed(DomainError):
    status, code, title = 403, "registration_closed", gettext_lazy("Registration is closed")
    detail = gettext_lazy("Nobody can register here; ask an administrator for an account.")


class LastAdministrator(DomainError):
    status, code, title = 409, "last_administrator", gettext_lazy("The last administrator stays")
    detail = gettext_lazy("This is the last administrator; make another one first.")


def register(
    username: str,
    *,
    password: str,
    email: str = "",
    name: str = "",
    invitation: str = "",
    ip: str | None,
    at: datetime,
) -> User:
    """Make an account as a visitor, where and as the operator allows it.

    Raises `RegistrationClosed`, `InvitationNeeded`, `NotAccepted` or `TooManyAttempts`.
    """
    if settings.REGISTRATION == CLOSED:
        raise RegistrationClosed
    # Everyone is counted, or a script could ask which names and codes exist.
    lockout.begin_attempt(lockout.REGISTER, account="", ip=ip, at=at)
    invited = settings.REGISTRATION == INVITE
    if invited and not is_usable(invitation, at=at):  # before a word about names that exist
        raise InvitationNeeded
    with transaction.atomic():
        user = create_account(username, password=password, email=email, name=name)
        if invited:
            use_invitation(invitation, user=user, at=at)
    return user


def create_account(
    username: str,
    *,
    password: str,
    email: str = "",
    name: str = "",
    role: User.Role = User.Role.USER,
) -> User:
    """An account whose names are free and whose password is good. Raises `NotAccepted`."""
    user = User(username=username.strip(), email=email.strip(), name=name.strip(), role=role)
    errors = _faults(user, ["username", "email", "name"]) | password_faults(password, user=user)
    if errors:
        raise NotAccepted(errors)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:  # someone was quicker
        raise NotAccepted(_taken(user) or {"username": [_taken_username()]}) from error
    return user


def free_username(wanted: Iterable[str]) -> str:
    """The first of the wanted names as a username, with a number where it is taken."""
    for text in wanted:
        letters = unicodedata.normalize("NFKC", re.sub(r"\s+", ".", text.strip()))
        base = re.sub(r"[^\w.+-]", "", letters)[: NAME_LENGTH // 2]
        if base:
            break
    else:
        base = "user"
    taken = set(
        User.objects.filter(username_key__startswith=fold(base)).values_list(
            "username_key", flat=True
        )
    )
    numbered = (f"{base}{number or ''}" for number in range(len(taken) + 1))
    return next(name for name in numbered if fold(name) not in taken)


def set_password(user: User, password: str) -> None:
    """Store a new password if it is good. Raises `NotAccepted`. Who calls ends the sessions."""
    if errors := password_faults(password, user=user):
        raise NotAccepted(errors)
    user.set_password(password)
    user.save(update_fields=["password"])


def password_faults(password: str, *, user: User) -> dict[str, list[str]]:
    """What a new password lacks, under the field's name; empty when it is good."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return {"password": list(error.messages)}
    return {}


def update_profile(
    user: User,
    *,
    name: str,
    email: str,
    password: str = "",
    ip: str | None,
    at: datetime,
    confirmed: bool = False,
) -> None:
    """Change the name and the e-mail; for the e-mail, to which resets go, the password is needed.

    `confirmed` says that it was given already, or that staff ask. Raises `NotAccepted`,
    `WrongPassword` or `TooManyAttempts`.
    """
    before = user.email or ""
    changed = User(pk=user.pk, username=user.username, name=name.strip(), email=email.strip())
    if errors := _faults(changed, ["email", "name"]):
        raise NotAccepted(errors)
    if fold(email) != before and user.has_usable_password() and not confirmed:
        confirm_password(user, password=password, ip=ip, at=at)
    user.name, user.email = changed.name, changed.email
    try:
        with transaction.atomic():
            user.save(update_fields=["name", "email"])
    except IntegrityError as error:
        raise NotAccepted({"email": [_taken_email()]}) from error


@transaction.atomic
def set_role(user: User, role: str) -> None:
    """Who calls has made sure that staff ask. Raises `LastAdministrator`."""
    if role != User.Role.ADMIN:
        keep_an_administrator(without=user)
    user.role = role
    user.save(update_fields=["role"])


@transaction.atomic
def disable(user: User) -> None:
    """Switch the account off and end what it does. Raises `LastAdministrator`."""
    keep_an_administrator(without=user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    for hook in hooks.disabled:
        hook(user)


def enable(user: User) -> None:
    user.is_active = True
    user.save(update_fields=["is_active"])


def keep_an_administrator(*, without: User) -> None:
    """Raises `LastAdministrator` where nobody else could run the place. Locks the others."""
    if without.role != User.Role.ADMIN:
        return
    administrators = User.objects.get_queryset().administrators().select_for_update()
    pks = list(administrators.order_by("pk").values_list("pk", flat=True))
    if pks == [without.pk]:
        raise LastAdministrator


@transaction.atomic
def erase_account(user: User) -> None:
    """Remove the account and all that is its own. Raises `LastAdministrator`.

    Who calls has made sure that its owner asks.
    """
    User.objects.select_for_update().filter(pk=user.pk).first()  # a sign-in waits, then finds none
    keep_an_administrator(without=user)
    for hook in hooks.erase:
        hook(user)
    lockout.forget_account(account_key(user))
    user.delete()


def _faults(user: User, fields: list[str]) -> dict[str, list[str]]:
    every = {field.name for field in User._meta.fields}
    try:
        user.clean_fields(exclude=every - set(fields))
    except ValidationError as error:
        found = error.message_dict
    else:
        found = {}
    for field, sentences in _taken(user).items():
        if field in fields:
            found.setdefault(field, []).extend(sentences)
    return found


def _taken(user: User) -> dict[str, list[str]]:
    others = User.objects.exclude(pk=user.pk)
    errors = {}
    if others.filter(username_key=fold(user.username)).exists():
        errors["username"] = [_taken_username()]
    if user.email and others.filter(email=fold(user.email)).exists():
        errors["email"] = [_taken_email()]
    return errors


def _taken_username() -> str:
    return _("This username is taken.")


def _taken_email() -> str:
    return _("This e-mail is taken.")
