"""Which `Sesion` a request of the API belongs to.

Nothing given is anonymous; anything given that is not good is an error, never anonymous.
"""

from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from accounts.models import User
from sessions_app import firebase
from sessions_app.client import Client, client_of
from sessions_app.models import Sesion
from sessions_app.services import SessionEnded, find_open, note_activity
from sessions_app.tokens import BadToken, read_access_token
from visionai.lib.logs import bind

NOBODY = Client(ip=None, user_agent="")


def sesion_of_token(text: str, *, at: datetime, client: Client = NOBODY) -> tuple[Sesion, datetime]:
    """The open session of an access token, ours or Firebase's, and when the token expires.

    `client` is who begins the session where a Firebase sign-in is used for the first time. Raises
    `BadToken`, `SessionEnded` or what `firebase.py` names.
    """
    if firebase.is_firebase(text):
        return firebase.sesion_of_id_token(text, client=client, at=at)
    token = read_access_token(text, at=at)
    sesion = find_open(token.sesion_id, at=at)
    if sesion.user_id != token.user_id:
        raise BadToken
    return sesion, token.expires_at


def known_sesion(text: str, *, at: datetime) -> Sesion | None:
    """The session of a good token, be it open or not. Raises `BadToken`."""
    if firebase.is_firebase(text):
        return firebase.known_sesion(text, at=at)
    token = read_access_token(text, at=at)
    owned = Sesion.objects.select_related("user").filter(user_id=token.user_id)
    return owned.filter(pk=token.sesion_id).first()


def bearer_text(request: Request) -> str | None:
    """The token of the Authorization header; None without one or for another scheme."""
    scheme, _space, text = request.headers.get("Authorization", "").strip().partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


class BearerAuthentication(BaseAuthentication):
    """By token alone: for paths that the originals' clients call, which know no cookie."""

    def authenticate(self, request: Request) -> tuple[User, Sesion] | None:
        text = bearer_text(request)
        if text is None:
            return None
        client = client_of(request._request)
        sesion, _expires = sesion_of_token(text, at=timezone.now(), client=client)
        return _as_user_of(sesion)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SesionAuthentication(BearerAuthentication):
    """By token, else by the cookie of a page, which needs the CSRF token to change anything."""

    def authenticate(self, request: Request) -> tuple[User, Sesion] | None:
        found = super().authenticate(request)
        if found is not None:
            return found
        if ended := getattr(request._request, "sesion_ended", None):
            raise ended
        sesion: Sesion | None = getattr(request._request, "sesion", None)
        if sesion is None:
            return None
        SessionAuthentication().enforce_csrf(request)
        return _as_user_of(sesion)


def _as_user_of(sesion: Sesion) -> tuple[User, Sesion]:
    assert sesion.user is not None  # or it would not be open
    note_activity(sesion.pk, at=timezone.now())
    bind(sesion_id=sesion.pk)
    return sesion.user, sesion


class LogoutBearerAuthentication(BearerAuthentication):
    """A good token of a session that has ended is let in too: ending it twice is no error."""

    def authenticate(self, request: Request) -> tuple[User, Sesion] | None:
        try:
            return super().authenticate(request)
        except SessionEnded:
            text = bearer_text(request)
            if text is None:
                raise
            sesion = known_sesion(text, at=timezone.now())
            if sesion is None or sesion.user is None:
                raise
            return sesion.user, sesion


class LogoutAuthentication(LogoutBearerAuthentication, SesionAuthentication):
    """The same, or the cookie."""
