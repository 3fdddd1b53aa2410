"""Pages on which a strategy or an agent is tried before it is believed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
)
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from trading import lab_services
from trading.forms import CANDLE_SIZES
from trading.lab_refusals import worded
from trading.lab_terms import BacktestTerms, TrainingTerms
from trading.models import Agent, Backtest, CandleFile, TradingSession
from trading.settings_views import parameters_in, strategies_shown, trained_agents
from trading.views import own, sesion_of, user_of
from trading.words import said
from visionai.lib.errors import DomainError
from visionai.lib.jobs import ENDED, JobState

MODELS: dict[str, type[Backtest] | type[Agent]] = {"pruebas": Backtest, "agentes": Agent}
FILE_BYTES = 16 * 2**20
PAPER = ("EURUSD-OTC", "GBPUSD-OTC", "USDJPY-OTC", "BTCUSD", "XAUUSD")
SHOWN = 30


def _job(request: HttpRequest, kind: str, uid: UUID) -> Backtest | Agent:
    """One of the visitor's own. Raises `Http404`."""
    if kind not in MODELS:
        raise Http404
    found = MODELS[kind].objects.owned_by(user_of(request)).filter(uid=uid).first()
    if found is None:
        raise Http404
    return found


def source_in(body: QueryDict) -> dict[str, Any]:
    """The candles that a form names: a file of one's own, or the paper market."""
    if body.get("file"):
        return {"kind": "file", "file": body["file"]}
    return {
        "kind": "paper",
        "asset": body.get("asset", ""),
        "seconds": _whole(body, "seconds", 60),
        "count": _whole(body, "count", 5000),
    }


def _whole(body: QueryDict, name: str, default: int) -> int:
    text = body.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 12 else default


def _decimal(body: QueryDict, name: str, default: str) -> Decimal:
    try:
        return Decimal(body.get(name) or default)
    except InvalidOperation:
        return Decimal(default)


@login_required
@require_GET
def backtests(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    facts = {
        "jobs": Backtest.objects.owned_by(user)[:SHOWN],
        "strategies": strategies_shown("rsi", {}, ""),
        "agents": trained_agents(user),
        **_market(request),
    }
    return render(request, "trading/backtests.html", facts)


@login_required
@require_GET
def agents(request: HttpRequest) -> HttpResponse:
    jobs = Agent.objects.owned_by(user_of(request))[:SHOWN]
    return render(request, "trading/agents.html", {"jobs": jobs, **_market(request)})


def _market(request: HttpRequest) -> dict[str, Any]:
    """What a trial can be made of."""
    files = CandleFile.objects.owned_by(user_of(request))
    return {"files": files, "assets": PAPER, "sizes": CANDLE_SIZES}


def _tried(request: HttpRequest, work: Callable[[], Any], back: str) -> HttpResponse:
    """Queue a job and show it; a refusal goes back to where it was asked."""
    try:
        job = work()
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}. {said(refusal)}")
        return redirect(back)
    kind = "pruebas" if isinstance(job, Backtest) else "agentes"
    return redirect("trading-job", kind=kind, uid=job.uid)


@login_required
@require_POST
def start_backtest(request: HttpRequest) -> HttpResponse:
    body, name = request.POST, request.POST.get("strategy", "")

    def work() -> Backtest:
        return lab_services.start_backtest(
            user_of(request),
            sesion_of(request),
            source=source_in(body),
            strategy=name,
            parameters=parameters_in(request, name),
            minutes=_whole(body, "minutes", 1),
            terms=BacktestTerms(
                stake=_decimal(body, "stake", "10"), payout=_decimal(body, "payout", "0.86")
            ),
            at=timezone.now(),
        )

    return _tried(request, work, "trading-backtests")


@login_required
@require_POST
def start_training(request: HttpRequest) -> HttpResponse:
    body = request.POST

    def work() -> Agent:
        return lab_services.start_training(
            user_of(request),
            sesion_of(request),
            name=body.get("name", ""),
            source=source_in(body),
            minutes=_whole(body, "minutes", 1),
            terms=TrainingTerms(
                payout=_decimal(body, "payout", "0.86"), seed=_whole(body, "seed", 1)
            ),
            at=timezone.now(),
        )

    return _tried(request, work, "trading-agents")


@login_required
@require_POST
def upload_candles(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > FILE_BYTES:
        messages.error(request, _("Choose a CSV file of up to 16 MB."))
        return redirect("trading-backtests")
    try:
        lab_services.upload_candles(
            user_of(request), filename=str(file.name), data=bytes(file.read()), at=timezone.now()
        )
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}. {said(refusal)}")
    else:
        messages.success(request, _("The candles were uploaded."))
    return redirect("trading-backtests")


@login_required
@require_POST
def delete_candles(request: HttpRequest, uid: UUID) -> HttpResponse:
    found = CandleFile.objects.owned_by(user_of(request)).filter(uid=uid).first()
    if found is None:
        raise Http404
    lab_services.delete_candles(found)
    return redirect("trading-backtests")


@login_required
@require_GET
def job(request: HttpRequest, kind: str, uid: UUID) -> HttpResponse:
    found = _job(request, kind, uid)
    verdict = found.result.get("verdict") if found.state == JobState.DONE else None
    error = found.error or {}
    facts = {
        "job": found,
        "kind": kind,
        "ended": found.state in ENDED,
        "percent": round(found.progress * 100),
        "fault": worded(str(error.get("code", "")), error.get("facts", {})),
        "result": found.result,
        "verdict": verdict,
        "lacks": [worded(one, {}) for one in (verdict or {}).get("reasons", [])],
        "sessions": TradingSession.objects.owned_by(user_of(request)).live(),
    }
    if isinstance(found, Backtest) and found.result:
        facts |= {name: datetime.fromtimestamp(found.result[name], UTC) for name in ("from", "to")}
        facts["begin"] = facts.pop("from")
        facts["profit"] = Decimal(found.result["profit"])
    if isinstance(found, Agent) and found.result:
        facts["tallies"] = _tallies(found.result)
    return render(request, f"trading/{'backtest' if kind == 'pruebas' else 'agent'}.html", facts)


def _tallies(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each seed and each baseline, as rows of one table."""
    seeds = zip(result["seeds"], result["of_seeds"], strict=False)
    rows = [{"seed": seed, **one} for seed, one in seeds]
    return rows + [{"baseline": name, **one} for name, one in result["baselines"].items()]


@login_required
@require_GET
def progress(request: HttpRequest, kind: str, uid: UUID) -> HttpResponse:
    found = _job(request, kind, uid)
    told = {"state": found.state, "progress": found.progress, "step": found.step}
    return HttpResponse(json.dumps(told), content_type="application/json")


@login_required
@require_GET
def file(request: HttpRequest, kind: str, uid: UUID, name: str) -> HttpResponseBase:
    """A file that the job made, as a download."""
    try:
        path = lab_services.file_of(_job(request, kind, uid), name)
        opened = path.open("rb")
    except OSError as error:
        raise Http404 from error
    response = FileResponse(opened, as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def end_job(request: HttpRequest, kind: str, uid: UUID, what: str) -> HttpResponse:
    """Cancel or delete."""
    found = _job(request, kind, uid)
    if what == "cancelar":
        lab_services.cancel(found, at=timezone.now())
        return redirect("trading-job", kind=kind, uid=uid)
    if what != "borrar":
        raise Http404
    lab_services.delete(found)
    return redirect("trading-backtests" if kind == "pruebas" else "trading-agents")


@login_required
@require_POST
def promote(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Have a session's bot follow the agent."""
    agent = _job(request, "agentes", uid)
    assert isinstance(agent, Agent)
    session = own(request, request.POST.get("session", ""))
    try:
        lab_services.promote(agent, session, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, f"{refusal.title}. {said(refusal)}")
        return redirect("trading-job", kind="agentes", uid=uid)
    messages.success(request, _("The bot of this session follows the agent."))
    return redirect("trading-board", session.pk)
