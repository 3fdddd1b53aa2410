"""A Keras model of somebody else, converted, checked and registered: `register_model` and the
operator's `MODEL_PATH`."""

import hashlib
import json
import logging
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from predictions.core.classifier import Classifier
from predictions.core.labels import EMOTIONS
from predictions.core.samples import Untrustworthy, check_answers, sample_faces
from predictions.models import ModelVersion
from predictions.versions import (
    VersionFacts,
    VersionFileLost,
    activate_version,
    read_facts,
    register_version,
)
from sessions_app.changes import MODEL_ACTIVATED, announce

log = logging.getLogger(__name__)

LONGEST_S = 300
CPU_S = 240
MOST_MEMORY = 12 * 2**30  # of addresses: TensorFlow reserves far more than it uses
MOST_FILE = 512 * 2**20
CHUNK = 2**20
SUFFIXES = (".keras", ".h5", ".hdf5")
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it names files too


class NotAdopted(Exception):
    """The file cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a network wants to be asked and how it answers."""

    pixels: str = "auto"  # or 0..1, 0..255, -1..1
    order: Sequence[str] = EMOTIONS  # of its answers
    margin: float = 0.0  # around the detector's box, in sides of the box

    def described(self) -> dict[str, object]:
        """For JSON."""
        return {"pixels": self.pixels, "order": list(self.order), "margin": self.margin}


# Looks at a converted .tflite before it is registered: its temperature and its report.
Judge = Callable[[Path, VersionFacts], tuple[float, Mapping[str, Any]]]


def adopt_in_background() -> None:
    """Convert `MODEL_PATH` beside the start, which must not wait for TensorFlow."""
    path = settings.ENV.model_path
    if path is not None:
        threading.Thread(target=_adopt_and_close, args=(path,), name="adopt", daemon=True).start()


def _adopt_and_close(path: Path) -> None:
    try:
        adopt(path)
    except NotAdopted as fault:
        log.error("MODEL_PATH: %s cannot be used: %s", path.name, fault)
    except Exception:
        log.exception("MODEL_PATH: %s could not be converted", path.name)
    finally:
        connection.close()


def adopt(
    path: Path,
    *,
    tag: str = "",
    wording: Wording | None = None,
    judge: Judge | None = None,
    activate: bool = False,
) -> ModelVersion:
    """The version made of that file; converted only the first time. Raises `NotAdopted`.

    It is registered inactive unless no version is active or `activate` asks for it. Without a
    `tag` it is named by the file's digest, without a `judge` its temperature is 1 and nothing is
    known of its quality.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise NotAdopted(f"it is no Keras file; give one that ends in {', '.join(SUFFIXES)}")
    digest = _digest(path)
    tag = tag or f"file-{digest[:12]}"
    if not TAG.fullmatch(tag):
        raise NotAdopted(f"{tag!r} is no tag; use up to 64 letters, digits, dots and dashes")
    version = ModelVersion.objects.filter(version_tag=tag).first()
    if version is None:
        version = _make_version(path, tag, digest, wording or Wording(), judge)
    elif version.metrics.get("source_sha256") != digest:
        raise NotAdopted(f"another network is called {tag}; choose another tag")
    else:
        _check_same(version, wording, judge)
    if activate and not version.active:
        try:
            version = activate_version(tag, by=None, at=timezone.now())
        except VersionFileLost as refusal:
            raise NotAdopted(
                f"the file that was made of it for {tag} is lost; choose another tag"
            ) from refusal
    return version


def _check_same(version: ModelVersion, wording: Wording | None, judge: Judge | None) -> None:
    """Raises `NotAdopted` where the version was not made as is asked for now."""
    made = version.metrics.get("wording")
    if wording is not None and made is not None and made != wording.described():
        raise NotAdopted(
            f"{version.version_tag} was made of it with other --pixels, --order or --margin; "
            "choose another tag"
        )
    if judge is not None and not version.metrics.get("sets"):
        raise NotAdopted(
            f"{version.version_tag} was made of it without --data, so its temperature is not "
            "fitted; choose another tag"
        )


def _make_version(
    path: Path, tag: str, digest: str, wording: Wording, judge: Judge | None
) -> ModelVersion:
    folder = settings.DATA_DIR / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        target = Path(place) / f"{tag}.tflite"
        facts = _with_its_facts(path, digest, target) or _convert(path, target, wording)
        if judge is not None:
            temperature, report = judge(target, facts)
            facts = replace(facts, temperature=temperature, metrics={**facts.metrics, **report})
        facts = replace(
            facts,
            tag=tag,
            tflite_file=target.name,
            sha256=_digest(target),
            metrics={**facts.metrics, "source": path.name, "source_sha256": digest},
        )
        target.replace(folder / target.name)
    with transaction.atomic():
        version = register_version(facts, folder=ModelVersion.Folder.DATA, at=timezone.now())
        if version.active:
            announce(MODEL_ACTIVATED, str(version.pk))
    return version


def _with_its_facts(path: Path, digest: str, target: Path) -> VersionFacts | None:
    """Our own training leaves a .tflite and its facts beside the .keras: take them as they are."""
    beside = path.with_suffix(".json")
    try:
        files: Mapping[str, Any] = json.loads(beside.read_text())["files"]
        if files["keras"]["sha256"] != digest:
            return None
        facts = read_facts(beside)
        content = (path.parent / facts.tflite_file).read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if hashlib.sha256(content).hexdigest() != facts.sha256:
        raise NotAdopted(f"{facts.tflite_file} is not the file that {beside.name} describes")
    target.write_bytes(content)
    _load(target, temperature=facts.temperature, bias=facts.bias)
    return replace(facts, keras_file="")


def _convert(source: Path, target: Path, wording: Wording) -> VersionFacts:
    """Convert in a child, and compare the two on sample faces. Raises `NotAdopted`."""
    pictures = sorted((settings.BASE_DIR / "static" / "samples").glob("*.jpg"))
    faces = sample_faces(pictures)
    samples = target.with_suffix(".npy")
    np.save(samples, faces)
    facts = _run_child(source.resolve(), target, wording, samples)
    try:
        check_answers(np.array(facts["answers"]), _load(target).probabilities(faces))
    except Untrustworthy as fault:
        raise NotAdopted(str(fault)) from fault
    return VersionFacts(
        tag="",
        tflite_file=target.name,
        sha256="",
        precision="fp32",
        temperature=1.0,
        crop_margin=wording.margin,
        input_shape=str(facts["input_shape"]),
        total_params=int(facts["total_params"]),
        metrics={"classes": list(EMOTIONS), "sets": [], "wording": wording.described()},
    )


def _load(
    path: Path, *, temperature: float = 1.0, bias: Sequence[float] | None = None
) -> Classifier:
    try:
        return Classifier(path, temperature=temperature, bias=bias)
    except Exception as fault:
        raise NotAdopted(str(fault)) from fault


def _run_child(source: Path, target: Path, wording: Wording, samples: Path) -> dict[str, Any]:
    """The conversion, under limits. Raises `NotAdopted`."""
    command = [sys.executable, "-m", "predictions.training.adopt", str(source), str(target)]
    command += [f"--pixels={wording.pixels}", f"--order={','.join(wording.order)}"]
    command += [f"--samples={samples}"]
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            command,
            cwd=settings.BASE_DIR,
            env=kept | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            preexec_fn=_limit,
            check=False,
        )
    except subprocess.TimeoutExpired as cause:
        raise NotAdopted(f"its conversion took longer than {LONGEST_S} s") from cause
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise NotAdopted(f"its conversion failed: {done.stderr.strip()[-300:]}")
    facts: dict[str, Any] = json.loads(lines[-1])
    if "fault" in facts:
        raise NotAdopted(str(facts["fault"]))
    return facts


def _limit() -> None:
    """In the child, before it becomes the converter."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
