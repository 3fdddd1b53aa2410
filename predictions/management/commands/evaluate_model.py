"""Judges a network on pictures with labels, as the server would read them."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from predictions.core import report_tables as tables
from predictions.core.report import Report
from predictions.models import ModelVersion
from predictions.versions import folder_of


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
            "--corruptions",
            action="store_true",
            help="measure too what blur, darkness and the like cost",
        )

    def handle(self, *_arguments: object, **options: Any) -> None:
        from predictions.training.pictures import DataFault
        from predictions.training.subject import NoSubject

        try:
            report = self._judge(options)
        except (NoSubject, DataFault) as fault:
            raise CommandError(f"{fault}.") from fault
        for text in printed(report):
            self.stdout.write(text + "\n\n")
        if options["json"] is not None:
            text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
            try:
                options["json"].write_text(text)
            except OSError as fault:
                raise CommandError(f"{options['json']}: {fault.strerror}.") from fault
            self.stdout.write(f"The report is in {options['json']}.")

    def _judge(self, options: dict[str, Any]) -> Report:
        from predictions.training.evaluate import full_report, latency, reader
        from predictions.training.pictures import read_labelled, serve

        subject = self._subject(options["model"])
        labelled = read_labelled(options["data"], subject.classes)
        if options["limit"] is not None:
            labelled = labelled.sample(max(1, options["limit"]))
        detect = subject.task == "emotions" and not options["crops"]
        served = serve(labelled, margin=subject.margin, detect=detect)
        report = full_report(
            reader(subject.network),
            served.crops,
            labelled.labels,
            labelled.subsets,
            classes=subject.classes,
            temperature=subject.temperature,
            tables=options["corruptions"],
        )
        report["latency_ms"] = latency(subject.network)
        report["subject"] = subject.described()
        if served.searched.any():
            report["faces"] = {
                "searched": int(served.searched.sum()),
                "found": int(served.found.sum()),
            }
        return report

    def _subject(self, wanted: str) -> "Any":
        from predictions.training.subject import NoSubject, open_subject

        if Path(wanted).exists():
            return open_subject(Path(wanted))
        version = ModelVersion.objects.filter(version_tag=wanted).first()
        if version is None:
            raise NoSubject(f"there is no file and no version {wanted}; see manage.py list_models")
        facts = {
            "task": "emotions",
            "temperature": version.temperature,
            "bias": version.bias,
            "crop": {"margin": version.crop_margin},
        }
        return open_subject(folder_of(version) / version.tflite_file, facts)


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
    speed = report["latency_ms"]
    parts.append(
        f"One picture at a time on this machine: median {speed['p50']} ms, 95 % within "
        f"{speed['p95']} ms, of {speed['n']}."
    )
    return parts
