"""The API of the charts: totals for everyone, rows for those whose they are."""

from dataclasses import asdict

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, permission_classes, renderer_classes
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from predictions import selectors
from predictions.models import EmotionClass, PredictionLog, PredictionLogQuerySet
from predictions.serializers import (
    DaysInput,
    EmotionDetailOutput,
    LimitInput,
    RecentOutput,
    StatsOutput,
    TimelineOutput,
    recent_row,
)
from visionai.lib.openapi import problems
from visionai.lib.tables import CsvRenderer, Table

MINE = OpenApiParameter("mine", bool, description="Only the caller's own predictions.")


@extend_schema(
    tags=["Dashboard"],
    summary="Totals by emotion",
    parameters=[MINE],
    responses={200: StatsOutput, **problems(_401="bad_token")},
)
@api_view(["GET"])
@permission_classes([AllowAny])
@renderer_classes([JSONRenderer, CsvRenderer])
def stats(request: Request) -> Response:
    found = selectors.stats(_counted(request))
    if request.accepted_renderer.format == "csv":
        rows = ({"emotion": n, "count": c} for n, c in found.predictions_by_emotion.items())
        return Response(Table("emotions", ("emotion", "count"), rows))
    return Response(asdict(found))


@extend_schema(
    tags=["Dashboard"],
    summary="The newest predictions that the caller may see",
    description="Staff see all with their address, a user their own, a visitor none.",
    parameters=[LimitInput, MINE],
    responses={200: RecentOutput, **problems(_400="invalid", _401="bad_token")},
)
@api_view(["GET"])
@permission_classes([AllowAny])
@renderer_classes([JSONRenderer, CsvRenderer])
def recent(request: Request) -> Response:
    data = LimitInput(data=request.query_params)
    data.is_valid(raise_exception=True)
    staff = bool(getattr(request.user, "is_staff", False))
    mine = not staff or _wants_mine(request)
    seen = PredictionLog.objects.owned_by(request.user) if mine else PredictionLog.objects.all()
    found = selectors.recent(seen, limit=data.validated_data["limit"])
    rows = [recent_row(row, for_staff=staff) for row in found]
    if request.accepted_renderer.format == "csv":
        columns = ("id", "timestamp", "emotion", "confidence", "source_ip", "user")
        return Response(Table("recent", columns, rows))
    return Response({"count": len(rows), "predictions": rows})


@extend_schema(
    tags=["Dashboard"],
    summary="Predictions a day",
    parameters=[DaysInput, MINE],
    responses={200: TimelineOutput, **problems(_400="invalid", _401="bad_token")},
)
@api_view(["GET"])
@permission_classes([AllowAny])
@renderer_classes([JSONRenderer, CsvRenderer])
def timeline(request: Request) -> Response:
    data = DaysInput(data=request.query_params)
    data.is_valid(raise_exception=True)
    days = data.validated_data["days"]
    found = selectors.timeline(_counted(request), days=days, today=timezone.now().date())
    if request.accepted_renderer.format == "csv":
        return Response(Table("timeline", ("date", "count"), found))
    return Response({"period_days": days, "timeline": found})


@extend_schema(
    tags=["Dashboard"],
    summary="One emotion in detail",
    parameters=[DaysInput, MINE],
    responses={
        200: EmotionDetailOutput,
        **problems(_400="invalid", _401="bad_token", _404="not_found"),
    },
)
@api_view(["GET"])
@permission_classes([AllowAny])
@renderer_classes([JSONRenderer, CsvRenderer])
def emotion(request: Request, name: str) -> Response:
    emotion = get_object_or_404(EmotionClass, emotion_name=name)
    data = DaysInput(data=request.query_params)
    data.is_valid(raise_exception=True)
    days, today = data.validated_data["days"], timezone.now().date()
    found = selectors.emotion_detail(_counted(request), emotion, today=today, days=days)
    if request.accepted_renderer.format == "csv":
        return Response(Table(name, ("date", "count"), found.timeline))
    return Response(asdict(found))


def _wants_mine(request: Request) -> bool:
    return request.query_params.get("mine", "0").lower() in {"1", "true"}


def _counted(request: Request) -> PredictionLogQuerySet:
    """The rows behind a chart: everyone's, or with `mine` the caller's own."""
    if _wants_mine(request):
        return PredictionLog.objects.owned_by(request.user)
    return PredictionLog.objects.all()
