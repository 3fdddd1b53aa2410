"""Judges a network on pictures with labels, as the server would read them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions.core import report_tables as tables
from predictions.core.report import Report
from predictions.models import ModelVersion
from predictions.versions import SHIPPED, folder_of

if TYPE_CHECKING:
    from predictions.training.subject import Subject


class Command(BaseCommand):
    help = (
        "Judge a network on your own pictures: accuracy, macro-F1, a table of the classes, the "
        "confusion matrix, calibration and latency, printed and written as JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--model", required=True, help="a file (.tflite, .keras, .h5) or a version's tag"
        )
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            help="a folder of one folder of pictures a class, a pack (.npz), or a folder of packs",
        )
        parser.add_argument("--json", type=Path, help="where to write the report")
        parser.add_argument(
            "--crops",
            action="store_true",
            help="the pictures are crops already: look for no face in them",
        )
        parser.add_argument(
            "--limit", type=int, help="judge about so many pictures, drawn by class"
        )
        parser.add_argument(
            "--keep",
            action="store_true",
            help="show the report on the model page, as that of the version --model names",
        )
        parser.add_argument(
            "--corruptions",
            action="store_true",
            help="measure too what blur, darkness and the like cost",
        )
        parser.add_argument(
            "--margins",
            action="store_true",
            help="measure too the whole path by crop margin, on pictures composed around the faces",
        )

    def handle(self, *_arguments: object, **options: Any) -> None:
        from predictions.training.pictures import DataFault, read_labelled
        from predictions.training.subject import NoSubject, judge

        if options["json"] is not None and not options["json"].parent.is_dir():
            raise CommandError(f"there is no folder {options['json'].parent}, for --json.")
        try:
            version = _version(options["model"])
            subject = _subject(options["model"], version)
            labelled = read_labelled(options["data"], subject.classes)
            if options["limit"] is not None:
                labelled = labelled.sample(max(1, options["limit"]))
            _, report = judge(
                subject,
                labelled,
                crops=options["crops"],
                corruptions=options["corruptions"],
                margins=options["margins"] and subject.task == "emotions",
            )
        except (NoSubject, DataFault) as fault:
            raise CommandError(f"{fault}.") from fault
        for text in printed(report):
            self.stdout.write(text + "\n\n")
        if options["json"] is not None:
            _write(options["json"], report)
            self.stdout.write(f"The report is in {options['json']}.")
        if options["keep"]:
            _keep(version, report)
            self.stdout.write("The model page shows it.")


def _version(wanted: str) -> ModelVersion | None:
    if Path(wanted).exists():
        return None
    return ModelVersion.objects.filter(version_tag=wanted).first()


def _subject(wanted: str, version: ModelVersion | None) -> "Subject":
    from predictions.training.subject import NoSubject, open_subject

    if version is not None:
        facts = {
            "task": "emotions",
            "temperature": version.temperature,
            "bias": version.bias,
            "crop": {"margin": version.crop_margin},
        }
        return open_subject(folder_of(version) / version.tflite_file, facts)
    if Path(wanted).exists():
        return open_subject(Path(wanted))
    for shipped in SHIPPED.glob("letters-*.tflite"):  # tags on their page, but no versions
        if shipped.stem == wanted:
            return open_subject(shipped)
    raise NoSubject(f"there is no file and no version {wanted}; see manage.py list_models")


def _keep(version: ModelVersion | None, report: Report) -> None:
    if version is None or version.folder != ModelVersion.Folder.DATA:
        raise CommandError("--keep is for a version that was registered here; name it by its tag.")
    version.metrics = {**version.metrics, **report}
    version.save(update_fields=["metrics"])


def _write(path: Path, report: Report) -> None:
    try:
        path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    except OSError as fault:
        raise CommandError(f"{path}: {fault.strerror}.") from fault


def printed(report: Report) -> list[str]:
    """The report for a terminal, in parts."""
    parts = [tables.aligned(tables.sets_table(report))]
    if "faces" in report:
        faces = report["faces"]
        parts.append(
            f"Faces were looked for in {faces['searched']:,} pictures and found in "
            f"{faces['found']:,}; the others were taken as a whole."
        )
    for scores in report["sets"]:
        parts += [
            scores["title"],
            tables.aligned(tables.class_table(scores)),
            tables.aligned(tables.confusion_table(scores)),
            tables.aligned(tables.reliability_table(scores)),
        ]
    parts.append(tables.aligned(tables.coverage_table(report)))
    if "corruptions" in report:
        parts.append(tables.aligned(tables.corruption_table(report)))
    if "end_to_end" in report:
        parts.append(tables.aligned(tables.margin_table(report)))
    speed = report["latency_ms"]
    parts.append(
        f"One picture at a time on this machine: median {speed['p50']} ms, 95 % within "
        f"{speed['p95']} ms, of {speed['n']}."
    )
    return parts
