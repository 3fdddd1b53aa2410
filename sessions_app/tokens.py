"""The two tokens of an API session.

The access token goes with each request; the refresh token buys the next pair, once. Both carry
the id of the `Sesion` and are worth nothing once that has ended. A pair is a function of
(session, generation, time of issue), so that a repeated refresh can be given the same answer.
A token counts whole seconds and lives through its last one: it never dies before its session.
"""

import hmac
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from sessions_app.models import Sesion
from sessions_app.services import idle_limit
from visionai.lib.errors import DomainError

ALGORITHM = "HS256"
FOREVER = timedelta(days=100 * 365)
ACCESS, REFRESH = "access", "refresh"


class BadToken(DomainError):
    status, code, title = 401, "bad_token", _("The token is not valid")
    detail = _("This token is not valid or has expired; sign in again.")


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_in: int  # seconds from its issue until the access token expires
    sesion_id: int


@dataclass(frozen=True, slots=True)
class AccessToken:
    user_id: int
    sesion_id: int
    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshToken:
    user_id: int
    sesion_id: int
    generation: int  # how many refreshes came before it


def issue_tokens(sesion: Sesion, *, at: datetime, generation: int = 0) -> TokenPair:
    """The pair of one generation; the same arguments give the same pair."""
    expires = min(at + idle_limit(sesion.kind), sesion.absolute_at)

    def sign(token_type: str, until: datetime) -> str:
        claims = {
            "token_type": token_type,
            "user_id": sesion.user_id,
            "sid": sesion.pk,
            "gen": generation,
            "jti": _jti(f"{token_type}:{sesion.pk}:{generation}"),
            "iat": math.floor(at.timestamp()),
            "exp": math.ceil(until.timestamp()),
        }
        return str(_backend().encode(claims))

    return TokenPair(
        access=sign(ACCESS, expires),
        refresh=sign(REFRESH, sesion.absolute_at),
        expires_in=(expires - at) // timedelta(seconds=1),
        sesion_id=sesion.pk,
    )


def read_access_token(text: str, *, at: datetime) -> AccessToken:
    """What the token says; whether its session is open is for `find_open`. Raises `BadToken`."""
    claims = _read(text, token_type=ACCESS, at=at)
    return AccessToken(
        user_id=claims["user_id"],
        sesion_id=claims["sid"],
        jti=claims["jti"],
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def read_refresh_token(text: str, *, at: datetime) -> RefreshToken:
    """The same for a refresh token."""
    claims = _read(text, token_type=REFRESH, at=at)
    return RefreshToken(
        user_id=claims["user_id"], sesion_id=claims["sid"], generation=claims["gen"]
    )


def _read(text: str, *, token_type: str, at: datetime) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = _backend().decode(text.encode())  # type: ignore[arg-type]
    except (TokenBackendError, ValueError, TypeError) as error:
        raise BadToken from error
    # Another program may share the key (the originals did), so that a good signature says nothing
    # about the claims.
    whole = [claims.get(name) for name in ("user_id", "sid", "gen", "exp")]
    if not all(type(number) is int and 0 <= number < 2**63 for number in whole):
        raise BadToken
    if claims.get("token_type") != token_type or not isinstance(claims.get("jti"), str):
        raise BadToken
    if claims["exp"] <= at.timestamp():
        raise BadToken
    return claims


def _backend() -> TokenBackend:
    # The time is compared here and not by the library, whose clock cannot be passed in.
    return TokenBackend(ALGORITHM, settings.JWT_SECRET_KEY, leeway=FOREVER)


def _jti(subject: str) -> str:
    key = settings.JWT_SECRET_KEY.encode()
    return hmac.digest(key, b"jti:" + subject.encode(), "sha256").hex()[:32]
