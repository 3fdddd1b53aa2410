"""What goes out and comes in, described for OpenAPI."""

from typing import Any

from rest_framework import serializers

from visionai.lib.openapi import shows

LOOK = {
    "objects": [
        {"label": "face", "score": 0.9987, "box": {"x": 175, "y": 65, "width": 99, "height": 99}}
    ],
    "description": "Se encontró: 1 rostro. Sus colores principales son beige y negro.",
    "colours": [{"name": "beige", "share": 0.257}, {"name": "black", "share": 0.209}],
    "brightness": 0.48,
    "sharpness": 870.1,
    "width": 512,
    "height": 512,
    "provider": "embedded",
    "degraded": False,
    "engines": {
        "objects": {"engine": "embedded", "model": "opencv", "degraded": False},
        "description": {"engine": "embedded", "model": "opencv", "degraded": False},
    },
    "processing_time_ms": 131.4,
}


class ImageInput(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class ImageText(serializers.Serializer[Any]):
    image = serializers.CharField(help_text="Base64, or a data URL.")


class PlaceOutput(serializers.Serializer[Any]):
    x = serializers.IntegerField()
    y = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class ThingOutput(serializers.Serializer[Any]):
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="Of this machine: face, eye, person; of a provider: what its model knows."
    )
    score = serializers.FloatField(help_text="Orders findings; it is no probability.")
    box = PlaceOutput()


class EngineOutput(serializers.Serializer[Any]):
    engine = serializers.CharField()
    model = serializers.CharField()
    degraded = serializers.BooleanField(help_text="A configured provider should have answered.")


class EnginesOutput(serializers.Serializer[Any]):
    objects = EngineOutput()
    description = EngineOutput()


class ColourOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    share = serializers.FloatField()


@shows(LOOK)
class LookOutput(serializers.Serializer[Any]):
    objects = ThingOutput(many=True)
    description = serializers.CharField(help_text="In the language of the request.")
    colours = ColourOutput(many=True)
    brightness = serializers.FloatField(min_value=0, max_value=1)
    sharpness = serializers.FloatField(help_text="Variance of the Laplacian; low is blurred.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    provider = serializers.CharField(help_text="Who answered, joined by +.")
    degraded = serializers.BooleanField()
    engines = EnginesOutput()
    processing_time_ms = serializers.FloatField()
