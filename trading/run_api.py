"""The API of past runs of a session's bot: to list them, to take their record, to go through it."""

from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from trading import replays, selectors
from trading.api import TAGS, user_of
from trading.downloads import download
from trading.models import BotRun, Replay
from trading.recordings import recording_of_run
from trading.refusals import NotFound
from trading.run_serializers import QUEUED, ReplayOutput, RunsOutput
from trading.runs import RunShown, runs_of
from trading.wire import moment
from trading.words import fault_of
from visionai.lib.openapi import problems

FOUND = problems(_401="bad_token", _404="not_found")


def replay_body(job: Replay) -> dict[str, Any]:
    return {
        "uid": str(job.uid),
        "run": job.run_id,
        "state": job.state,
        "result": job.result or None,
        "error": fault_of(job.error) or None,
        "created_at": moment(job.created_at),
        "ended_at": moment(job.ended_at),
    }


def _body(shown: RunShown) -> dict[str, Any]:
    run = shown.run
    return {
        "id": run.pk,
        "started_at": moment(run.started_at),
        **run.plan,
        "looks": shown.looks,
        "commands": shown.commands,
        "refused": shown.refused,
        "last_look_at": moment(shown.last_look_at),
        "replay": replay_body(shown.replay) if shown.replay else None,
    }


def _own(request: Request, session_id: str, run_id: str) -> BotRun:
    """A run of one of the caller's own sessions. Raises `NotFound`."""
    session = selectors.own_session(user_of(request), session_id)
    found = session.runs.filter(pk=int(run_id)).select_related("session__user").first()
    if found is None:
        raise NotFound
    return found


@extend_schema(
    tags=TAGS,
    operation_id="api_v1_trading_sessions_runs_list",
    summary="The runs of a session's bot, the newest first",
    description="Each with its plan, how often the bot looked, and what came of that. They are "
    "kept for 30 days.",
    responses={200: RunsOutput, **FOUND},
)
@api_view(["GET"])
def runs(request: Request, session_id: str) -> Response:
    session = selectors.own_session(user_of(request), session_id)
    return Response({"runs": [_body(one) for one in runs_of(session)]})


@extend_schema(
    tags=TAGS,
    summary="The record of a run, as JSON lines",
    description="All that its commands followed from: plan, candles, clocks, orders, settlements, "
    "limits and refusals, in the order in which the bot learned of them.",
    responses={
        (200, "application/jsonl"): OpenApiTypes.BINARY,
        **problems(_401="bad_token", _404="not_found", _422="bad_parameters"),
    },
)
@api_view(["GET"])
def recording(request: Request, session_id: str, run_id: str) -> StreamingHttpResponse:
    return recording_response(_own(request, session_id, run_id))


def recording_response(run: BotRun) -> StreamingHttpResponse:
    """As a download. Raises what the strategy raises, before the first byte."""
    lines = recording_of_run(run)
    first = next(lines)
    name = f"run-{run.session.account_type}-{run.pk}.jsonl"
    return download(name, "application/jsonl", chain([first], lines))


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="How the newest replay of a run goes, and what came of it",
    responses={200: ReplayOutput, **FOUND},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Go through a run again",
    description="A worker asks the same strategy at the same moments with the same candles, and "
    "compares its commands and refusals with the recorded ones, byte for byte.",
    request=None,
    examples=[QUEUED],
    responses={202: ReplayOutput, **problems(_401="bad_token", _404="not_found", _409="conflict")},
)
@api_view(["GET", "POST"])
def replay(request: Request, session_id: str, run_id: str) -> Response:
    run = _own(request, session_id, run_id)
    if request.method == "POST":
        job = replays.start_replay(run, at=timezone.now())
        return Response(replay_body(job), status=202)
    newest = run.replays.first()
    if newest is None:
        raise NotFound
    return Response(replay_body(newest))
