"""The API of the networks' cards: facts and report, and each table as a file."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes, renderer_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from predictions.core.report_view import TABLES, read_results
from predictions.model_cards import EMOTIONS, NETWORKS, ModelCard, find_card
from predictions.versions import UnknownVersion
from visionai.lib.errors import DomainError
from visionai.lib.openapi import problems, shows
from visionai.lib.tables import CsvRenderer, JsonFileRenderer, Table, XlsxRenderer

TAGS = ["Predictions"]
ASKED = [
    OpenApiParameter("network", str, enum=NETWORKS, default=EMOTIONS),
    OpenApiParameter("version", str, description="A version's tag; by default the one at work."),
]


class NotMeasured(DomainError):
    status, code, title = 404, "not_measured", _("This was not measured")
    detail = _("The report of {tag} has no table called {table}.")


class UnknownSet(DomainError):
    status, code, title = 404, "unknown_set", _("There is no such set")
    detail = _("The report of {tag} has no set called {set}, only {sets}.")


@shows(
    {
        "network": "emotions",
        "model_version_tag": "v3.0.0",
        "active": True,
        "input_shape": "(None, 96, 96, 3)",
        "total_params": 2667475,
        "macs": 19114624,
        "file_bytes": 2733840,
        "sha256": "b2dc5cb0575e0d8c47438fc2f622e6c20c879a8638629187291ae8de94ae091c",
        "precision": "int8",
        "temperature": 0.6598,
        "calibrated": True,
        "crop_margin": 0.0,
        "threshold": None,
        "report": {"classes": ["angry", "disgust"], "sets": []},
    }
)
class ModelCardOutput(serializers.Serializer[Any]):
    network = serializers.ChoiceField(choices=NETWORKS)
    model_version_tag = serializers.CharField()
    active = serializers.BooleanField()
    input_shape = serializers.CharField()
    total_params = serializers.IntegerField(allow_null=True)
    macs = serializers.IntegerField(
        allow_null=True, help_text="Multiply-accumulates of one picture."
    )
    file_bytes = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    precision = serializers.CharField()
    temperature = serializers.FloatField(allow_null=True)
    calibrated = serializers.BooleanField()
    crop_margin = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField(
        allow_null=True, help_text="The network's own; that of the emotions is the operator's."
    )
    report = serializers.DictField(
        help_text="As `manage.py evaluate_model --json` writes it; `sets` is empty or missing "
        "where nobody has measured the network."
    )


@extend_schema(
    tags=TAGS,
    summary="The card of a network, with the report of its evaluation",
    parameters=ASKED,
    responses={200: ModelCardOutput, **problems(_404="unknown_version")},
)
@api_view(["GET"])
@permission_classes([AllowAny])
def card(request: Request) -> Response:
    found = _asked(request)
    return Response(
        {
            "network": found.network,
            "model_version_tag": found.tag,
            "active": found.active,
            "input_shape": found.input_shape,
            "total_params": found.total_params,
            "macs": found.macs,
            "file_bytes": found.file_bytes,
            "sha256": found.sha256,
            "precision": found.precision,
            "temperature": found.temperature,
            "calibrated": found.calibrated,
            "crop_margin": found.crop_margin,
            "threshold": found.threshold,
            "report": found.report,
        }
    )


@extend_schema(
    operation_id="model_card_table",
    tags=TAGS,
    summary="A table of a network's report as a file",
    parameters=[
        OpenApiParameter("table", str, OpenApiParameter.PATH, enum=TABLES),
        *ASKED,
        OpenApiParameter("set", str, description="Of the report; by default the one shown first."),
        OpenApiParameter("format", str, enum=["csv", "json", "xlsx"], default="csv"),
    ],
    responses={200: OpenApiTypes.BINARY, **problems(_404="not_measured")},
)
@api_view(["GET"])
@permission_classes([AllowAny])
@renderer_classes([CsvRenderer, JsonFileRenderer, XlsxRenderer])
def card_table(request: Request, table: str) -> Response:
    found = _asked(request)
    asked = request.query_params.get("set", "")
    results = read_results(found.report, chosen=asked)
    if asked and asked != results.chosen:
        names = ", ".join(name for name, _title in results.sets)
        raise UnknownSet(tag=found.tag, set=asked, sets=names)
    if table not in results.tables:
        raise NotMeasured(tag=found.tag, table=table)
    rows = results.tables[table]
    return Response(Table(f"{found.tag}-{table}", rows.keys, rows.rows))


def _asked(request: Request) -> ModelCard:
    """Raises `UnknownVersion`."""
    query = request.query_params
    network, tag = query.get("network", EMOTIONS), query.get("version", "")
    found = find_card(network, tag)
    if found is None:
        raise UnknownVersion(tag=tag or network)
    return found
