import logging

from django.apps import AppConfig
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from visionai.lib.runtime import runtime

log = logging.getLogger(__name__)

PRUNE = 600.0  # seconds


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        runtime.on_start(check_keys)
        runtime.every(PRUNE, prune)


def prune() -> None:
    from accounts.lockout import prune_attempts

    prune_attempts(at=timezone.now())


def check_keys() -> None:
    """Prevents the start where keys are missing; a database that is away is told by `/status`."""
    from accounts.rotation import check_keys

    try:
        check_keys()
    except DatabaseError:
        log.warning("The keys of sealed values could not be checked", exc_info=True)
