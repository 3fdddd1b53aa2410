"""What speech takes and answers, described for OpenAPI."""

import math
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from assistant.core.voices import FASTEST, SLOWEST
from visionai.lib.openapi import shows

MOST_TEXT = 1_500  # characters; two minutes of speech
SPOKEN = {
    "audio": "UklGRiQAAABXQVZFZm10IBAAAAABAAEA",
    "media_type": "audio/wav",
    "engine": "embedded",
    "model": "espeak-ng 0.2.4",
    "degraded": False,
}


class RecordingInput(serializers.Serializer[Any]):
    file = serializers.FileField(required=False, help_text="The recording.")
    language = serializers.ChoiceField(choices=["es", "en"], required=False)


class TextInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=MOST_TEXT)
    language = serializers.ChoiceField(choices=["es", "en"], required=False)
    voice = serializers.RegexField(
        r"^[A-Za-z0-9._-]{0,40}$",
        required=False,
        default="",
        allow_blank=True,
        help_text="One of the list, or a provider's; an unknown one is the language's first.",
    )
    speed = serializers.FloatField(
        required=False, default=1.0, min_value=SLOWEST, max_value=FASTEST
    )

    def validate_speed(self, value: float) -> float:
        if not math.isfinite(value):
            raise serializers.ValidationError(_("A number from 0.5 to 2 is needed."))
        return value


@shows(
    {
        "text": "what time is it now",
        "language": "en",
        "seconds": 1.42,
        "engine": "embedded",
        "model": "pocketsphinx 5.1.1",
        "degraded": False,
    }
)
class TranscriptOutput(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="Empty where nothing was understood.")
    language = serializers.CharField()
    seconds = serializers.FloatField()
    engine = serializers.CharField()
    model = serializers.CharField()
    degraded = serializers.BooleanField(help_text="A configured provider failed before.")


class SpokenOutput(serializers.Serializer[Any]):
    audio = serializers.CharField(help_text="Base64.")
    media_type = serializers.CharField()
    engine = serializers.CharField()
    model = serializers.CharField()
    degraded = serializers.BooleanField()


class VoiceOutput(serializers.Serializer[Any]):
    id = serializers.CharField()
    language = serializers.CharField()
    name = serializers.CharField()


@shows(
    {
        "voices": [{"id": "es", "language": "es", "name": "Español (España)"}],
        "formats": ["wav", "webm", "ogg", "mp3", "flac", "mp4"],
        "most_bytes": 25165824,
        "most_seconds": 120,
    }
)
class VoicesOutput(serializers.Serializer[Any]):
    voices = VoiceOutput(many=True)
    formats = serializers.ListField(child=serializers.CharField())
    most_bytes = serializers.IntegerField()
    most_seconds = serializers.IntegerField()
