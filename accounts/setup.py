"""The first administrator: made by whoever can read what `manage.py up` prints."""

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.codes import hash_of, new_code
from accounts.models import SetupLink, User
from accounts.services import create_account
from visionai.lib.errors import DomainError

LIFETIME = timedelta(hours=24)


class SetupLinkSpent(DomainError):
    status, code, title = 404, "setup_link_spent", _("This link no longer works")
    detail = _("This link was used or is too old; start VisionAI again for a new one.")


def setup_path() -> str | None:
    """Where the first administrator is made, once; None where there is one already."""
    token = make_setup_link(at=timezone.now())
    return reverse("setup", args=[token]) if token else None


@transaction.atomic
def make_setup_link(*, at: datetime) -> str | None:
    """A new token in place of any older one; None where there is an administrator."""
    SetupLink.objects.all().delete()
    if _is_set_up():
        return None
    token = new_code()
    SetupLink.objects.create(token_hash=hash_of(token), expires_at=at + LIFETIME)
    return token


def check_setup_token(token: str, *, at: datetime) -> None:
    """Raises `SetupLinkSpent` unless the token can make the first administrator."""
    link = SetupLink.objects.filter(token_hash=hash_of(token), expires_at__gt=at)
    if _is_set_up() or not link.exists():
        raise SetupLinkSpent


@transaction.atomic
def use_setup_token(
    token: str, *, username: str, password: str, email: str = "", at: datetime
) -> User:
    """The first administrator. Raises `SetupLinkSpent` or `NotAccepted`, which leaves it usable."""
    check_setup_token(token, at=at)
    # Of two at once, the second waits for the first and then finds nothing to delete.
    deleted, _rows = SetupLink.objects.filter(token_hash=hash_of(token)).delete()
    if not deleted:
        raise SetupLinkSpent
    return create_account(username, password=password, email=email, role=User.Role.ADMIN)


def _is_set_up() -> bool:
    return User.objects.get_queryset().administrators().exists()
