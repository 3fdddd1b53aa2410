from django.apps import AppConfig
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from visionai.lib.runtime import runtime

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
    from accounts.rotation import check_keys

    check_keys()
