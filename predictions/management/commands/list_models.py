from django.core.management.base import BaseCommand

from predictions.models import ModelVersion


class Command(BaseCommand):
    help = "List the versions of the classifier; * marks the active one."

    def handle(self, *_arguments: object, **_options: object) -> None:
        for version in ModelVersion.objects.order_by("pk"):
            mark = "*" if version.active else " "
            facts = f"{version.precision}  {version.folder}  {version.created_at:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{mark} {version.version_tag:<20} {facts}")
