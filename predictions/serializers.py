"""What comes in, checked; and what goes out, described for OpenAPI."""

from typing import Any

from rest_framework import serializers

from predictions.core.labels import EMOTIONS
from predictions.models import PredictionLog
from visionai.lib.openapi import shows


class PictureInput(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)
    assume_face = serializers.BooleanField(
        default=False, help_text="Where no face is found, take the whole picture as one."
    )


class BoxOutput(serializers.Serializer[Any]):
    x = serializers.IntegerField()
    y = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class ReadingOutput(serializers.Serializer[Any]):
    emotion_name = serializers.ChoiceField(
        choices=EMOTIONS,
        allow_null=True,
        help_text="Null without a face, or where the answer was withheld (`abstained`).",
    )
    confidence = serializers.FloatField(
        min_value=0, max_value=1, help_text="The largest probability, also of a withheld answer."
    )
    abstained = serializers.BooleanField(
        help_text="There is a face, but its confidence lies below the threshold."
    )
    probabilities = serializers.DictField(
        child=serializers.FloatField(), help_text="Of all seven emotions; empty without a face."
    )


class FaceOutput(ReadingOutput):
    box = BoxOutput(help_text="In pixels of the upright picture.")


class PredictionOutput(ReadingOutput):
    """The largest face's reading, and all faces."""

    threshold = serializers.FloatField(
        min_value=0, max_value=1, help_text="The operator's `ABSTAIN_BELOW`; 0 withholds nothing."
    )
    calibrated = serializers.BooleanField(
        help_text="A confidence is a share of right answers: a temperature was fitted to the model."
    )
    model_version_tag = serializers.CharField()
    processing_time_ms = serializers.IntegerField()
    faces = FaceOutput(many=True, help_text="The largest eight, the largest first.")
    width = serializers.IntegerField(help_text="Of the upright picture.")
    height = serializers.IntegerField()
    prediction_id = serializers.IntegerField(
        allow_null=True, help_text="Of the largest face's row; null where nothing was logged."
    )


@shows({"id": 4, "name": "happy", "description": "Felicidad o alegría"})
class EmotionOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(min_value=1, max_value=7)
    name = serializers.ChoiceField(choices=EMOTIONS)
    description = serializers.CharField()


@shows(
    {
        "status": "loaded",
        "input_shape": "(None, 96, 96, 3)",
        "num_classes": 7,
        "total_params": 2667475,
        "model_version_tag": "v3.0.0",
        "precision": "int8",
        "temperature": 0.6598,
        "calibrated": True,
        "classes": list(EMOTIONS),
        "metrics": {"accuracy": 0.86},
    }
)
class ModelInfoOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["loaded", "not_loaded"])
    input_shape = serializers.CharField()
    num_classes = serializers.IntegerField()
    total_params = serializers.IntegerField(allow_null=True)
    model_version_tag = serializers.CharField()
    precision = serializers.CharField()
    temperature = serializers.FloatField()
    calibrated = serializers.BooleanField(help_text="A temperature was fitted.")
    classes = serializers.ListField(child=serializers.CharField())
    metrics = serializers.DictField()


@shows(
    {
        "status": "healthy",
        "service": "VisionAI Backend",
        "model_loaded": True,
        "clients_connected": 3,
    }
)
class HealthOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["healthy", "degraded"])
    service = serializers.CharField()
    model_loaded = serializers.BooleanField()
    clients_connected = serializers.IntegerField()


class EmotionCountOutput(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=EMOTIONS)
    count = serializers.IntegerField()


@shows(
    {
        "total_predictions": 12,
        "most_common_emotion": {"name": "happy", "count": 9},
        "average_confidence": 0.87,
        "predictions_by_emotion": {"happy": 9, "neutral": 3},
    }
)
class StatsOutput(serializers.Serializer[Any]):
    total_predictions = serializers.IntegerField()
    most_common_emotion = EmotionCountOutput(allow_null=True)
    average_confidence = serializers.FloatField()
    predictions_by_emotion = serializers.DictField(child=serializers.IntegerField())


class RecentRowOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    emotion = serializers.ChoiceField(choices=EMOTIONS)
    confidence = serializers.FloatField()
    source_ip = serializers.CharField(allow_null=True, help_text="For staff alone.")
    user = serializers.CharField(allow_null=True)


@shows(
    {
        "count": 1,
        "predictions": [
            {
                "id": 1523,
                "timestamp": "2026-11-21T09:02:11Z",
                "emotion": "happy",
                "confidence": 0.92,
                "source_ip": None,
                "user": "ada",
            }
        ],
    }
)
class RecentOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    predictions = RecentRowOutput(many=True)


class DayOutput(serializers.Serializer[Any]):
    date = serializers.DateField()
    count = serializers.IntegerField()


@shows({"period_days": 1, "timeline": [{"date": "2026-11-21", "count": 12}]})
class TimelineOutput(serializers.Serializer[Any]):
    period_days = serializers.IntegerField()
    timeline = DayOutput(many=True)


@shows(
    {
        "emotion": "happy",
        "description": "Felicidad o alegría",
        "total_predictions": 9,
        "percentage": 75.0,
        "average_confidence": 0.91,
        "highest_confidence": 0.99,
        "last_seen": "2026-11-21T09:02:11Z",
        "timeline": [{"date": "2026-11-21", "count": 9}],
    }
)
class EmotionDetailOutput(serializers.Serializer[Any]):
    emotion = serializers.ChoiceField(choices=EMOTIONS)
    description = serializers.CharField()
    total_predictions = serializers.IntegerField()
    percentage = serializers.FloatField()
    average_confidence = serializers.FloatField()
    highest_confidence = serializers.FloatField()
    last_seen = serializers.DateTimeField(allow_null=True)
    timeline = DayOutput(many=True)


class PredictionRowOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    emotion = serializers.ChoiceField(choices=EMOTIONS)
    confidence = serializers.FloatField()
    model_version_tag = serializers.CharField()
    processing_time_ms = serializers.IntegerField(allow_null=True)
    session_id = serializers.IntegerField(allow_null=True)
    frame_id = serializers.UUIDField()
    face = serializers.IntegerField()


@shows(
    {
        "count": 1,
        "page": 1,
        "pages": 1,
        "predictions": [
            {
                "id": 1523,
                "timestamp": "2026-11-21T09:02:11Z",
                "emotion": "happy",
                "confidence": 0.92,
                "model_version_tag": "v3.0.0",
                "processing_time_ms": 12,
                "session_id": 12,
                "frame_id": "0d3b1f6e-58a2-4f6c-9c6f-0a1d5b1f7e11",
                "face": 0,
            }
        ],
    }
)
class PredictionPageOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    predictions = PredictionRowOutput(many=True)


@shows({"deleted": 12})
class DeletedOutput(serializers.Serializer[Any]):
    deleted = serializers.IntegerField()


@shows({"given": True, "text_version": "1", "at": "2026-11-21T09:02:11Z"})
class ConsentOutput(serializers.Serializer[Any]):
    given = serializers.BooleanField()
    text_version = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class LimitInput(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=10)


class DaysInput(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=30, default=7)


class FilterInput(serializers.Serializer[Any]):
    """Which of the caller's rows; `from` is the first moment, `to` the first one after."""

    emotion = serializers.ChoiceField(choices=EMOTIONS, required=False)
    to = serializers.DateTimeField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        first = serializers.DateTimeField(required=False)
        return {**super().get_fields(), "from": first}  # a keyword cannot be an attribute


class PageInput(FilterInput):
    page = serializers.IntegerField(min_value=1, default=1)


def recent_row(row: PredictionLog, *, for_staff: bool) -> dict[str, object]:
    return {
        "id": row.pk,
        "timestamp": row.timestamp.isoformat(),
        "emotion": row.emotion.emotion_name,
        "confidence": round(row.confidence, 4),
        "source_ip": row.source_ip if for_staff else None,
        "user": row.username,
    }
