from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions.adoption import NotAdopted, Wording, adopt
from predictions.core.labels import EMOTIONS


class Command(BaseCommand):
    help = (
        "Convert a Keras classifier of seven emotions (.keras, .h5), check it on sample faces and "
        "register it as a version. The conversion runs in a child process with limits."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--tag", required=True, help="the name of the version")
        parser.add_argument("--activate", action="store_true", help="put it to work at once")
        parser.add_argument(
            "--pixels",
            choices=["auto", "0..1", "0..255", "-1..1"],
            default="auto",
            help="what the network wants; auto: 0..255 if it rescales by itself, else 0..1",
        )
        parser.add_argument(
            "--order",
            default=",".join(EMOTIONS),
            help="of the network's seven answers, with commas (default: %(default)s)",
        )

    def handle(self, *_arguments: object, **options: Any) -> None:
        order = tuple(options["order"].split(","))
        if sorted(order) != sorted(EMOTIONS):
            raise CommandError(f"--order must name each of {', '.join(EMOTIONS)} once.")
        path: Path = options["file"]
        try:
            version = adopt(
                path,
                tag=options["tag"],
                wording=Wording(options["pixels"], order),
                activate=options["activate"],
            )
        except OSError as fault:
            raise CommandError(f"{path} cannot be read: {fault.strerror}.") from fault
        except NotAdopted as fault:
            raise CommandError(f"{path.name} cannot be used: {fault}.") from fault
        size = f"{version.total_params:,} parameters, " if version.total_params else ""
        self.stdout.write(f"{version.version_tag} is registered: {size}{version.precision}.")
        if version.active:
            self.stdout.write("It is active. To go back: manage.py roll_back_model")
        else:
            self.stdout.write(f"To put it to work: manage.py activate_model {version.version_tag}")
