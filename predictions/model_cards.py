"""What is known of each network: its facts, and the report of its evaluation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from predictions.models import ModelVersion
from predictions.versions import SHIPPED, UnknownVersion, active_version, folder_of

EMOTIONS, LETTERS = "emotions", "letters"
NETWORKS: Final = (EMOTIONS, LETTERS)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One version of a network; None is unknown, or nothing of the kind."""

    network: str
    tag: str
    active: bool
    measurable: bool  # by a tag, with `evaluate_model`
    precision: str
    temperature: float | None
    input_shape: str
    calibrated: bool = False
    total_params: int | None = None
    macs: int | None = None  # multiply-accumulates of one picture
    file_bytes: int | None = None
    sha256: str = ""
    crop_margin: float | None = None
    threshold: float | None = None  # of confidence, below which it names nothing
    source: str = ""  # the file that it was converted from
    registered_at: datetime | None = None
    report: Mapping[str, Any] = field(default_factory=dict)


def find_card(network: str, tag: str = "") -> ModelCard | None:
    """The card of the network's version with that tag, by default the one at work.

    None where nothing is at work. Raises `UnknownVersion` for a tag or a network that is not there.
    """
    if "\0" in tag:  # PostgreSQL takes none in a text
        raise UnknownVersion(tag=tag.replace("\0", ""))
    if network == EMOTIONS:
        return _emotion_card(tag)
    if network != LETTERS:
        raise UnknownVersion(tag=network)
    cards = letter_cards()
    if not tag:
        return cards[0] if cards else None
    found = next((one for one in cards if one.tag == tag), None)
    if found is None:
        raise UnknownVersion(tag=tag)
    return found


def letter_cards() -> list[ModelCard]:
    """The networks that read letters: the one at work first, then the sample for hardware."""
    paths = sorted(SHIPPED.glob("letters-*.json"), key=lambda path: ("small" in path.stem, path))
    return [_letter_card(path, first=path == paths[0]) for path in paths]


def emotion_versions() -> list[ModelVersion]:
    """All versions, the newest first, with their activations."""
    found = ModelVersion.objects.prefetch_related("activations")
    return list(found.order_by("-created_at", "-pk"))


def _emotion_card(tag: str) -> ModelCard | None:
    if tag:
        version = ModelVersion.objects.filter(version_tag=tag).first()
        if version is None:
            raise UnknownVersion(tag=tag)
    else:
        version = active_version()
        if version is None:
            return None
    file = folder_of(version) / version.tflite_file
    beside = _facts_beside(file) if version.folder == ModelVersion.Folder.SHIPPED else {}
    # A shipped report may have been written anew since its version was registered.
    report = beside.get("metrics", version.metrics)
    return ModelCard(
        network=EMOTIONS,
        tag=version.version_tag,
        active=bool(version.active),
        measurable=True,
        precision=version.precision,
        temperature=version.temperature,
        input_shape=version.input_shape,
        calibrated=version.calibrated,
        total_params=version.total_params,
        macs=beside.get("macs"),
        file_bytes=_size(file),
        sha256=version.sha256,
        crop_margin=version.crop_margin,
        source=str(version.metrics.get("source", "")),
        registered_at=version.created_at,
        report=report if isinstance(report, Mapping) else {},
    )


def _letter_card(path: Path, *, first: bool) -> ModelCard:
    facts = json.loads(path.read_text())
    file = facts.get("files", {}).get("tflite", {})
    temperature = facts.get("temperature")
    return ModelCard(
        network=LETTERS,
        tag=str(facts["tag"]),
        active=first,
        measurable=False,
        precision=str(facts.get("precision", "")),
        temperature=temperature,
        input_shape=str(facts.get("input_shape", "")),
        calibrated=temperature not in (None, 1),
        total_params=facts.get("total_params"),
        macs=facts.get("macs"),
        file_bytes=file.get("bytes"),
        sha256=file.get("sha256", ""),
        threshold=facts.get("threshold"),
        report=facts.get("metrics", {}),
    )


def _facts_beside(file: Path) -> Mapping[str, Any]:
    """What the training code wrote beside a shipped network."""
    try:
        facts: Mapping[str, Any] = json.loads(file.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return {}
    return facts


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None
