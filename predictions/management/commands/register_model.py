from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions.adoption import Judge, NotAdopted, Wording, adopt
from predictions.core.labels import EMOTIONS
from predictions.versions import VersionFacts


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
            "--data",
            type=Path,
            help="pictures with labels, as evaluate_model takes them: fit the temperature on them "
            "and keep the report",
        )
        parser.add_argument(
            "--margin",
            type=float,
            default=0.0,
            help="around the box of the face, in sides of the box (default: %(default)s)",
        )
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
        if not -0.3 <= options["margin"] <= 1:
            raise CommandError("--margin must lie between -0.3 and 1.")
        path: Path = options["file"]
        try:
            version = adopt(
                path,
                tag=options["tag"],
                wording=Wording(options["pixels"], order, options["margin"]),
                judge=_judge_on(options["data"]) if options["data"] else None,
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


def _judge_on(data: Path) -> Judge:
    from predictions.training.pictures import DataFault, read_labelled
    from predictions.training.subject import NoSubject, judge, open_subject

    def look(tflite: Path, known: VersionFacts) -> tuple[float, Mapping[str, Any]]:
        facts = {"task": "emotions", "bias": known.bias, "crop": {"margin": known.crop_margin}}
        try:
            return judge(open_subject(tflite, facts), read_labelled(data, EMOTIONS), fit=True)
        except (NoSubject, DataFault) as fault:
            raise CommandError(f"{fault}.") from fault

    return look
