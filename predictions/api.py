"""The canonical API of predictions, which is also the original one: same paths, same fields."""

from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.decorators import (
    api_view,
    parser_classes,
    permission_classes,
    renderer_classes,
    throttle_classes,
)
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from predictions import selectors
from predictions.core.images import MESSAGES, STANDARD
from predictions.core.reading import Failed
from predictions.core.reading import Request as Reading
from predictions.health import health_body
from predictions.inference import engine
from predictions.models import CameraConsent, EmotionClass, PredictionLog, PredictionLogQuerySet
from predictions.refusals import NoPicture, PictureRefused, as_prediction, check_anonymous
from predictions.serializers import (
    ConsentOutput,
    DeletedOutput,
    EmotionOutput,
    FilterInput,
    HealthOutput,
    ModelInfoOutput,
    PageInput,
    PictureInput,
    PredictionOutput,
    PredictionPageOutput,
)
from predictions.services import (
    CONSENT_TEXT_VERSION,
    Source,
    delete_predictions,
    give_consent,
    log_prediction,
    withdraw_consent,
)
from predictions.throttles import AnonymousPredictions
from predictions.versions import active_version
from predictions.wire import emotions_body, model_body, prediction_body
from sessions_app.client import client_of
from sessions_app.models import Sesion
from visionai.lib.openapi import problems
from visionai.lib.tables import CsvRenderer, JsonFileRenderer, Table, XlsxRenderer

PAGE_ROWS = 50
FORM_BYTES = 64 * 1024  # what a multipart form may have around its file

TAGS = ["Predictions"]
EXAMPLE = {
    "emotion_name": "happy",
    "confidence": 0.9234,
    "abstained": False,
    "probabilities": {
        "angry": 0.003,
        "disgust": 0.001,
        "fear": 0.002,
        "happy": 0.9234,
        "neutral": 0.0606,
        "sad": 0.004,
        "surprise": 0.006,
    },
}
LAW = (
    "Reads the expression of each face; the picture is not kept. An expression is not a state of "
    "mind. Inferring emotions of people at work or in education is prohibited in some places "
    "(EU AI Act, Article 5(1)(f))."
)


@extend_schema(
    tags=TAGS,
    summary="Read the emotions in a photo",
    description=LAW,
    request={"multipart/form-data": PictureInput},
    responses={
        200: PredictionOutput,
        **problems(
            _400="no_file",
            _401="bad_token",
            _413="too_large",
            _415="unsupported_format",
            _422="broken",
            _429="throttled",
            _503="busy",
        ),
    },
    examples=[
        OpenApiExample(
            "A happy face",
            response_only=True,
            status_codes=["200"],
            value={
                **EXAMPLE,
                "threshold": 0.5,
                "calibrated": True,
                "model_version_tag": "v3.0.0",
                "processing_time_ms": 12,
                "faces": [
                    {
                        "box": {"x": 172, "y": 61, "width": 102, "height": 102},
                        **EXAMPLE,
                    }
                ],
                "width": 512,
                "height": 512,
                "prediction_id": 1523,
            },
        )
    ],
)
@api_view(["POST"])
@permission_classes([AllowAny])
@throttle_classes([AnonymousPredictions])
@parser_classes([MultiPartParser, FormParser])
def predict(request: Request) -> Response:
    if not request.user.is_authenticated:
        check_anonymous()
    _check_length(request)
    data = PictureInput(data=request.data)
    if "file" not in request.FILES:
        raise NoPicture
    data.is_valid(raise_exception=True)
    _check_size(data.validated_data["file"].size)
    reader = engine()
    reading = Reading(
        data.validated_data["file"].read(),
        reader.clock(),
        assume_face=data.validated_data["assume_face"],
    )
    prediction = as_prediction(reader.predict_blocking(reading))
    rows = log_prediction(prediction, source=_source_of(request), at=timezone.now())
    body = dict(prediction_body(prediction))
    return Response(body | {"prediction_id": rows[0].pk if rows else None})


@extend_schema(tags=TAGS, summary="The seven emotions", responses=EmotionOutput(many=True))
@api_view(["GET"])
@permission_classes([AllowAny])
def emotions(_request: Request) -> Response:
    return Response(emotions_body(list(EmotionClass.objects.all())))


@extend_schema(tags=TAGS, summary="The active model version", responses=ModelInfoOutput)
@api_view(["GET"])
@permission_classes([AllowAny])
def model_info(_request: Request) -> Response:
    return Response(model_body(active_version()))


@extend_schema(tags=TAGS, summary="Whether predictions are served", responses=HealthOutput)
@api_view(["GET"])
@permission_classes([AllowAny])
def health(_request: Request) -> Response:
    return Response(health_body())


@extend_schema(
    methods=["GET"],
    tags=["History"],
    summary="The caller's own predictions",
    parameters=[PageInput],
    responses={200: PredictionPageOutput, **problems(_400="invalid", _401="not_authenticated")},
)
@extend_schema(
    operation_id="predictions_delete_many",
    methods=["DELETE"],
    tags=["History"],
    summary="Delete the caller's own predictions",
    description="All of them, or those that the filter names.",
    parameters=[FilterInput],
    responses={200: DeletedOutput, **problems(_400="invalid", _401="not_authenticated")},
)
@api_view(["GET", "DELETE"])
@permission_classes([IsAuthenticated])
def predictions(request: Request) -> Response:
    if request.method == "DELETE":
        return Response({"deleted": delete_predictions(_filtered(request))})
    data = PageInput(data=request.query_params)
    data.is_valid(raise_exception=True)
    rows, page = _filtered(request), data.validated_data["page"]
    count = rows.count()
    shown = rows.select_related("emotion", "model").order_by("-timestamp", "-pk")
    part = shown[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    body = {"count": count, "page": page, "pages": max(1, -(-count // PAGE_ROWS))}
    return Response(body | {"predictions": [selectors.as_exported(row) for row in part]})


@extend_schema(
    tags=["History"],
    summary="Delete one of the caller's own predictions",
    request=None,
    responses={
        204: None,
        **problems(_401="not_authenticated", _404="not_found"),
    },
)
@api_view(["DELETE"])
@permission_classes([IsAuthenticated])
def prediction(request: Request, prediction_id: int) -> Response:
    mine = PredictionLog.objects.owned_by(request.user)
    get_object_or_404(mine, pk=prediction_id)
    delete_predictions(mine.filter(pk=prediction_id))
    return Response(status=204)


@extend_schema(
    tags=["History"],
    summary="The caller's own predictions as a file",
    parameters=[
        FilterInput,
        OpenApiParameter("format", str, enum=["csv", "json", "xlsx"], default="csv"),
    ],
    responses={200: OpenApiTypes.BINARY, **problems(_400="invalid", _401="not_authenticated")},
)
@api_view(["GET"])
@permission_classes([IsAuthenticated])
@renderer_classes([CsvRenderer, JsonFileRenderer, XlsxRenderer])
def export_predictions(request: Request) -> Response:
    rows = selectors.exported(_filtered(request))
    return Response(Table("predictions", selectors.EXPORTED_COLUMNS, rows))


@extend_schema(
    methods=["GET"],
    tags=["Consent"],
    summary="Whether the caller agreed to the camera",
    responses={200: ConsentOutput, **problems(_401="not_authenticated")},
)
@extend_schema(
    methods=["POST"],
    tags=["Consent"],
    summary="Agree to the use of the camera",
    description="Keeps the version of the text and the time; agreeing twice changes nothing.",
    request=None,
    responses={200: ConsentOutput, **problems(_401="not_authenticated")},
)
@extend_schema(
    methods=["DELETE"],
    tags=["Consent"],
    summary="Withdraw the consent to the camera",
    description="Live cameras of the caller are not read any more, within a second.",
    responses={200: ConsentOutput, **problems(_401="not_authenticated")},
)
@api_view(["GET", "POST", "DELETE"])
@permission_classes([IsAuthenticated])
def consent(request: Request) -> Response:
    user = cast("User", request.user)
    given: CameraConsent | None
    if request.method == "DELETE":
        withdraw_consent(user)
        given = None
    elif request.method == "POST":
        given = give_consent(user, at=timezone.now())
    else:
        mine = CameraConsent.objects.filter(user=user)
        given = mine.filter(text_version=CONSENT_TEXT_VERSION).first()
    at = given.at.isoformat() if given else None
    return Response({"given": given is not None, "text_version": CONSENT_TEXT_VERSION, "at": at})


def _check_length(request: Request) -> None:
    """Refuse by the announced length, before a form is parsed."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdecimal():
        _check_size(int(length) - FORM_BYTES)


def _check_size(size: int) -> None:
    if size > STANDARD.bytes:
        limit = STANDARD.bytes
        raise PictureRefused(Failed("too_large", MESSAGES["too_large"], {"limit": limit}))


def _source_of(request: Request) -> Source:
    ip = client_of(request._request).ip
    if not request.user.is_authenticated:
        return Source(ip=ip)
    sesion = request.auth if isinstance(request.auth, Sesion) else None
    return Source(request.user.pk, request.user.username, sesion.pk if sesion else None, ip)


def _filtered(request: Request) -> PredictionLogQuerySet:
    """The caller's own rows that the query asks for. Raises a validation error."""
    data = FilterInput(data=request.query_params)
    data.is_valid(raise_exception=True)
    wanted: dict[str, Any] = data.validated_data
    rows = PredictionLog.objects.owned_by(request.user)
    rows = rows.between(wanted.get("from"), wanted.get("to"))
    return rows.of_emotion(wanted["emotion"]) if "emotion" in wanted else rows
