"""The network under test, from a file or from a registered version."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictions.core.classifier import Classifier, ModelUnfit, soften
from predictions.core.report import Report
from predictions.training.adopt import Unfit, load_network
from predictions.training.compose import whole_path
from predictions.training.evaluate import Network, fitted_temperature, full_report, latency, reader
from predictions.training.letters.small import SmallNetwork, is_small
from predictions.training.pictures import TASKS, Labelled, serve


class NoSubject(Exception):
    """No network can be judged; the text says why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A network with what is known of how it is served."""

    path: Path
    task: str
    network: Network  # at temperature 1, with its bias
    temperature: float = 1.0
    bias: Sequence[float] | None = None
    margin: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        return TASKS[self.task]

    def described(self) -> dict[str, Any]:
        """What a report says about its subject."""
        content = self.path.read_bytes()
        return {
            "file": self.path.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "task": self.task,
            "temperature": self.temperature,
            "bias": None if self.bias is None else list(self.bias),
            "crop_margin": self.margin,
        }


def open_subject(path: Path, facts: dict[str, Any] | None = None) -> Subject:
    """The network in a .tflite, .keras or .h5 file, by `facts` or by the .json beside it.

    Without any its classes are told by their number: 7 emotions or 26 letters. Raises
    `NoSubject`.
    """
    if not path.is_file():
        raise NoSubject(f"there is no file {path}")
    known = facts if facts is not None else facts_beside(path)
    task = str(known["task"]) if "task" in known else None
    if task is not None and task not in TASKS:
        raise NoSubject(f"{path.name} is a network for {task}, not for {' or '.join(TASKS)}")
    bias = known.get("bias")
    fault: Exception | None = None
    for tried in [task] if task else list(TASKS):
        try:
            network = _open(path, TASKS[tried], bias, known)
        except (ModelUnfit, Unfit) as error:
            fault = fault or error
            continue
        return Subject(
            path,
            tried,
            network,
            temperature=float(known.get("temperature", 1.0)),
            bias=bias,
            margin=float(known.get("crop", {}).get("margin", 0.0)),
            facts=known,
        )
    raise NoSubject(f"{path.name} cannot be judged: {fault}") from fault


def judge(
    subject: Subject,
    labelled: Labelled,
    *,
    crops: bool = False,
    corruptions: bool = False,
    margins: bool = False,
    fit: bool = False,
) -> tuple[float, Report]:
    """The temperature and the report of a network on pictures, as the server would read them.

    `crops`: the pictures are faces already; `margins`: measure the whole path too, from pictures
    composed around these faces; `fit`: fit the temperature on them. Raises
    `DataFault` for a picture that cannot be read.
    """
    detect = subject.task == "emotions" and not crops
    served = serve(labelled, margin=subject.margin, detect=detect)
    read, temperature = reader(subject.network), subject.temperature
    if fit:
        temperature = fitted_temperature(read(served.crops), labelled.labels)
    report = full_report(
        read,
        served.crops,
        labelled.labels,
        labelled.subsets,
        classes=subject.classes,
        temperature=temperature,
        tables=corruptions,
    )
    if margins:
        report["end_to_end"] = whole_path(read, served.crops, labelled.labels, labelled.subsets)
    report["latency_ms"] = latency(subject.network)
    report["subject"] = {**subject.described(), "temperature": temperature}
    if served.searched.any():
        report["faces"] = {"searched": int(served.searched.sum()), "found": int(served.found.sum())}
    return temperature, report


def facts_beside(path: Path) -> dict[str, Any]:
    """The .json that describes exactly this file, or nothing. A task that it leaves out is
    emotions."""
    try:
        facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
        files = facts["files"].values()
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest not in [one.get("sha256") for one in files]:
        return {}
    return {"task": "emotions", **facts}


def _open(
    path: Path, classes: Sequence[str], bias: Sequence[float] | None, facts: dict[str, Any]
) -> Network:
    if is_small(facts) and path.suffix.lower() == ".tflite":
        return SmallNetwork(path)
    if path.suffix.lower() == ".tflite":
        return Classifier(path, temperature=1.0, classes=len(classes), bias=bias)
    return KerasNetwork(path, classes=classes, bias=bias)


class KerasNetwork:
    """A Keras file that answers as it would once converted; on a GPU where Keras finds one."""

    def __init__(
        self, path: Path, *, classes: Sequence[str], bias: Sequence[float] | None = None
    ) -> None:
        """Raises `Unfit`."""
        _, self._whole = load_network(path, classes=classes)
        self._bias = np.asarray([0.0] * len(classes) if bias is None else bias, np.float32)
        trial = self._raw(np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), np.uint8))
        self._softmaxed = bool(trial.min() >= 0 and np.abs(trial.sum(axis=1) - 1).max() < 0.01)

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 96, 96, 3) RGB to (n, classes)."""
        scores = self._raw(faces)
        if self._softmaxed:
            scores = np.log(np.maximum(scores, np.float32(1e-6)))
        return soften(scores + self._bias, np.float32(1))

    def _raw(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(self._whole(faces.astype(np.float32), training=False), np.float32)
