"""Is this person who they say they are? One service for API, pages and admin."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext_lazy as _

from accounts import lockout
from accounts.models import User, fold
from visionai.lib.errors import DomainError


class WrongCredentials(DomainError):
    status, code, title = 401, "wrong_credentials", _("Wrong user or password")
    detail = _("The user or the password is wrong.")


class AccountDisabled(DomainError):
    """Said only to whom knows the password, so that nobody else learns of the account."""

    status, code, title = 401, "account_disabled", _("The account is disabled")
    detail = _("This account is disabled; ask an administrator.")


class WrongPassword(DomainError):
    status, code, title = 403, "wrong_password", _("Wrong password")
    detail = _("The current password is wrong.")


def check_credentials(login: str, *, password: str, ip: str | None, at: datetime) -> User:
    """The active user with this username or e-mail and password.

    Raises `WrongCredentials`, `AccountDisabled` or `TooManyAttempts`. Takes as long for an unknown
    user as for a known one.
    """
    user = find_user(login)
    account = account_key(user) if user else f"name:{fold(login)}"
    attempt = lockout.begin_attempt(lockout.SIGN_IN, account=account, ip=ip, at=at)
    if user is None:
        make_password(password)
        raise WrongCredentials
    if not user.check_password(password):
        raise WrongCredentials
    if not user.is_active:
        raise AccountDisabled
    lockout.forgive(attempt)
    return user


def confirm_password(user: User, *, password: str, ip: str | None, at: datetime) -> None:
    """The same for someone who is signed in already. Counts with the tries to sign in.

    Raises `WrongPassword` or `TooManyAttempts`.
    """
    account = account_key(user)
    attempt = lockout.begin_attempt(lockout.SIGN_IN, account=account, ip=ip, at=at)
    if not user.check_password(password):
        raise WrongPassword
    lockout.forgive(attempt)


def find_user(login: str) -> User | None:
    """By e-mail where it has an @, else by username; the other one where that finds nobody."""
    found = list(User.objects.get_queryset().named(login))
    by_email = "@" in login
    found.sort(key=lambda user: (user.email == fold(login)) != by_email)
    return found[0] if found else None


def account_key(user: User) -> str:
    return f"user:{user.pk}"
