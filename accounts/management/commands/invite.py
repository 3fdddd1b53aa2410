"""`manage.py invite`: a code with which one person may register."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from accounts.invitations import make_invitation


class Command(BaseCommand):
    help = "Print a code with which one person may register, and the path of the page for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--note", default="", help="for whom it is")
        parser.add_argument("--days", type=int, default=7, help="how long it works")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 365:
            raise CommandError("--days: give a number from 1 to 365")
        lifetime = timedelta(days=options["days"])
        note = options["note"][:150]
        code = make_invitation(by=None, at=timezone.now(), note=note, lifetime=lifetime)
        self.stdout.write(f"{code}\n{reverse('register')}?invitation={code}")
