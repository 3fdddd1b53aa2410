"""Rows and answers for the tests."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.conf import settings

from accounts.models import User
from predictions.core.face import Box
from predictions.core.labels import EMOTIONS
from predictions.core.reading import Face, Prediction
from predictions.models import EmotionClass, ModelVersion, PredictionLog
from predictions.versions import VersionFacts, activate_version, register_version

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def a_version(
    tag: str = "test-1", *, active: bool = True, temperature: float = 1.2, **more: Any
) -> ModelVersion:
    facts = VersionFacts(
        tag=tag,
        tflite_file=f"{tag}.tflite",
        sha256=hashlib.sha256(b"").hexdigest(),
        precision="int8",
        temperature=temperature,
        **more,
    )
    folder = settings.DATA_DIR / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / facts.tflite_file).touch()
    version = register_version(facts, folder=ModelVersion.Folder.DATA, at=NOON)
    if active:
        version = activate_version(tag, by=None, at=NOON)
    return version


def a_face(emotion: str = "happy", confidence: float = 0.9) -> Face:
    probabilities = np.full(7, (1 - confidence) / 6, np.float32)
    probabilities[EMOTIONS.index(emotion)] = confidence
    return Face(1, Box(10, 20, 100, 100), probabilities)


def a_prediction(faces: Sequence[Face] = (), *, version: int | None) -> Prediction:
    return Prediction(tuple(faces), 640, 480, "test-1", version, processing_ms=12.4, age_ms=20.0)


def a_row(
    user: User | None = None,
    *,
    emotion: str = "happy",
    confidence: float = 0.5,
    at: datetime = NOON,
    ip: str | None = "192.0.2.7",
) -> PredictionLog:
    version = ModelVersion.objects.filter(version_tag="test-1").first() or a_version()
    return PredictionLog.objects.create(
        emotion=EmotionClass.objects.get(emotion_name=emotion),
        confidence=confidence,
        model=version,
        processing_time_ms=12,
        source_ip=ip,
        username=user.username if user else None,
        user=user,
        timestamp=at,
        frame_id=uuid.uuid4(),
    )
