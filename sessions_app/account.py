"""What an account's owner may ask for: all their data, and to be erased."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import orjson
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import hooks
from accounts.credentials import confirm_password
from accounts.models import User
from accounts.services import erase_account
from sessions_app.models import Sesion
from sessions_app.services import end_sessions_of
from visionai.lib.errors import DomainError

RECENT = timedelta(minutes=10)


class RecentSignInNeeded(DomainError):
    status, code, title = 403, "recent_sign_in_needed", _("Sign in again first")
    detail = _("To do this, sign in again and repeat it within ten minutes.")


def erase_own_account(
    user: User, *, sesion: Sesion, password: str, ip: str | None, at: datetime
) -> None:
    """Erase the user and all that is theirs; an account without password needs a fresh sign-in.

    Raises `WrongPassword`, `TooManyAttempts`, `RecentSignInNeeded` or `LastAdministrator`.
    """
    if user.has_usable_password():
        confirm_password(user, password=password, ip=ip, at=at)
    elif at - sesion.fecha_inicio > RECENT:
        raise RecentSignInNeeded
    erase_account(user)


def export_account(user: User, *, at: datetime) -> bytes:
    """All that is kept about the user, as one JSON document."""
    document: dict[str, object] = {"product": "VisionAI", "exported_at": at, "account": _own(user)}
    for part in hooks.export_all:
        name, rows = part(user)
        document[name] = list(rows)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z, default=str)


def export_sessions(user: User) -> tuple[str, Iterator[Mapping[str, object]]]:
    fields = ["id", "kind", "fecha_inicio", "fecha_fin", "end_reason", "ip", "user_agent"]
    rows = Sesion.objects.owned_by(user).order_by("pk").values(*fields, "last_seen")
    return "sessions", rows.iterator()


def erase_sessions(user: User) -> None:
    """End them and keep of them only when they were."""
    end_sessions_of(user, reason=Sesion.EndReason.ERASED, at=timezone.now())
    Sesion.objects.owned_by(user).update(ip=None, user_agent="")


def end_disabled(user: User) -> None:
    end_sessions_of(user, reason=Sesion.EndReason.REVOKED_BY_STAFF, at=timezone.now())


def _own(user: User) -> dict[str, object]:
    fields = ["id", "username", "email", "name", "role", "is_active", "created_at", "last_login"]
    identities = user.firebase_identities.values("project", "subject", "linked_at")
    own: dict[str, object] = {field: getattr(user, field) for field in fields}
    return own | {"firebase_identities": list(identities)}
