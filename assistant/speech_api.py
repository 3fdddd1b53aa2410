"""Speech over HTTP: a recording to text, a text to sound."""

import base64
import re
import uuid
from collections.abc import Mapping
from typing import IO, Any, cast

from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view, parser_classes, renderer_classes, throttle_classes
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from assistant import speech
from assistant.core.voices import VOICES
from assistant.providers.base import Language
from assistant.speech_serializers import (
    SPOKEN,
    RecordingInput,
    SpokenOutput,
    TextInput,
    TranscriptOutput,
    VoicesOutput,
)
from assistant.throttles import SpeechOfUser
from sessions_app.models import Sesion
from visionai.lib.openapi import problems

TAGS = ["Assistant"]
AROUND = 64 * 1024  # bytes that a form may have around its file
REPEAT = re.compile(r"[\x21-\x7e]{1,120}")
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of yours: the same call sent again under it counts once.",
)
LANGUAGE = OpenApiParameter("language", str, enum=["es", "en"])


class RawSound(BaseParser):
    """A body that is the recording itself."""

    media_type = "audio/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return bytes(stream.read(speech.MOST_BYTES + 1))


class RawVideo(RawSound):
    """What a browser calls a recording that it makes without a picture."""

    media_type = "video/*"


class RawBytes(RawSound):
    media_type = "application/octet-stream"


class SoundRenderer(BaseRenderer):
    """The sound itself; a refusal stays a document."""

    media_type = "audio/*"
    format = "wav"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if isinstance(data, bytes):
            return data
        return JSONRenderer().render(data)


@extend_schema(
    tags=TAGS,
    summary="What is said in a recording",
    description=(
        "WAV always; WebM, Ogg, MP3, FLAC and MP4 where the machine has a decoder, which "
        "`GET /assistant/voices` tells. At most two minutes. Without a provider English alone "
        "is understood. The recording is not kept."
    ),
    parameters=[LANGUAGE, IDEMPOTENCY],
    request={
        "multipart/form-data": RecordingInput,
        "audio/wav": OpenApiTypes.BINARY,
        "audio/webm": OpenApiTypes.BINARY,
        "audio/mpeg": OpenApiTypes.BINARY,
    },
    responses={
        200: TranscriptOutput,
        **problems(
            _400="no_file",
            _401="not_authenticated",
            _413="too_large",
            _415="unsupported_format",
            _422="language_not_heard",
            _429="daily_limit_reached",
            _503="provider_busy",
        ),
    },
)
@api_view(["POST"])
@throttle_classes([SpeechOfUser])
@parser_classes([MultiPartParser, RawSound, RawVideo, RawBytes])
def transcribe(request: Request) -> Response:
    data = _recording(request)
    written = request.data if isinstance(request.data, Mapping) else {}
    options = RecordingInput(data={**request.query_params.dict(), **_fields(written)})
    options.is_valid(raise_exception=True)
    heard = speech.hear(
        cast("User", request.user),
        data,
        language=_language(options.validated_data),
        repeat=_repeat(request),
        at=timezone.now(),
        session_id=_session(request),
    )
    return Response(
        {
            "text": heard.transcript.text,
            "language": heard.transcript.language,
            "seconds": heard.transcript.seconds,
            "engine": heard.engine,
            "model": heard.model,
            "degraded": heard.degraded,
        }
    )


@extend_schema(
    tags=TAGS,
    summary="A text as sound",
    description=(
        "The sound itself, with the engine in `X-Engine`; base64 in JSON where `Accept` asks for "
        "`application/json`. The text is read as it stands: no markup counts."
    ),
    parameters=[IDEMPOTENCY],
    request=TextInput,
    responses={
        (200, "audio/wav"): OpenApiTypes.BINARY,
        (200, "application/json"): OpenApiResponse(
            SpokenOutput, examples=[OpenApiExample("An answer", value=SPOKEN)]
        ),
        **problems(
            _400="invalid",
            _401="not_authenticated",
            _422="too_long",
            _429="daily_limit_reached",
            _503="provider_busy",
        ),
    },
)
@api_view(["POST"])
@throttle_classes([SpeechOfUser])
@renderer_classes([SoundRenderer, JSONRenderer])
def speak(request: Request) -> Response:
    asked = TextInput(data=request.data)
    asked.is_valid(raise_exception=True)
    said = speech.say(
        cast("User", request.user),
        asked.validated_data["text"],
        language=_language(asked.validated_data),
        voice=asked.validated_data["voice"],
        speed=asked.validated_data["speed"],
        repeat=_repeat(request),
        at=timezone.now(),
        session_id=_session(request),
    )
    headers = {"X-Engine": said.engine, "X-Degraded": str(said.degraded).lower()}
    if isinstance(request.accepted_renderer, SoundRenderer):
        return Response(said.sound.data, headers=headers, content_type=said.sound.media_type)
    body = {
        "audio": base64.b64encode(said.sound.data).decode(),
        "media_type": said.sound.media_type,
        "engine": said.engine,
        "model": said.model,
        "degraded": said.degraded,
    }
    return Response(body, headers=headers)


@extend_schema(
    tags=TAGS,
    summary="The built-in voices, and what recordings are read",
    responses={200: VoicesOutput, **problems(_401="not_authenticated")},
)
@api_view(["GET"])
def voices(_request: Request) -> Response:
    return Response(
        {
            "voices": [
                {"id": one.id, "language": one.language, "name": one.name} for one in VOICES
            ],
            "formats": speech.accepted(),
            "most_bytes": speech.MOST_BYTES,
            "most_seconds": speech.MOST_SECONDS,
        }
    )


def _recording(request: Request) -> bytes:
    """Raises `NoSound` and `SoundTooLarge`, the latter by the told length, before it is parsed."""
    told = str(request.META.get("CONTENT_LENGTH") or "0")
    if told.isdecimal() and int(told) > speech.MOST_BYTES + AROUND:
        raise speech.SoundTooLarge(limit=speech.MOST_BYTES)
    if isinstance(request.data, bytes):
        return request.data
    if "file" not in request.FILES:
        raise speech.NoSound
    file = request.FILES["file"]
    if file.size > speech.MOST_BYTES:
        raise speech.SoundTooLarge(limit=speech.MOST_BYTES)
    return bytes(file.read())


def _fields(written: Mapping[str, Any]) -> dict[str, Any]:
    return {"language": written["language"]} if "language" in written else {}


def _language(asked: Mapping[str, Any]) -> Language:
    """As asked, else the request's own."""
    if asked.get("language"):
        return cast("Language", asked["language"])
    return "en" if (get_language() or "es").startswith("en") else "es"


def _repeat(request: Request) -> str:
    """The client's name for this call, else one that nobody has."""
    told = request.headers.get("Idempotency-Key")
    if told is None:
        return uuid.uuid4().hex
    if not REPEAT.fullmatch(told):
        raise ValidationError({"Idempotency-Key": ["1 – 120 ASCII"]})
    return told


def _session(request: Request) -> int | None:
    return request.auth.pk if isinstance(request.auth, Sesion) else None
