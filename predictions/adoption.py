"""A Keras model of the operator's own (`MODEL_PATH`), converted once and registered."""

import hashlib
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from predictions.core.classifier import Classifier
from predictions.models import ModelVersion
from predictions.versions import VersionFacts, register_version
from sessions_app.changes import MODEL_ACTIVATED, announce

log = logging.getLogger(__name__)

LONGEST_S = 300
CPU_S = 240
MOST_MEMORY = 12 * 2**30  # of addresses: TensorFlow reserves far more than it uses
MOST_FILE = 512 * 2**20
CHUNK = 2**20


class NotAdopted(Exception):
    """The file cannot be used; the text says why."""


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


def adopt(path: Path) -> ModelVersion:
    """The version made of that file; converted only the first time. Raises `NotAdopted`.

    It is registered inactive unless no version is active.
    """
    tag = f"file-{_digest(path)[:12]}"
    known = ModelVersion.objects.filter(version_tag=tag).first()
    if known is not None:
        return known
    folder = settings.DATA_DIR / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        target = Path(place) / f"{tag}.tflite"
        facts = _convert(path.resolve(), target)
        try:
            Classifier(target, temperature=1.0)
        except Exception as fault:
            raise NotAdopted(str(fault)) from fault
        sha256 = _digest(target)
        target.replace(folder / target.name)
    version = VersionFacts(
        tag=tag,
        tflite_file=f"{tag}.tflite",
        sha256=sha256,
        precision="fp32",
        temperature=1.0,
        input_shape=str(facts["input_shape"]),
        total_params=int(str(facts["total_params"])),
        metrics={"source": path.name},
    )
    with transaction.atomic():
        adopted = register_version(version, folder=ModelVersion.Folder.DATA, at=timezone.now())
        if adopted.active:
            announce(MODEL_ACTIVATED, str(adopted.pk))
    return adopted


def _convert(source: Path, target: Path) -> dict[str, object]:
    """Run the conversion as a child with limits. Raises `NotAdopted`."""
    command = [sys.executable, "-m", "predictions.training.adopt", str(source), str(target)]
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
    facts: dict[str, object] = json.loads(lines[-1])
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
