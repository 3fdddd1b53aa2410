"""Firebase ID tokens as Bearer, where the operator named a Firebase project.

An identity is (project, `sub`). It is joined to an account by whoever is signed in to that account,
or gets a new one on first use where registration is open; never is it matched by e-mail. All
tokens of one sign-in at Firebase, told by `auth_time`, are one `Sesion`; once that has ended, a
newer sign-in is needed.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from jwt.types import Options

from accounts.credentials import AccountDisabled
from accounts.models import FirebaseIdentity, User, fold
from accounts.services import OPEN, free_username
from sessions_app.client import Client
from sessions_app.firebase_keys import firebase_keys
from sessions_app.models import FirebaseLogin, Sesion
from sessions_app.services import SessionEnded, find_open, start_session
from sessions_app.tokens import BadToken
from visionai.lib.errors import DomainError

ALGORITHM = "RS256"
CLOCKS = timedelta(seconds=60)  # how far Firebase's clock may be ahead of ours
SUBJECT_LENGTH = 128
RETRIES = 3
DEADLOCK = 1213  # how MariaDB ends one of three that insert the same name at once


class UnknownIdentity(DomainError):
    status, code, title = 401, "unknown_identity", _("No account belongs to this sign-in")
    detail = _("No account belongs to this Firebase sign-in; sign in and link it first.")


class LinkedElsewhere(DomainError):
    status, code, title = 409, "linked_elsewhere", _("Linked to another account")
    detail = _("This Firebase sign-in belongs to another account.")


@dataclass(frozen=True, slots=True)
class IdToken:
    project: str
    subject: str
    auth_time: datetime
    expires_at: datetime
    email: str  # only one that Firebase has verified
    name: str

    @property
    def person(self) -> str:
        """A name for (project, subject) that stays after the account was erased."""
        return person_of(self.project, self.subject)


def person_of(project: str, subject: str) -> str:
    return hashlib.sha256(f"{project}\n{subject}".encode()).hexdigest()


def is_firebase(text: str) -> bool:
    """Whether this must be a Firebase token, if it is a good one at all."""
    if settings.FIREBASE_PROJECT_ID is None:
        return False
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.InvalidTokenError, ValueError):
        return False
    return header.get("alg") == ALGORITHM


def sesion_of_id_token(text: str, *, client: Client, at: datetime) -> tuple[Sesion, datetime]:
    """The open session of the sign-in and when this token expires; a first use begins both.

    Raises `BadToken`, `SessionEnded`, `UnknownIdentity`, `AccountDisabled` or `KeysUnavailable`.
    """
    token = read_id_token(text, at=at)
    login = _login(token) or _begin(token, client=client, at=at)
    return find_open(login.sesion_id, at=at), token.expires_at


def known_sesion(text: str, *, at: datetime) -> Sesion | None:
    """The session of the sign-in, open or not; None before its first use."""
    login = _login(read_id_token(text, at=at))
    return login.sesion if login else None


def link(user: User, *, text: str, at: datetime) -> FirebaseIdentity:
    """Let this Firebase sign-in open the account. Raises `BadToken` or `LinkedElsewhere`."""
    token = read_id_token(text, at=at)
    identity, _new = FirebaseIdentity.objects.get_or_create(
        project=token.project,
        subject=token.subject,
        defaults={"user": user, "linked_at": at},
    )
    if identity.user_id != user.pk:
        raise LinkedElsewhere
    return identity


def subject_of(sesion: Sesion) -> str | None:
    """The `sub` of the person who signed in by Firebase for this session, while it is linked."""
    login = FirebaseLogin.objects.filter(sesion=sesion).first()
    if login is None:
        return None
    for known in FirebaseIdentity.objects.filter(user__pk=sesion.user_id or 0):
        if person_of(known.project, known.subject) == login.person:
            return known.subject
    return None


def read_id_token(text: str, *, at: datetime) -> IdToken:
    """What Firebase says of the person. Raises `BadToken` or `KeysUnavailable`."""
    project = settings.FIREBASE_PROJECT_ID
    if project is None:
        raise BadToken
    claims = _verified(text)
    expires, issued, signed_in = (_moment(claims, name) for name in ("exp", "iat", "auth_time"))
    subject = claims.get("sub")
    good = (
        claims.get("aud") == project
        and claims.get("iss") == f"https://securetoken.google.com/{project}"
        and isinstance(subject, str)
        and 0 < len(subject) <= SUBJECT_LENGTH
        and at < expires
        and max(issued, signed_in) <= at + CLOCKS
    )
    if not good:
        raise BadToken
    verified = claims.get("email_verified") is True
    return IdToken(
        project=project,
        subject=str(subject),
        auth_time=signed_in,
        expires_at=expires,
        email=str(claims.get("email") or "") if verified else "",
        name=str(claims.get("name") or ""),
    )


def _moment(claims: dict[str, Any], name: str) -> datetime:
    seconds = claims.get(name)
    if type(seconds) is not int or not 0 <= seconds < 2**33:
        raise BadToken
    return datetime.fromtimestamp(seconds, UTC)


def _verified(text: str) -> dict[str, Any]:
    """The claims under a signature of Firebase's. Times and names are for the caller."""
    unchecked: Options = {
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "verify_aud": False,
        "verify_iss": False,
        "verify_sub": False,
    }
    try:
        name = jwt.get_unverified_header(text).get("kid")
        key = firebase_keys.find(name) if isinstance(name, str) else None
        if key is None:
            raise BadToken
        return jwt.decode(text, key, algorithms=[ALGORITHM], options=unchecked)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise BadToken from error


def _login(token: IdToken) -> FirebaseLogin | None:
    logins = FirebaseLogin.objects.select_related("sesion__user")
    return logins.filter(person=token.person, auth_time=token.auth_time).first()


def _begin(token: IdToken, *, client: Client, at: datetime) -> FirebaseLogin:
    past = FirebaseLogin.objects.filter(person=token.person, auth_time__gte=token.auth_time)
    ended = past.exclude(sesion__fecha_fin=None).select_related("sesion").first()
    if ended is not None:
        raise SessionEnded(session=ended.sesion_id, reason=ended.sesion.end_reason)
    for _retry in range(RETRIES):
        try:
            return _first_use(token, client=client, at=at)
        except DatabaseError as error:
            if not _was_slower(error):
                raise
            if login := _login(token):
                return login
    return _first_use(token, client=client, at=at)


def _was_slower(error: DatabaseError) -> bool:
    """Whether another request was quicker: with this sign-in, or with a username."""
    return isinstance(error, IntegrityError) or error.args[:1] == (DEADLOCK,)


@transaction.atomic
def _first_use(token: IdToken, *, client: Client, at: datetime) -> FirebaseLogin:
    user = _user(token, at=at)
    if not user.is_active:
        raise AccountDisabled
    sesion = start_session(user, kind=Sesion.Kind.FIREBASE, client=client, at=at)
    return FirebaseLogin.objects.create(
        person=token.person, auth_time=token.auth_time, sesion=sesion
    )


def _user(token: IdToken, *, at: datetime) -> User:
    """The account of the identity, made now where anyone may register."""
    known = FirebaseIdentity.objects.select_related("user").filter(
        project=token.project, subject=token.subject
    )
    if identity := known.first():
        return identity.user
    if settings.REGISTRATION != OPEN:
        raise UnknownIdentity
    email = token.email if _is_free(token.email) else ""
    user = User(
        username=free_username([token.name, token.email.partition("@")[0]]),
        email=email,
        name=token.name[: User._meta.get_field("name").max_length],
    )
    user.set_unusable_password()
    user.save()
    FirebaseIdentity.objects.create(
        project=token.project, subject=token.subject, user=user, linked_at=at
    )
    return user


def _is_free(email: str) -> bool:
    length = User._meta.get_field("email").max_length or 0
    return 0 < len(email) <= length and not User.objects.filter(email=fold(email)).exists()
