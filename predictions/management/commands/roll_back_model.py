from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.versions import NoEarlierVersion, VersionFileLost, roll_back_version


class Command(BaseCommand):
    help = "Go back to the version that was active before this one."

    def handle(self, *_arguments: object, **_options: object) -> None:
        try:
            version = roll_back_version(at=timezone.now())
        except (NoEarlierVersion, VersionFileLost) as refusal:
            raise CommandError(refusal.sentence()) from refusal
        self.stdout.write(f"{version.version_tag} is active.")
