"""The API of the letters of the American Sign Language: canonical, and in the original's words."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    parser_classes,
    permission_classes,
    throttle_classes,
)
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from predictions import hooks
from predictions.core.labels import LETTERS
from predictions.letters import (
    NO_LETTER,
    card_body,
    letter_body,
    original_body,
    read_letter,
)
from predictions.refusals import check_anonymous
from predictions.sent_pictures import picture_of
from predictions.throttles import AnonymousLetters
from sessions_app.authentication import BearerAuthentication
from visionai.lib.openapi import problems, shows
from visionai.lib.parsing import JSONParser

TAGS = ["Letters"]


class HandInput(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="A JPEG, PNG or WebP picture of one hand.")


class HandText(serializers.Serializer[Any]):
    image = serializers.CharField(help_text="The same as base64 or as a data URL.")


class GuessOutput(serializers.Serializer[Any]):
    letter = serializers.ChoiceField(choices=LETTERS)
    confidence = serializers.FloatField(min_value=0, max_value=1)
    movement = serializers.BooleanField()


@shows(
    {
        "letter": "L",
        "confidence": 0.9312,
        "calibrated": True,
        "movement": False,
        "movement_letters": ["J", "Z"],
        "alternatives": [
            {"letter": "L", "confidence": 0.9312, "movement": False},
            {"letter": "D", "confidence": 0.0201, "movement": False},
            {"letter": "Z", "confidence": 0.0114, "movement": True},
        ],
        "abstained": False,
        "threshold": 0.25,
        "message": "The letter L (93 %).",
        "model_version_tag": "letters-v2",
        "processing_time_ms": 3.2,
    }
)
class LetterOutput(serializers.Serializer[Any]):
    letter = serializers.ChoiceField(
        choices=(*LETTERS, NO_LETTER),
        help_text="“no letter” when the confidence is below the threshold.",
    )
    confidence = serializers.FloatField(
        min_value=0, max_value=1, help_text="Of the likeliest letter, named or not."
    )
    calibrated = serializers.BooleanField()
    movement = serializers.BooleanField(
        help_text="Whether the likeliest letter is signed by a movement: then it is a guess."
    )
    movement_letters = serializers.ListField(child=serializers.CharField())
    alternatives = GuessOutput(many=True, help_text="The three likeliest, the likeliest first.")
    abstained = serializers.BooleanField()
    threshold = serializers.FloatField()
    message = serializers.CharField(help_text="For people, in the language of the request.")
    model_version_tag = serializers.CharField()
    processing_time_ms = serializers.FloatField()


@shows(
    {
        "status": "loaded",
        "name": "letters",
        "model_version_tag": "letters-v2",
        "task": "letters",
        "classes": list(LETTERS),
        "movement_letters": ["J", "Z"],
        "num_classes": 26,
        "input_shape": "(None, 96, 96, 3)",
        "total_params": 930570,
        "macs": 20169600,
        "precision": "int8",
        "temperature": 1.4,
        "threshold": 0.25,
        "provider": "embedded",
        "metrics": {"classes": list(LETTERS), "sets": []},
    }
)
class LetterModelOutput(serializers.Serializer[Any]):
    status = serializers.CharField()
    name = serializers.CharField()
    model_version_tag = serializers.CharField()
    task = serializers.CharField()
    classes = serializers.ListField(child=serializers.CharField())
    movement_letters = serializers.ListField(child=serializers.CharField())
    num_classes = serializers.IntegerField()
    input_shape = serializers.CharField()
    total_params = serializers.IntegerField()
    macs = serializers.IntegerField()
    precision = serializers.CharField()
    temperature = serializers.FloatField()
    threshold = serializers.FloatField()
    provider = serializers.CharField()
    metrics = serializers.DictField()


@extend_schema(
    tags=TAGS,
    summary="Read the sign-language letter of a hand",
    description=(
        "American Sign Language, one hand in the picture; the picture is not kept. J and Z are "
        "movements: a still picture can only guess them, and `movement` says so."
    ),
    request={"multipart/form-data": HandInput, "application/json": HandText},
    responses={
        200: LetterOutput,
        **problems(
            _400="no_file",
            _401="bad_token",
            _413="too_large",
            _415="unsupported_format",
            _422="broken",
            _429="throttled",
            _503="no_letter_network",
        ),
    },
)
@api_view(["POST"])
@permission_classes([AllowAny])
@throttle_classes([AnonymousLetters])
@parser_classes([MultiPartParser, FormParser, JSONParser])
def predict(request: Request) -> Response:
    return Response(letter_body(read_letter(_sent(request))))


@extend_schema(
    tags=TAGS,
    summary="The network that reads letters",
    responses={200: LetterModelOutput, **problems(_503="no_letter_network")},
)
@api_view(["GET"])
@permission_classes([AllowAny])
def model(_request: Request) -> Response:
    return Response(card_body())


@extend_schema(exclude=True)
@api_view(["POST"])
@authentication_classes([BearerAuthentication])  # no cookie counts on the originals' paths
@permission_classes([AllowAny])
@throttle_classes([AnonymousLetters])
@parser_classes([MultiPartParser, FormParser, JSONParser])
def original_predict(request: Request) -> Response:
    """`POST /asl/analizar` and `POST /api/image/asl/predict`."""
    sent = _sent(request)
    answer, far = read_letter(sent), None
    if request.user.is_authenticated:  # of others nothing leaves this machine
        readings = (read(sent) for read in hooks.far_letters)
        far = next((one for one in readings if one is not None), None)
    return Response(original_body(answer, far=far))


@extend_schema(exclude=True)
@api_view(["GET"])
@authentication_classes([BearerAuthentication])
@permission_classes([AllowAny])
def original_model(_request: Request) -> Response:
    """`GET /asl/modelo/info`."""
    return Response(card_body())


def _sent(request: Request) -> bytes:
    if not request.user.is_authenticated:
        check_anonymous()
    return picture_of(request)
