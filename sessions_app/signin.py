"""Coming in and staying in: sign-in, refresh, logout."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.credentials import WrongCredentials, check_credentials
from accounts.models import User
from sessions_app.browser import sign_in_browser
from sessions_app.client import Client, client_of
from sessions_app.models import AnyUser, RefreshUse, Sesion
from sessions_app.services import SessionEnded, end_session, find_open, start_session
from sessions_app.tokens import BadToken, TokenPair, issue_tokens, read_refresh_token


@dataclass(frozen=True, slots=True)
class SignedIn:
    user: User
    sesion: Sesion
    tokens: TokenPair


def sign_in(login: str, *, password: str, client: Client, at: datetime) -> SignedIn:
    """A new API session.

    Raises `WrongCredentials`, `AccountDisabled` or `TooManyAttempts`.
    """
    user = check_credentials(login, password=password, ip=client.ip, at=at)
    with transaction.atomic():
        hold(user)
        sesion = start_session(user, kind=Sesion.Kind.API, client=client, at=at)
        user.last_login = at
        user.save(update_fields=["last_login"])
    return SignedIn(user, sesion, issue_tokens(sesion, at=at))


def sign_in_page(request: HttpRequest, login: str, *, password: str) -> Sesion:
    """The same for a browser, by cookie."""
    ip = client_of(request).ip
    user = check_credentials(login, password=password, ip=ip, at=timezone.now())
    with transaction.atomic():
        hold(user)
        return sign_in_browser(request, user)


def hold(user: User) -> None:
    """Lock the row until the transaction ends.

    Raises `WrongCredentials` if the password was changed or the account disabled since they were
    looked at: what ends all sessions of a user must not miss one that is just beginning.
    """
    now = User.objects.select_for_update().filter(pk=user.pk).first()
    if now is None or not now.is_active or now.password != user.password:
        raise WrongCredentials


def refresh(text: str, *, at: datetime) -> SignedIn:
    """The next pair of tokens; the same one again to who asks within `REFRESH_GRACE`.

    Whoever presents the token later has it from somewhere else: the session ends. Raises `BadToken`
    or `SessionEnded`. Is no activity of its user.
    """
    token = read_refresh_token(text, at=at)
    sesion = find_open(token.sesion_id, at=at)
    if sesion.user is None or sesion.user.pk != token.user_id:
        raise BadToken
    # Of any number at once one makes the row; its time decides for all of them.
    use, _first = RefreshUse.objects.get_or_create(
        sesion=sesion, generation=token.generation, defaults={"at": at}
    )
    if at - use.at > settings.REFRESH_GRACE:
        reason = Sesion.EndReason.TOKEN_REUSE
        end_session(sesion, reason=reason, at=at)
        raise SessionEnded(session=sesion.pk, reason=reason.value)
    tokens = issue_tokens(sesion, at=use.at, generation=token.generation + 1)
    return SignedIn(sesion.user, sesion, tokens)


def sign_out(user: AnyUser, *, sesion_id: int, at: datetime) -> None:
    """End a session of the user's own; one that has ended stays as it is. Raises `Http404`."""
    sesion = Sesion.objects.owned_by(user).filter(pk=sesion_id).first()
    if sesion is None:
        raise Http404
    end_session(sesion, reason=Sesion.EndReason.LOGOUT, at=at)
