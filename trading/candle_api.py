"""The API of what trials are made of: candles of one's own, and the strategies there are."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from trading import lab_services
from trading.api import TAGS, user_of
from trading.core.candle_csv import FILE_BYTES
from trading.core.strategies import STRATEGIES, Parameter
from trading.lab_refusals import CandlesRefused, NoCandles
from trading.lab_serializers import (
    CandleFileInput,
    CandleFileOutput,
    CandleFilesOutput,
    StrategiesOutput,
)
from trading.models import CandleFile
from trading.refusals import NotFound
from trading.wire import moment
from trading.words import PARAMETERS
from trading.words import STRATEGIES as WORDS
from visionai.lib.openapi import problems

UID = OpenApiParameter("uid", OpenApiTypes.UUID, "path")
FOUND = problems(_401="bad_token", _404="not_found")
KINDS = {"int": "integer", "float": "number"}


def _body(row: CandleFile) -> dict[str, object]:
    return {
        "uid": str(row.uid),
        "filename": row.filename,
        "asset": row.asset,
        "seconds": row.seconds,
        "count": row.count,
        "first_start": row.first_start,
        "last_start": row.last_start,
        "size": row.size,
        "created_at": moment(row.created_at),
    }


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_trading_candles_list",
    summary="List your candle files, the newest first",
    responses={200: CandleFilesOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Upload candles as CSV",
    description="Columns `time`, `open`, `high`, `low` and `close`, up to 16 MB. The name of the"
    " file names the asset. A backtest or a training then takes"
    ' `{"source": {"kind": "file", "file": "<uid>"}}`.',
    request={"multipart/form-data": CandleFileInput},
    responses={
        201: CandleFileOutput,
        **problems(_400="no_file", _401="bad_token", _409="quota_reached", _422="bad_candles"),
    },
)
@api_view(["GET", "POST"])
@parser_classes([MultiPartParser, FormParser])
def candle_files(request: Request) -> Response:
    if request.method == "GET":
        mine = CandleFile.objects.owned_by(user_of(request))
        return Response({"candles": [_body(one) for one in mine]})
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise NoCandles
    if (file.size or 0) > FILE_BYTES:
        raise CandlesRefused("file_too_large")
    row = lab_services.upload_candles(
        user_of(request), filename=str(file.name), data=bytes(file.read()), at=timezone.now()
    )
    url = f"/api/v1/trading/candles/{row.uid}"
    return Response(_body(row), status=201, headers={"Location": url})


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="What is known of a candle file of yours",
    parameters=[UID],
    responses={200: CandleFileOutput, **FOUND},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Delete a candle file of yours; what was tried on it stays",
    parameters=[UID],
    responses={204: None, **FOUND},
)
@api_view(["GET", "DELETE"])
def candle_file(request: Request, uid: str) -> Response:
    try:
        number = UUID(uid)
    except ValueError as error:
        raise NotFound from error
    row = CandleFile.objects.owned_by(user_of(request)).filter(uid=number).first()
    if row is None:
        raise NotFound
    if request.method == "DELETE":
        lab_services.delete_candles(row)
        return Response(status=204)
    return Response(_body(row))


@extend_schema(
    tags=TAGS,
    summary="The strategies that a bot or a backtest can follow, with their parameters",
    description="`schema` is a JSON Schema of what `parameters` may hold.",
    responses={200: StrategiesOutput, **problems(_401="bad_token")},
)
@api_view(["GET"])
def strategies(request: Request) -> Response:  # noqa: ARG001
    told = []
    for name, kind in STRATEGIES.items():
        title, description = WORDS[name]
        properties = {one.name: _schema(one) for one in kind.parameters}
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if needed := [one.name for one in kind.parameters if one.kind == "agent"]:
            schema["required"] = needed
        told.append(
            {"name": name, "title": title, "description": description, "schema": schema},
        )
    return Response({"strategies": told})


def _schema(one: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"title": PARAMETERS[one.name]}
    if one.kind == "agent":
        return found | {"type": "string", "format": "uuid"}
    if one.kind in KINDS:
        found |= {"type": KINDS[one.kind], "minimum": one.least, "maximum": one.most}
    else:
        found |= {"type": "string", "enum": list(one.choices)}
    return found | {"default": one.default}
