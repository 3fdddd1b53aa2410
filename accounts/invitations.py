"""One-time codes with which staff let a person register."""

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from accounts.codes import hash_of, new_code
from accounts.models import Invitation, User
from visionai.lib.errors import DomainError

LIFETIME = timedelta(days=7)


class InvitationNeeded(DomainError):
    status, code, title = 403, "invitation_needed", _("An invitation is needed")
    detail = _("Registering needs an invitation code that has not been used; ask an administrator.")


def make_invitation(
    *, by: User | None, at: datetime, note: str = "", lifetime: timedelta = LIFETIME
) -> str:
    """A new code, which is shown here and never again."""
    code = new_code()
    Invitation.objects.create(
        code_hash=hash_of(code), made_by=by, made_at=at, expires_at=at + lifetime, note=note
    )
    return code


def use_invitation(code: str, *, user: User, at: datetime) -> None:
    """Spend the code on the user. Raises `InvitationNeeded` unless it is good."""
    usable = Invitation.objects.usable_at(at)
    if not usable.filter(code_hash=hash_of(code)).update(used_at=at, used_by=user):
        raise InvitationNeeded


def is_usable(code: str, *, at: datetime) -> bool:
    usable = Invitation.objects.usable_at(at)
    return usable.filter(code_hash=hash_of(code)).exists()
