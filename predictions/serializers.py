"""What comes in, checked; and what goes out, described for OpenAPI."""

from typing import Any

from rest_framework import serializers

from predictions.core.labels import EMOTIONS
from predictions.models import PredictionLog


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


class FaceOutput(serializers.Serializer[Any]):
    box = BoxOutput(help_text="In pixels of the upright picture.")
    emotion_name = serializers.ChoiceField(choices=EMOTIONS, allow_null=True)
    confidence = serializers.FloatField(min_value=0, max_value=1)
    probabilities = serializers.DictField(child=serializers.FloatField())


class PredictionOutput(serializers.Serializer[Any]):
    emotion_name = serializers.ChoiceField(
        choices=EMOTIONS,
        allow_null=True,
        help_text="Of the largest face; null without a face or below the operator's threshold.",
    )
    confidence = serializers.FloatField(min_value=0, max_value=1)
    model_version_tag = serializers.CharField()
    processing_time_ms = serializers.IntegerField()
    probabilities = serializers.DictField(child=serializers.FloatField())
    faces = FaceOutput(many=True, help_text="The largest eight, the largest first.")
    width = serializers.IntegerField(help_text="Of the upright picture.")
    height = serializers.IntegerField()
    prediction_id = serializers.IntegerField(allow_null=True)


class EmotionOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(min_value=1, max_value=7)
    name = serializers.ChoiceField(choices=EMOTIONS)
    description = serializers.CharField()


class ModelInfoOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["loaded", "not_loaded"])
    input_shape = serializers.CharField()
    num_classes = serializers.IntegerField()
    total_params = serializers.IntegerField(allow_null=True)
    model_version_tag = serializers.CharField()
    precision = serializers.CharField()
    temperature = serializers.FloatField()
    classes = serializers.ListField(child=serializers.CharField())
    metrics = serializers.DictField()


class HealthOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["healthy", "degraded"])
    service = serializers.CharField()
    model_loaded = serializers.BooleanField()
    clients_connected = serializers.IntegerField()


class EmotionCountOutput(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=EMOTIONS)
    count = serializers.IntegerField()


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


class RecentOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    predictions = RecentRowOutput(many=True)


class DayOutput(serializers.Serializer[Any]):
    date = serializers.DateField()
    count = serializers.IntegerField()


class TimelineOutput(serializers.Serializer[Any]):
    period_days = serializers.IntegerField()
    timeline = DayOutput(many=True)


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


class PredictionPageOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    predictions = PredictionRowOutput(many=True)


class DeletedOutput(serializers.Serializer[Any]):
    deleted = serializers.IntegerField()


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
