"""Questions to the log. Each takes the rows that the caller may count."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Avg, Count, Max
from django.db.models.functions import TruncDate
from django.utils import timezone

from predictions.models import EmotionClass, PredictionLog, PredictionLogQuerySet

Row = dict[str, object]
EXPORTED_COLUMNS = (
    "id",
    "timestamp",
    "emotion",
    "confidence",
    "model_version_tag",
    "processing_time_ms",
    "session_id",
    "frame_id",
    "face",
)


@dataclass(frozen=True, slots=True)
class Stats:
    total_predictions: int
    most_common_emotion: Row | None  # {name, count}
    average_confidence: float
    predictions_by_emotion: dict[str, int]  # all seven


@dataclass(frozen=True, slots=True)
class EmotionDetail:
    emotion: str
    description: str
    total_predictions: int
    percentage: float  # of all rows, 0 to 100
    average_confidence: float
    highest_confidence: float
    last_seen: datetime | None
    timeline: list[Row]


def stats(rows: PredictionLogQuerySet) -> Stats:
    counted = dict.fromkeys(EmotionClass.objects.values_list("emotion_name", flat=True), 0)
    grouped = rows.values_list("emotion__emotion_name").annotate(count=Count("pk")).order_by()
    counted |= dict(grouped)
    total = sum(counted.values())
    name, count = max(counted.items(), key=lambda item: item[1], default=("", 0))
    return Stats(
        total_predictions=total,
        most_common_emotion={"name": name, "count": count} if total else None,
        average_confidence=_rounded(rows.aggregate(mean=Avg("confidence"))["mean"]),
        predictions_by_emotion=counted,
    )


def recent(rows: PredictionLogQuerySet, *, limit: int) -> list[PredictionLog]:
    """The newest rows with their emotion at hand."""
    return list(rows.select_related("emotion", "model").order_by("-timestamp", "-pk")[:limit])


def timeline(rows: PredictionLogQuerySet, *, days: int, today: date) -> list[Row]:
    """[{date, count}] of each of the last `days` days, UTC, the oldest first; empty days too."""
    first = today - timedelta(days=days - 1)
    start = timezone.make_aware(datetime.combine(first, time.min), timezone.get_default_timezone())
    grouped = rows.filter(timestamp__gte=start).annotate(day=TruncDate("timestamp"))
    counts = dict(grouped.values_list("day").annotate(count=Count("pk")).order_by())
    listed = (first + timedelta(days=number) for number in range(days))
    return [{"date": day.isoformat(), "count": counts.get(day, 0)} for day in listed]


def emotion_detail(
    rows: PredictionLogQuerySet, emotion: EmotionClass, *, today: date, days: int = 7
) -> EmotionDetail:
    mine = rows.filter(emotion=emotion)
    found = mine.aggregate(
        total=Count("pk"), mean=Avg("confidence"), most=Max("confidence"), last=Max("timestamp")
    )
    everything = rows.count()
    return EmotionDetail(
        emotion=emotion.emotion_name,
        description=emotion.description,
        total_predictions=found["total"],
        percentage=round(100 * found["total"] / everything, 2) if everything else 0.0,
        average_confidence=_rounded(found["mean"]),
        highest_confidence=_rounded(found["most"]),
        last_seen=found["last"],
        timeline=timeline(mine, days=days, today=today),
    )


def exported(rows: PredictionLogQuerySet) -> Iterator[Row]:
    """Each row as its owner may carry it away, the oldest first, a few at a time."""
    found = rows.select_related("emotion", "model").order_by("timestamp", "pk")
    return (as_exported(row) for row in found.iterator(chunk_size=500))


def as_exported(row: PredictionLog) -> Row:
    return {
        "id": row.pk,
        "timestamp": row.timestamp.isoformat(),
        "emotion": row.emotion.emotion_name,
        "confidence": round(row.confidence, 4),
        "model_version_tag": row.model.version_tag,
        "processing_time_ms": row.processing_time_ms,
        "session_id": row.session_id,
        "frame_id": str(row.frame_id),
        "face": row.face,
    }


def _rounded(value: float | None) -> float:
    return round(value or 0.0, 4)
