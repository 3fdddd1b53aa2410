"""What may happen to predictions (logged, deleted, forgotten), and consent to the camera."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.usage import note_readings
from predictions.core.labels import EMOTIONS
from predictions.core.reading import Prediction
from predictions.core.smoothing import Probabilities, settle
from predictions.models import CameraConsent, PredictionLog, PredictionLogQuerySet
from sessions_app.changes import announce
from sessions_app.models import Sesion

CONSENT_TEXT_VERSION = "2026-11"
CONSENT_WITHDRAWN = "consent_withdrawn"  # the change; its subject is the user's id
DELETE_AT_ONCE = 1000  # rows of one statement, so that a sweep never holds the table for long


@dataclass(frozen=True, slots=True)
class Source:
    """Where a picture came from; all None for a stranger behind a socket without an address."""

    user_id: int | None = None
    username: str | None = None
    session_id: int | None = None
    ip: str | None = None


def name_of(probabilities: Probabilities) -> str | None:
    """The likeliest emotion, or None below the operator's threshold (`ABSTAIN_BELOW`)."""
    index = settle(probabilities, threshold=settings.ENV.abstain_below)
    return None if index is None else EMOTIONS[index]


def rows_of(prediction: Prediction, *, source: Source, at: datetime) -> list[PredictionLog]:
    """One unsaved row for each classified face, the largest first; an abstention makes none.

    A row is what this picture alone says, also in a stream: smoothing is for the eye.
    """
    frame_id = uuid.uuid4()
    rows = []
    for place, face in enumerate(prediction.faces):
        name = name_of(face.probabilities)
        if name is None or prediction.version is None:
            continue
        rows.append(
            PredictionLog(
                emotion_id=EMOTIONS.index(name) + 1,
                confidence=confidence_of(face.probabilities),
                model_id=prediction.version,
                processing_time_ms=round(prediction.processing_ms),
                source_ip=source.ip,
                username=source.username,
                user_id=source.user_id,
                session_id=source.session_id,
                timestamp=at,
                frame_id=frame_id,
                face=place,
            )
        )
    return rows


def confidence_of(probabilities: Probabilities) -> float:
    """The largest probability; rounding may put a sum of float32 a hair above 1."""
    return min(1.0, float(probabilities.max()))


@transaction.atomic
def log_prediction(prediction: Prediction, *, source: Source, at: datetime) -> list[PredictionLog]:
    """Save the rows of one picture: on disk when this returns. The first is the largest face's."""
    rows = rows_of(prediction, source=source, at=at)
    for row in rows:
        row.save(force_insert=True)  # one by one: MariaDB gives no ids back for many at once
    note_readings([(row.user_id, row.session_id) for row in rows], at=at)
    return rows


def delete_predictions(rows: PredictionLogQuerySet) -> int:
    """Delete rows that the caller may delete; how many there were."""
    deleted = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:DELETE_AT_ONCE]):
        deleted += PredictionLog.objects.filter(pk__in=pks).delete()[0]
    return deleted


def delete_old_predictions(*, at: datetime) -> int:
    """Retention: delete what is older than `PREDICTION_RETENTION_DAYS`."""
    oldest = at - timedelta(days=settings.ENV.prediction_retention_days)
    return delete_predictions(PredictionLog.objects.between(None, oldest))


def forget_user(user: User) -> int:
    """Take the person out of their rows: no user, name or address; the counts stay."""
    rows = PredictionLog.objects.owned_by(user)
    CameraConsent.objects.filter(user=user).delete()
    return rows.update(user=None, username=None, source_ip=None, session=None)


def give_consent(user: User, *, at: datetime) -> CameraConsent:
    """Note that the user agreed to the present text; a second time changes nothing."""
    consent, _ = CameraConsent.objects.get_or_create(
        user=user, text_version=CONSENT_TEXT_VERSION, defaults={"at": at}
    )
    return consent


@transaction.atomic
def withdraw_consent(user: User) -> None:
    """Forget the consent; cameras that are live stop being read within a second, everywhere."""
    CameraConsent.objects.filter(user=user).delete()
    announce(CONSENT_WITHDRAWN, str(user.pk))


def has_consented(user_id: int) -> bool:
    """Whether the user agreed to the text as it is today."""
    return CameraConsent.objects.filter(user_id=user_id, text_version=CONSENT_TEXT_VERSION).exists()


def save_rows(rows: Sequence[PredictionLog]) -> None:
    """Insert many rows in one go. Safe to repeat after an outage, and a user or session that is
    gone by now is left out of its rows."""
    try:
        _insert(rows)
    except IntegrityError:
        _insert(_insertable(rows))


@transaction.atomic
def _insert(rows: Sequence[PredictionLog]) -> None:
    PredictionLog.objects.bulk_create(rows, batch_size=500)
    if rows:
        note_readings([(row.user_id, row.session_id) for row in rows], at=rows[-1].timestamp)


def _insertable(rows: Sequence[PredictionLog]) -> list[PredictionLog]:
    frames = {row.frame_id for row in rows}
    there = set(
        PredictionLog.objects.filter(frame_id__in=frames).values_list("frame_id", flat=True)
    )
    users = User.objects.filter(pk__in={row.user_id for row in rows if row.user_id})
    sessions = Sesion.objects.filter(pk__in={row.session_id for row in rows if row.session_id})
    known_users = set(users.values_list("pk", flat=True))
    known_sessions = set(sessions.values_list("pk", flat=True))
    missing = [row for row in rows if row.frame_id not in there]
    for row in missing:
        if row.user_id and row.user_id not in known_users:
            row.user_id = row.username = row.source_ip = None
        if row.session_id not in known_sessions:
            row.session_id = None
    return missing
