"""To go through a past run of a bot again: a job, because a long run takes seconds of a core."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from trading.core.replay import BadRecording, Replayed, replay
from trading.lab_services import strategy_for
from trading.models import BotRun, Replay
from trading.recordings import recording_of_run
from trading.refusals import Conflict
from visionai.lib.errors import DomainError
from visionai.lib.jobs import ATTEMPTS, ENDED, JobState, claim, silent_at

log = logging.getLogger(__name__)
KEPT: Final = 5  # of one run


def start_replay(run: BotRun, *, at: datetime) -> Replay:
    """Queue it; the one that is on its way already, if it is of this run.

    One at a time for a user. Raises `Conflict`.
    """
    from trading.tasks import run_replay  # the task calls this module

    with transaction.atomic():
        User.objects.select_for_update().get(pk=run.session.user_id)
        theirs = Replay.objects.filter(run__session__user_id=run.session.user_id)
        going = theirs.exclude(state__in=ENDED).first()
        if going is not None and going.run_id == run.pk:
            return going
        if going is not None:
            raise Conflict(reason="replay_busy")
        old = run.replays.order_by("-pk").values_list("pk", flat=True)[KEPT - 1 :]
        run.replays.filter(pk__in=list(old)).delete()
        job = Replay.objects.create(run=run, created_at=at)
        uid = str(job.uid)
        transaction.on_commit(lambda: run_replay.apply_async(args=[uid], queue="heavy"))
    return job


def run(uid: str) -> None:
    """Do what a row asks for, unless another worker does. Safe to call twice."""
    rows = Replay.objects.filter(uid=uid)
    if not claim(rows, at=timezone.now()):
        return
    job = rows.select_related("run__session__user").get()
    changes: dict[str, Any]
    if job.attempts > ATTEMPTS:
        changes = {"state": JobState.FAILED, "error": {"code": "lost", "facts": {}}}
    else:
        changes = _replayed(job.run)
    still = rows.exclude(state__in=ENDED)
    still.update(progress=1.0, ended_at=timezone.now(), **changes)


def _replayed(one: BotRun) -> dict[str, Any]:
    make = partial(strategy_for, one.session.user)
    try:
        again = replay(recording_of_run(one), make)
    except DomainError as error:  # the agent that it followed is gone
        told = {"code": str(error.facts.get("why", error.code)), "facts": error.facts}
        return {"state": JobState.FAILED, "error": told}
    except BadRecording as error:
        log.exception("The run %s cannot be gone through", one.pk)
        code = "too_long" if error.code == "too_long" else "internal"
        return {"state": JobState.FAILED, "error": {"code": code, "facts": {}}}
    return {"state": JobState.DONE, "result": result_of(again)}


def result_of(again: Replayed) -> dict[str, Any]:
    difference = again.difference()
    lines = again.recorded.splitlines()
    refused = sum(b'"kind":"refused"' in line for line in lines)
    return {
        "same": again.same,
        "looks": again.looks,
        "commands": len(lines) - refused,
        "refused": refused,
        "difference": None if difference is None else asdict(difference),
    }


def send_silent_again(*, at: datetime) -> int:
    """Send rows again whose worker died, or whose message was lost."""
    from trading.tasks import run_replay  # the task calls this module

    silent: Iterable[Any] = Replay.objects.filter(silent_at(at)).values_list("uid", flat=True)
    sent = [run_replay.apply_async(args=[str(uid)], queue="heavy") for uid in silent]
    return len(sent)
