"""What an account's owner and staff may change about it, and how it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.credentials import confirm_password
from accounts.models import User, fold
from accounts.services import (
    NotAccepted,
    disable,
    enable,
    password_faults,
    set_password,
    set_role,
    update_profile,
)
from sessions_app.models import Sesion
from sessions_app.services import end_sessions_of
from visionai.lib.errors import DomainError


class StaffAlone(DomainError):
    status, code, title = 403, "staff_alone", _("For administrators")
    detail = _("Only administrators change a role, switch an account on or off, or delete it here.")


class NotOnesOwn(DomainError):
    status, code, title = 403, "not_ones_own", _("Not with one's own account")
    detail = _("Nobody changes their own role or switches themselves off; ask another of you.")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, from where and when."""

    user: User
    sesion_id: int | None
    ip: str | None
    at: datetime


def change_user(user: User, typed: Mapping[str, Any], *, by: Asker) -> None:
    """Change what `typed` names: name, email, password, role, is_active; all of it or nothing.

    The owner gives `current_password` for a new password or e-mail. A new password ends the
    sessions but the asker's own. Raises `StaffAlone`, `NotOnesOwn`, `NotAccepted`,
    `WrongPassword`, `TooManyAttempts` or `LastAdministrator`.
    """
    mine = by.user.pk == user.pk
    _check_rights(user, typed, by=by.user)
    password = typed.get("password")
    if password and (errors := password_faults(password, user=user)):
        raise NotAccepted(errors)
    email = typed.get("email", user.email) or ""
    if mine and user.has_usable_password() and (password or fold(email) != (user.email or "")):
        given = typed.get("current_password", "")
        confirm_password(user, password=given, ip=by.ip, at=by.at)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        name = typed.get("name", user.name)
        update_profile(user, name=name, email=email, ip=by.ip, at=by.at, confirmed=True)
        if password:
            set_password(user, password)
            reason = Sesion.EndReason.PASSWORD_CHANGED
            end_sessions_of(user, reason=reason, at=by.at, keep=by.sesion_id if mine else None)
        _change_standing(user, typed)


def _check_rights(user: User, typed: Mapping[str, Any], *, by: User) -> None:
    before = {"role": user.role, "is_active": user.is_active}
    if all(typed.get(name, value) == value for name, value in before.items()):
        return
    if not by.is_staff:
        raise StaffAlone
    if by.pk == user.pk:
        raise NotOnesOwn


def _change_standing(user: User, typed: Mapping[str, Any]) -> None:
    if typed.get("role", user.role) != user.role:
        set_role(user, typed["role"])
    active = typed.get("is_active", user.is_active)
    if active != user.is_active:
        enable(user) if active else disable(user)
