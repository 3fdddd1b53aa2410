"""`manage.py rotate_keys`: bring all that is sealed under the first key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts import rotation
from visionai.lib.console import console_language
from visionai.lib.errors import ConfigurationError


class Command(BaseCommand):
    help = (
        "Re-wrap every sealed value under the first key. It may be stopped and run again at any "
        "time, while the product runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new", action="store_true", help="put a new key first before that")
        parser.add_argument(
            "--forget", action="store_true", help="drop the older keys, which nothing may be under"
        )
        parser.add_argument(
            "--discard-lost", action="store_true", help="delete values whose key is gone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with override(console_language()):
            try:
                self._rotate(options)
            except ConfigurationError as fault:
                raise CommandError(str(fault)) from fault

    def _rotate(self, options: dict[str, Any]) -> None:
        if options["discard_lost"]:
            self._say(_("%(n)d values without a key deleted."), n=rotation.discard_lost())
        if options["new"]:
            self._say(_("Key %(key)s seals from now on."), key=rotation.add_key())
        done = rotation.rotate()
        self._say(_("%(n)d values re-wrapped."), n=done.rewrapped)
        if options["forget"]:
            self._say(_("%(n)d older keys dropped."), n=rotation.forget_keys(at=timezone.now()))
        if done.lost:
            raise CommandError(_("%(n)d values need a key that is not here.") % {"n": done.lost})

    def _say(self, words: str, **facts: object) -> None:
        self.stdout.write(words % facts)
