"""The versions of the classifier: registered, activated, rolled back."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from predictions.models import EmotionClass, ModelActivation, ModelVersion
from sessions_app.changes import MODEL_ACTIVATED, announce
from visionai.lib.errors import DomainError

SHIPPED = Path(__file__).parent / "ml_models"

DESCRIPTIONS = {
    "angry": "Enojo o ira",
    "disgust": "Asco o desagrado",
    "fear": "Miedo o temor",
    "happy": "Felicidad o alegría",
    "neutral": "Neutral o sin emoción aparente",
    "sad": "Tristeza o pena",
    "surprise": "Sorpresa o asombro",
}


class UnknownVersion(DomainError):
    status, code, title = 404, "unknown_version", _("There is no such model version")
    detail = _("No model version is called {tag}.")


class NoEarlierVersion(DomainError):
    status, code, title = 409, "no_earlier_version", _("There is no earlier model version")
    detail = _("No other version was active before this one.")


class VersionFileLost(DomainError):
    status, code, title = 409, "version_file_lost", _("The file of the model version is lost")
    detail = _("The file of {tag} is missing or is not the one that was registered.")


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What must be known of a network to run it; paths are names inside its folder."""

    tag: str
    tflite_file: str
    sha256: str
    precision: str
    temperature: float
    bias: Sequence[float] | None = None  # added to the logits, one number a class
    crop_margin: float = 0.0
    keras_file: str = ""
    input_shape: str = "(None, 96, 96, 3)"
    total_params: int | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)


def read_facts(path: Path) -> VersionFacts:
    """The facts in the .json beside a network, as the training code writes it."""
    card = json.loads(path.read_text())
    return VersionFacts(
        tag=card["tag"],
        tflite_file=card["files"]["tflite"]["name"],
        sha256=card["files"]["tflite"]["sha256"],
        precision=card["precision"],
        temperature=card["temperature"],
        bias=card.get("bias"),
        crop_margin=card["crop"]["margin"],
        keras_file=card["files"]["keras"]["name"],
        input_shape=card["input_shape"],
        total_params=card["total_params"],
        metrics=card["metrics"],
    )


def fill_catalogue(**_signal: object) -> None:
    """The seven classes and the shipped versions; safe to run after every `migrate`."""
    for number, (name, description) in enumerate(DESCRIPTIONS.items(), 1):
        EmotionClass.objects.get_or_create(
            emotion_id=number, defaults={"emotion_name": name, "description": description}
        )
    for path in sorted(SHIPPED.glob("*.json")):
        if json.loads(path.read_text()).get("task", "emotions") == "emotions":
            facts = read_facts(path)
            register_version(facts, folder=ModelVersion.Folder.SHIPPED, at=timezone.now())
            _follow_figures(facts)


@transaction.atomic
def register_version(
    facts: VersionFacts, *, folder: ModelVersion.Folder, at: datetime
) -> ModelVersion:
    """Add a version. A known tag stays as it is.

    It is activated where none is active, or where both came with the product: an operator's own
    choice of network is not taken away, and rolling back goes to the one before. Running processes
    are not told, because those that migrate have none yet.
    """
    version, new = ModelVersion.objects.get_or_create(
        version_tag=facts.tag,
        defaults={
            "folder": folder,
            "tflite_file": facts.tflite_file,
            "keras_file": facts.keras_file,
            "sha256": facts.sha256,
            "precision": facts.precision,
            "temperature": facts.temperature,
            "bias": None if facts.bias is None else list(facts.bias),
            "crop_margin": facts.crop_margin,
            "input_shape": facts.input_shape,
            "total_params": facts.total_params,
            "metrics": dict(facts.metrics),
            "created_at": at,
        },
    )
    if new and _is_free_for(folder):
        ModelActivation.objects.create(version=version, at=at)
        _make_active(version)
    return version


def _is_free_for(folder: ModelVersion.Folder) -> bool:
    active = active_version()
    shipped = ModelVersion.Folder.SHIPPED
    return active is None or active.folder == folder == shipped


def _follow_figures(facts: VersionFacts) -> None:
    """The figures of a shipped network may be measured anew; its file stays."""
    ModelVersion.objects.filter(
        version_tag=facts.tag, folder=ModelVersion.Folder.SHIPPED, sha256=facts.sha256
    ).update(metrics=dict(facts.metrics))


def active_version() -> ModelVersion | None:
    return ModelVersion.objects.filter(active=True).first()


def folder_of(version: ModelVersion) -> Path:
    """Where the files of a version lie on this machine."""
    shipped = version.folder == ModelVersion.Folder.SHIPPED
    return SHIPPED if shipped else settings.DATA_DIR / "models"


@transaction.atomic
def activate_version(tag: str, *, by: User | None, at: datetime) -> ModelVersion:
    """Put the version to work in every process. Raises `UnknownVersion` or `VersionFileLost`."""
    version = _lock_versions().get(tag)
    if version is None:
        raise UnknownVersion(tag=tag)
    if not version.active:
        _check_file(version)
        ModelActivation.objects.create(version=version, by=by, at=at)
        _make_active(version)
        announce(MODEL_ACTIVATED, str(version.pk))
    return version


@transaction.atomic
def roll_back_version(*, at: datetime) -> ModelVersion:
    """Undo the latest activation that still stands. Raises `NoEarlierVersion` or
    `VersionFileLost`."""
    _lock_versions()
    standing = ModelActivation.objects.filter(undone_at=None).order_by("-pk")
    latest = list(standing.select_related("version")[:2])
    if len(latest) < 2:
        raise NoEarlierVersion()
    current, earlier = latest
    _check_file(earlier.version)
    ModelActivation.objects.filter(pk=current.pk).update(undone_at=at)
    _make_active(earlier.version)
    announce(MODEL_ACTIVATED, str(earlier.version.pk))
    return earlier.version


def _check_file(version: ModelVersion) -> None:
    """Processes could not load it, and would go on with the one before. Raises
    `VersionFileLost`."""
    try:
        content = (folder_of(version) / version.tflite_file).read_bytes()
    except OSError as cause:
        raise VersionFileLost(tag=version.version_tag) from cause
    if hashlib.sha256(content).hexdigest() != version.sha256:
        raise VersionFileLost(tag=version.version_tag)


def _lock_versions() -> dict[str, ModelVersion]:
    """All versions by tag, locked in one order: two activations follow one another."""
    rows = ModelVersion.objects.select_for_update().order_by("pk")
    return {version.version_tag: version for version in rows}


def _make_active(version: ModelVersion) -> None:
    ModelVersion.objects.filter(active=True).update(active=None)
    version.active = True
    version.save(update_fields=["active"])
