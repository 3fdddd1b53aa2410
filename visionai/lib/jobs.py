"""A row for work that takes longer than a request: Celery carries its id, the row is the truth."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

SILENT: Final = timedelta(seconds=30)  # a running job without a heartbeat for so long has died
ATTEMPTS: Final = 3


class JobState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


ENDED: Final = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(models.Model):
    """State, progress and end of a piece of work. Subclasses add what it is about."""

    state = models.CharField(
        _("state"), max_length=10, choices=JobState.choices, default=JobState.QUEUED
    )
    progress = models.FloatField(_("progress"), default=0.0)  # 0 to 1
    step = models.CharField(_("step"), max_length=200, blank=True)
    error = models.JSONField(_("error"), default=dict, blank=True)  # {code, facts}
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    wants_cancel = models.BooleanField(_("to be cancelled"), default=False)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True)

    class Meta:
        abstract = True

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


def silent_at(at: datetime) -> Q:
    """Jobs that should be running but say nothing, and queued ones that nobody took."""
    before = at - SILENT
    queued = Q(state=JobState.QUEUED) & Q(created_at__lt=before)
    return queued | (Q(state=JobState.RUNNING) & Q(heartbeat_at__lt=before))


def claim(jobs: "models.QuerySet[Any]", *, at: datetime) -> bool:
    """Whether this worker has the job now; of several that ask, one does."""
    free = Q(state=JobState.QUEUED) | (Q(state=JobState.RUNNING) & Q(heartbeat_at__lt=at - SILENT))
    taken = jobs.filter(free, wants_cancel=False).update(
        state=JobState.RUNNING,
        started_at=at,
        heartbeat_at=at,
        progress=0.0,
        attempts=models.F("attempts") + 1,
    )
    return bool(taken)
