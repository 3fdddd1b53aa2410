"""`manage.py healthcheck`: whether all parts work, for a supervisor or a container."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from visionai import status

EXITS = {"ok": 0, "degraded": 1, "down": 2}


class Command(BaseCommand):
    help = "Check every part. Exit status 0: ok, 1: degraded, 2: down."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # What lives in the web process alone cannot be asked from here.
        chosen = [check for check in status.checks if not check.in_process]
        report = status.report(chosen, details=True)
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=1))
        else:
            for name, part in report["checks"].items():
                line = f"{name:<12} {part['status']:<9} {part['ms']:>7} ms  {part['detail']}"
                self.stdout.write(line)
            self.stdout.write(report["status"])
        if code := EXITS[report["status"]]:
            raise SystemExit(code)
