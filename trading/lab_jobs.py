"""How backtests and trainings run: a worker claims a row, a child process does the work."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.utils import timezone

from accounts.acts import BACKTEST, TRAINING
from accounts.usage import record
from trading import lab_sources, lab_store
from trading.child import Ended, run_child
from trading.core.strategies import Agent as AgentStrategy
from trading.lab_services import AnyJob, agent_of, file_of, kind_of
from trading.models import Agent, Backtest
from visionai.lib.errors import DomainError
from visionai.lib.jobs import ATTEMPTS, ENDED, JobState, claim, silent_at

MODELS: Final[Mapping[str, type[Backtest] | type[Agent]]] = {"backtest": Backtest, "agent": Agent}
LONGEST_S: Final[Mapping[str, float]] = {"backtest": 300.0, "agent": 1200.0}
MODULES: Final[Mapping[str, str]] = {"backtest": "trading.work", "agent": "trading.training.work"}


def run(kind: str, uid: str) -> None:
    """Do what a row asks for, unless another worker does. Safe to call twice."""
    rows: Any = MODELS[kind].objects.filter(uid=uid)
    if rows.to_be_stopped().exists():
        rows.update(wants_cancel=True)
    if not claim(rows, at=timezone.now()):
        rows.filter(wants_cancel=True).exclude(state__in=ENDED).update(
            state=JobState.CANCELLED, ended_at=timezone.now()
        )
        return
    job = rows.select_related("owner").get()
    if job.attempts > ATTEMPTS:
        _fail(job, "lost")
        return
    folder = lab_store.work(job.uid)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        asked = _prepared(job)
        seconds = LONGEST_S[kind]
        ended = run_child(
            MODULES[kind], folder, asked, seconds=seconds, goes_on=lambda told: _note(rows, told)
        )
        _conclude(job, ended, cancelled=rows.to_be_stopped().exists())
    except (DomainError, OSError) as error:
        code = str(getattr(error, "facts", {}).get("why", getattr(error, "code", "internal")))
        _fail(job, code, getattr(error, "facts", {}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(job: AnyJob) -> dict[str, Any]:
    """The child's request; its candles and weights lie beside it."""
    folder = lab_store.work(job.uid)
    candles = lab_sources.candles(job.owner, job.source)
    columns = {name: getattr(candles, name) for name in ("open", "high", "low", "close")}
    np.savez(folder / "candles.npz", allow_pickle=False, start=candles.start, **columns)
    asked = {
        **job.asked,
        "kind": kind_of(job),
        "uid": str(job.uid),
        "asset": job.asset,
        "seconds": job.seconds,
        "minutes": job.minutes,
    }
    if isinstance(job, Backtest):
        asked |= {"strategy": job.strategy, "parameters": job.parameters}
        if job.strategy == AgentStrategy.name:
            agent = agent_of(job.owner, job.parameters["agent"])
            asked["learned"] = agent.result.get("learned")
            shutil.copyfile(file_of(agent, "agent.npz"), folder / "agent.npz")
    return asked


def _note(rows: Any, told: Mapping[str, Any]) -> bool:
    """Tell the row how far its child is; whether it is to go on."""
    found = rows.update(
        heartbeat_at=timezone.now(),
        progress=told.get("progress", 0.0),
        step=str(told.get("step", ""))[:200],
    )
    return bool(found) and not rows.to_be_stopped().exists()


def _conclude(job: AnyJob, ended: Ended, *, cancelled: bool) -> None:
    if ended.error:
        _fail(job, str(ended.error["code"]), ended.error.get("facts", {}))
    elif ended.code == 0:
        _publish(job, ended.result)
    elif cancelled:
        _fail(job, "cancelled")
    else:
        _fail(job, "too_slow" if ended.timed_out else "internal")


def _publish(job: AnyJob, result: dict[str, Any]) -> None:
    """Files first, then the row: it never names a file that is not whole."""
    made, at = lab_store.publish(job.uid), timezone.now()
    changes: dict[str, Any] = {"result": result, "made": made}
    if isinstance(job, Agent):
        changes["has_edge"] = bool(result["verdict"]["edge"])
    with transaction.atomic():
        rows: Any = type(job).objects.filter(pk=job.pk).exclude(state__in=ENDED)
        done = rows.update(state=JobState.DONE, progress=1.0, step="", ended_at=at, **changes)
        if done:
            act = BACKTEST if isinstance(job, Backtest) else TRAINING
            record(job.owner, act=act, key=f"{kind_of(job)}:{job.uid}", at=at)
    if not done and not type(job).objects.filter(pk=job.pk).exists():
        lab_store.forget(job.uid)  # deleted meanwhile: nothing of it stays


def _fail(job: AnyJob, code: str, facts: Mapping[str, Any] | None = None) -> None:
    state = JobState.CANCELLED if code == "cancelled" else JobState.FAILED
    rows: Any = type(job).objects.filter(pk=job.pk).exclude(state__in=ENDED)
    error = {"code": code, "facts": dict(facts or {})}
    rows.update(state=state, error=error, ended_at=timezone.now())


def send_silent_again(*, at: datetime) -> int:
    """Send rows again whose worker died, or whose message was lost."""
    from trading.tasks import run_lab_job  # the task calls this module

    sent = 0
    for kind, model in MODELS.items():
        for uid in model.objects.filter(silent_at(at)).values_list("uid", flat=True):
            run_lab_job.apply_async(args=[kind, str(uid)], queue="heavy")
            sent += 1
    return sent
