"""Measures the shipped networks anew and writes their figures where they are told.

`python -m predictions.training.figures --data DIR` (`make evaluate DATA=DIR`) rewrites the metrics
in each .json of `ml_models`, the cards beside them and the tables of `docs/training.md`. What
depends on the machine (latency) or on the training (seeds, recipe, rows) stays as it was.
"""

import argparse
import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from predictions.core import report_tables as tables
from predictions.core.report import Report, SetScores
from predictions.training.card import card
from predictions.training.compose import whole_path
from predictions.training.evaluate import Images, full_report, judge, reader, summary
from predictions.training.letters.card import card as letter_card
from predictions.training.letters.small import is_small
from predictions.training.packs import read_split
from predictions.training.pictures import TASKS, Labelled, read_labelled, serve
from predictions.training.subject import KerasNetwork, open_subject

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "predictions" / "ml_models"
DOCUMENT = ROOT / "docs" / "training.md"
KEPT: Final = ("precision", "latency_ms", "seeds", "provenance", "recipe", "limits")


def measure(facts: Mapping[str, Any], folder: Path, data: Path) -> Report:
    """The report of the .tflite that `facts` describe, on the packs in `data`.

    What cannot be measured on validation rows is taken over from the facts' own metrics.
    """
    subject = open_subject(folder / facts["files"]["tflite"]["name"], dict(facts))
    labelled = read_labelled(data, subject.classes)
    crops = serve(labelled, detect=False).crops
    read = reader(subject.network)
    report = full_report(
        read,
        crops,
        labelled.labels,
        labelled.subsets,
        classes=subject.classes,
        temperature=subject.temperature,
    )
    if subject.task == "emotions":
        whole = [one for one in labelled.subsets if one.name in ("strict", "press")]
        report["end_to_end"] = whole_path(read, crops, labelled.labels, whole)
    for key in KEPT:
        if key in facts.get("metrics", {}):
            report[key] = facts["metrics"][key]
    if not is_small(facts):  # the .keras of a small one reads no such picture
        _compare(report, facts, folder, data, labelled, crops)
    return report


def _compare(
    report: Report,
    facts: Mapping[str, Any],
    folder: Path,
    data: Path,
    labelled: Labelled,
    crops: Images,
) -> None:
    """The served path against the .keras file, and against the pictures of the training code."""
    task = facts.get("task", "emotions")
    tflite = folder / facts["files"]["tflite"]["name"]
    said = reader(open_subject(tflite, dict(facts)).network)
    served = said(crops).argmax(axis=1)
    keras_file = folder / facts["files"]["keras"]["name"]
    network = KerasNetwork(keras_file, classes=report["classes"], bias=facts.get("bias"))
    answers = reader(network)(crops)
    report["agreement"] = {
        "n": len(served),
        "keras": _share(served == answers.argmax(axis=1)),
    }
    if task == "emotions":
        trained = read_split(data, "val")
        if trained.labels.tolist() != labelled.labels.tolist():
            raise ValueError("training and evaluation read other rows")
        theirs = said(trained.images).argmax(axis=1)
        report["agreement"]["training"] = _share(served == theirs)
    first = judge(answers, labelled.labels, labelled.subsets[:1], classes=report["classes"])[0]
    report["precision"] = {
        **report.get("precision", {}),
        "fp32": summary(first),
        facts["precision"]: summary(report["sets"][0]),
    }


def _share(same: NDArray[np.bool_]) -> float:
    return round(float(same.mean()), 6)


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """The .json and the model card beside it."""
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    write = letter_card if facts.get("task") == "letters" else card
    path.with_suffix(".md").write_text(write(dict(facts)))


def read_shipped(task: str, folder: Path = SHIPPED) -> list[dict[str, Any]]:
    """The facts of the networks for a task, the oldest first."""
    everything = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [facts for facts in everything if facts.get("task", "emotions") == task]


def fill(text: str, name: str, content: str) -> str:
    """The document with `content` between the markers of that name. Raises `ValueError`."""
    opening, closing = f"<!-- figures:{name} -->", "<!-- /figures -->"
    pattern = re.compile(f"{re.escape(opening)}.*?{re.escape(closing)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the document has no {opening} … {closing}")
    block = f"{opening}\n{content.strip()}\n{closing}"
    return pattern.sub(lambda _: block, text)


def told(networks: Sequence[Mapping[str, Any]]) -> str:
    """What the document says of all networks for one task; details of the last alone."""
    rows = [[facts["tag"], *_line(one)] for facts in networks for one in _sets(facts)]
    heads = ["version", "rows", "n", "accuracy", "macro-F1", "top-3", "ECE", "80 % most confident"]
    last = networks[-1]
    report: Report = last["metrics"]
    parts = [tables.table(heads, rows), f"The following is of {last['tag']} ({last['precision']})."]
    first = report["sets"][0]
    parts += [f"Each class, {first['title']}:", tables.class_table(first)]
    for words, key, draw in (
        ("Seeds, in fp32, on the first of the sets:", "seeds", tables.seeds_table),
        ("The same rows, spoilt:", "corruptions", tables.corruption_table),
        ("Precision:", "precision", tables.precision_table),
        ("The whole path, by crop margin:", "end_to_end", tables.margin_table),
    ):
        if key in report:
            parts += [words, draw(report)]
    parts.append(tables.agreement(report))
    return "\n\n".join(part for part in parts if part)


def _sets(facts: Mapping[str, Any]) -> list[SetScores]:
    sets: list[SetScores] = facts["metrics"]["sets"]
    return sets


def _line(one: SetScores) -> list[str]:
    confident = next(part["accuracy"] for part in one["coverage"] if part["share"] == 0.8)
    return [
        one["name"],
        f"{one['n']:,}",
        tables.with_interval(one["accuracy"], one["accuracy_interval"]),
        tables.with_interval(one["macro_f1"], one["macro_f1_interval"]),
        tables.share(one["top3"]),
        tables.share(one["calibration"]["ece"]),
        tables.share(confident),
    ]


def refresh(data: Path, *, folder: Path = SHIPPED, document: Path = DOCUMENT) -> None:
    """Measure every shipped network and write all figures."""
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text())
        log.info("%s", facts["tag"])
        facts["metrics"] = measure(facts, folder, data)
        write_facts(path, facts)
    text = document.read_text()
    for task in TASKS:
        networks = read_shipped(task, folder)
        if networks:
            text = fill(text, task, told(networks))
    document.write_text(text)


def main(arguments: list[str] | None = None) -> None:
    """The command line: see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    refresh(parser.parse_args(arguments).data)


if __name__ == "__main__":
    main()
