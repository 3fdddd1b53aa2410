"""The API of a user's own log, and of a session's figures."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from trading import logbook, selectors, session_figures
from trading.api import LIMIT, TAGS, number_in, user_of
from trading.core.levels import LEVELS
from trading.downloads import download
from trading.log_serializers import FiguresOutput, LogOutput
from trading.logbook import Asked, entry_body, events_of
from trading.market_api import lines_of
from trading.models import Event
from trading.refusals import NotAccepted
from trading.wire import moment
from trading.words import told
from visionai.lib.openapi import problems

FILTERS = [
    OpenApiParameter("session", OpenApiTypes.UUID, description="Of yours."),
    OpenApiParameter("level", OpenApiTypes.STR, enum=LEVELS),
    OpenApiParameter("kind", OpenApiTypes.STR, enum=logbook.KINDS),
    OpenApiParameter("from", OpenApiTypes.DATE, description="The first day, UTC."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="The last day, UTC."),
]
BEFORE = OpenApiParameter("before", OpenApiTypes.INT, description="The oldest id you have.")
PROBLEMS = problems(_400="not_accepted", _401="bad_token", _404="not_found")


@extend_schema(
    tags=TAGS,
    summary="Your own log over all your sessions, the newest first",
    parameters=[*FILTERS, BEFORE, LIMIT],
    responses={200: LogOutput, **PROBLEMS},
)
@api_view(["GET"])
def log(request: Request) -> Response:
    rows = events_of(user_of(request), _asked(request))
    limit = max(1, number_in(request, "limit", default=selectors.MOST, most=selectors.MOST))
    if before := number_in(request, "before", default=0, most=2**62):
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    entries = [entry_body(one) for one in found[:limit]]
    return Response({"entries": entries, "more": len(found) > limit})


@extend_schema(
    tags=TAGS,
    summary="Your own log over all your sessions, as CSV",
    parameters=FILTERS,
    responses={(200, "text/csv"): OpenApiTypes.BINARY, **PROBLEMS},
)
@api_view(["GET"])
def log_csv(request: Request) -> StreamingHttpResponse:
    return csv_response(user_of(request), _asked(request))


def csv_response(user: User, asked: Asked) -> StreamingHttpResponse:
    """However long it is, a batch at a time; with the sentence of the page beside the data."""
    events = logbook.one_by_one(events_of(user, asked))
    lines = lines_of((*logbook.COLUMNS, "text"), _rows(events))
    return download("trading-log.csv", "text/csv; charset=utf-8", lines)


def _rows(events: Iterator[Event]) -> Iterator[list[object]]:
    for event in events:
        body: dict[str, Any] = {**entry_body(event)}
        body["data"] = json.dumps(body["data"], sort_keys=True)
        yield [*(body[name] for name in logbook.COLUMNS), told(event)]


def _asked(request: Request) -> Asked:
    """The filters of the query. Raises `NotAccepted`, and `NotFound` for a foreign session."""
    query = request.query_params
    session: UUID | None = None
    if text := query.get("session", ""):
        session = selectors.own_session(user_of(request), text).pk
    for name, choices in (("level", LEVELS), ("kind", logbook.KINDS)):
        if query.get(name, "") not in ("", *choices):
            raise NotAccepted(field=name, why="unknown")
    return Asked(
        session,
        query.get("level", ""),
        query.get("kind", ""),
        _day(request, "from"),
        _day(request, "to"),
    )


def _day(request: Request, name: str) -> date | None:
    text = request.query_params.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise NotAccepted(field=name, why="no_day") from error


@extend_schema(
    tags=TAGS,
    summary="How a session does, in figures",
    responses={200: FiguresOutput, **problems(_401="bad_token", _404="not_found")},
)
@api_view(["GET"])
def figures(request: Request, session_id: str) -> Response:
    session = selectors.own_session(user_of(request), session_id)
    found = asdict(session_figures.figures_of(session, at=timezone.now()))
    for name in ("connected_at", "heartbeat_at"):
        found[name] = moment(found[name])
    return Response({"session_id": str(session.pk), "account_type": session.account_type, **found})
