"""The page of past runs: each can be gone through again, and its record taken along."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from trading import replays
from trading.models import BotRun
from trading.run_api import recording_response
from trading.runs import runs_of
from trading.views import own
from trading.words import fault_of, said
from visionai.lib.errors import DomainError
from visionai.lib.jobs import ENDED


def _own_run(request: HttpRequest, session_id: str, run_id: int) -> BotRun:
    """One of the visitor's own. Raises `Http404`."""
    session = own(request, session_id)
    found = session.runs.filter(pk=run_id).select_related("session__user").first()
    if found is None:
        raise Http404
    return found


@login_required
@require_GET
def runs(request: HttpRequest, session_id: str) -> HttpResponse:
    session = own(request, session_id)
    shown = [
        {
            "of": one,
            "going": one.replay is not None and one.replay.state not in ENDED,
            "fault": fault_of(one.replay.error) if one.replay else "",
        }
        for one in runs_of(session)
    ]
    going = next((one["of"] for one in shown if one["going"]), None)
    return render(request, "trading/runs.html", {"session": session, "runs": shown, "going": going})


@login_required
@require_POST
def replay(request: HttpRequest, session_id: str, run_id: int) -> HttpResponse:
    run = _own_run(request, session_id, run_id)
    try:
        replays.start_replay(run, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}. {said(refusal)}")
    return redirect("trading-runs", session_id)


@login_required
@require_GET
def progress(request: HttpRequest, session_id: str, run_id: int) -> HttpResponse:
    newest = _own_run(request, session_id, run_id).replays.first()
    if newest is None:
        raise Http404
    told = {"state": newest.state, "progress": newest.progress, "step": ""}
    return HttpResponse(json.dumps(told), content_type="application/json")


@login_required
@require_GET
def recording(request: HttpRequest, session_id: str, run_id: int) -> HttpResponseBase:
    run = _own_run(request, session_id, run_id)
    try:
        return recording_response(run)
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}. {said(refusal)}")
        return redirect("trading-runs", session_id)
