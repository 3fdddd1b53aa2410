from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from predictions.versions import UnknownVersion, VersionFileLost, activate_version


class Command(BaseCommand):
    help = "Put a version of the classifier to work; running processes follow within a second."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tag", help="as list_models prints it")

    def handle(self, *_arguments: object, tag: str, **_options: object) -> None:
        try:
            version = activate_version(tag, by=None, at=timezone.now())
        except UnknownVersion as refusal:
            raise CommandError(f"{refusal.sentence()} See: manage.py list_models") from refusal
        except VersionFileLost as refusal:
            raise CommandError(refusal.sentence()) from refusal
        self.stdout.write(f"{version.version_tag} is active.")
