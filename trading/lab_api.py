"""The API of backtests and agents: to ask for one, to follow it, and to take its files."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from trading import lab_services, selectors
from trading.api import TAGS, sesion_of, user_of
from trading.lab_refusals import worded
from trading.lab_serializers import (
    SOURCE,
    LabCancelledOutput,
    LabInput,
    LabJobOutput,
    LabJobsOutput,
    PromoteInput,
)
from trading.lab_terms import BacktestTerms, TrainingTerms
from trading.models import Agent, Backtest
from trading.refusals import NotFound
from trading.serializers import SESSION_ID, TradingSessionOutput
from trading.wire import moment, session_body
from visionai.lib.openapi import problems

MODELS: dict[str, type[Backtest] | type[Agent]] = {"backtests": Backtest, "agents": Agent}
SHOWN = 100
KIND = OpenApiParameter("kind", OpenApiTypes.STR, "path", enum=list(MODELS))
FOUND = problems(_401="bad_token", _404="not_found")
PROMOTE = OpenApiExample("Promote", value={"session_id": SESSION_ID}, request_only=True)


def _body(job: Backtest | Agent) -> dict[str, Any]:
    error = job.error or {}
    return {
        "uid": str(job.uid),
        "kind": "backtests" if isinstance(job, Backtest) else "agents",
        "name": job.strategy if isinstance(job, Backtest) else job.name,
        "asset": job.asset,
        "seconds": job.seconds,
        "minutes": job.minutes,
        "state": job.state,
        "progress": job.progress,
        "step": job.step,
        "result": job.result or None,
        "error": worded(str(error["code"]), error.get("facts", {})) if error else None,
        "files": [{"name": name, "size": size} for name, size in job.files()],
        "created_at": moment(job.created_at),
    }


def _own(request: Request, kind: str, uid: str) -> Backtest | Agent:
    """One of the caller's own. Raises `NotFound`."""
    try:
        number = UUID(uid)
    except ValueError as error:
        raise NotFound from error
    found = MODELS[kind].objects.owned_by(user_of(request)).filter(uid=number).first()
    if found is None:
        raise NotFound
    return found


def _start(request: Request, kind: str, asked: Mapping[str, Any]) -> Backtest | Agent:
    who, at = (user_of(request), sesion_of(request)), timezone.now()
    market: dict[str, Any] = {name: asked[name] for name in ("source", "minutes")}
    given = {name: asked[name] for name in ("payout", "stake", "seed") if name in asked}
    if kind == "agents":
        terms = TrainingTerms(**{k: value for k, value in given.items() if k != "stake"})
        name = asked.get("name", "")
        return lab_services.start_training(*who, name=name, **market, terms=terms, at=at)
    return lab_services.start_backtest(
        *who,
        strategy=asked.get("strategy", ""),
        parameters=asked.get("parameters", {}),
        **market,
        terms=BacktestTerms(**{k: value for k, value in given.items() if k != "seed"}),
        at=at,
    )


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_trading_lab_list",
    summary="List your backtests or your agents, the newest first",
    parameters=[KIND],
    responses={200: LabJobsOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Try a strategy on past candles, or train an agent",
    parameters=[KIND],
    request=LabInput,
    responses={
        201: LabJobOutput,
        **problems(_400="invalid", _401="bad_token", _409="busy_already", _422="bad_candles"),
    },
)
@api_view(["GET", "POST"])
def jobs(request: Request, kind: str) -> Response:
    if request.method == "GET":
        rows = MODELS[kind].objects.owned_by(user_of(request))[:SHOWN]
        return Response({"jobs": [_body(one) for one in rows]})
    data = LabInput(data=request.data)
    data.is_valid(raise_exception=True)
    job = _start(request, kind, {"source": SOURCE, **data.validated_data})
    url = f"/api/v1/trading/{kind}/{job.uid}"
    return Response(_body(job), status=201, headers={"Location": url})


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="How a backtest or a training goes, and what came of it",
    parameters=[KIND],
    responses={200: LabJobOutput, **FOUND},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Delete a backtest or an agent with its files",
    parameters=[KIND],
    responses={204: None, **FOUND},
)
@api_view(["GET", "DELETE"])
def job(request: Request, kind: str, uid: str) -> Response:
    found = _own(request, kind, uid)
    if request.method == "DELETE":
        lab_services.delete(found)
        return Response(status=204)
    return Response(_body(found))


@extend_schema(
    tags=TAGS,
    summary="Cancel a backtest or a training",
    parameters=[KIND],
    request=None,
    responses={200: LabCancelledOutput, **FOUND},
)
@api_view(["POST"])
def cancel(request: Request, kind: str, uid: str) -> Response:
    found = _own(request, kind, uid)
    return Response({"cancelled": lab_services.cancel(found, at=timezone.now())})


@extend_schema(
    tags=TAGS,
    summary="Have the bot of a session of yours follow an agent of yours",
    description="A bot that runs goes on with it. With real money the agent needs a demonstrated"
    " edge.",
    request=PromoteInput,
    examples=[PROMOTE],
    responses={
        200: TradingSessionOutput,
        **problems(_400="invalid", _401="bad_token", _404="not_found", _409="not_trained"),
    },
)
@api_view(["POST"])
def promote(request: Request, uid: str) -> Response:
    data = PromoteInput(data=request.data)
    data.is_valid(raise_exception=True)
    agent = _own(request, "agents", uid)
    assert isinstance(agent, Agent)
    session = selectors.own_session(user_of(request), data.validated_data["session_id"])
    return Response(session_body(lab_services.promote(agent, session, at=timezone.now())))


@extend_schema(
    tags=TAGS,
    summary="A file that a backtest or a training made",
    parameters=[KIND],
    responses={200: OpenApiTypes.BINARY, **FOUND},
)
@api_view(["GET"])
def file(request: Request, kind: str, uid: str, name: str) -> FileResponse:
    try:
        opened = lab_services.file_of(_own(request, kind, uid), name).open("rb")
    except OSError as error:
        raise NotFound from error
    response = FileResponse(opened, as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
    return response
