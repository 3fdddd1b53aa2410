"""Changing a password, and getting back in without it. Both end sessions."""

from datetime import datetime

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import get_language, gettext_lazy

from accounts import lockout
from accounts.credentials import confirm_password
from accounts.models import User, fold
from accounts.services import NotAccepted, password_faults, set_password
from sessions_app import tasks
from sessions_app.models import Sesion
from sessions_app.services import end_sessions_of
from visionai.lib.errors import DomainError

CHANGED = Sesion.EndReason.PASSWORD_CHANGED
MAILS = 5  # within the window of `lockout.RESET`, to one address, whoever asks for them


class BadResetLink(DomainError):
    status, code, title = 400, "bad_reset_link", gettext_lazy("The link no longer works")
    detail = gettext_lazy("This link was used or is too old; ask for a new one.")


def change_password(
    user: User, *, current: str, new: str, keep: int | None, ip: str | None, at: datetime
) -> None:
    """Ends all sessions of the user but the one with id `keep`.

    Raises `WrongPassword`, `NotAccepted` or `TooManyAttempts`.
    """
    confirm_password(user, password=current, ip=ip, at=at)
    if errors := password_faults(new, user=user):
        raise NotAccepted(errors)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        set_password(user, new)
        end_sessions_of(user, reason=CHANGED, at=at, keep=keep)


def request_reset(email: str, *, site: str, ip: str | None, at: datetime) -> None:
    """Have a link mailed to the account with this e-mail; what happens is the same without one.

    `site` is where our pages are, `https://host`. Raises `TooManyAttempts`.
    """
    account = f"mail:{fold(email)}"
    lockout.begin_attempt(lockout.RESET, account=account, ip=ip, at=at)
    if lockout.count_attempts(lockout.RESET, account=account, at=at) <= MAILS:
        tasks.mail_reset_link.delay(email, site, get_language())


def check_reset(uid: str, token: str) -> User:
    """The user that the link was mailed to. Raises `BadResetLink`."""
    try:
        pk = int(urlsafe_base64_decode(uid))
    except ValueError as error:
        raise BadResetLink from error
    users = User.objects.filter(is_active=True)
    user = users.filter(pk=pk).first() if 0 <= pk < 2**63 else None
    if user is None or not default_token_generator.check_token(user, token):
        raise BadResetLink
    return user


@transaction.atomic
def confirm_reset(uid: str, token: str, *, password: str, at: datetime) -> User:
    """Ends all sessions of the user. Raises `BadResetLink` or `NotAccepted`."""
    pk = check_reset(uid, token).pk
    User.objects.select_for_update().get(pk=pk)
    user = check_reset(uid, token)  # of two with one link, the second finds it used
    set_password(user, password)
    end_sessions_of(user, reason=CHANGED, at=at)
    return user
