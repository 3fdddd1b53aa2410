"""Where strategies are tried: candles of users, backtests, and agents that were trained."""

import uuid
from typing import Self, TypeVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sessions_app.models import Sesion
from visionai.lib.jobs import Job

Row = TypeVar("Row", bound=models.Model)
AnyUser = AbstractBaseUser | AnonymousUser
# A login that ran out or was left lets its jobs finish; one that was taken back does not.
TAKEN_BACK = (
    Sesion.EndReason.REVOKED_BY_USER,
    Sesion.EndReason.REVOKED_BY_STAFF,
    Sesion.EndReason.PASSWORD_CHANGED,
    Sesion.EndReason.TOKEN_REUSE,
    Sesion.EndReason.ERASED,
)


class OwnedQuerySet(models.QuerySet[Row]):
    def owned_by(self, user: AnyUser) -> Self:
        """The user's own; none for an anonymous user."""
        return self.filter(owner_id=user.pk) if user.is_authenticated else self.none()

    def to_be_stopped(self) -> Self:
        """Jobs that somebody cancelled, or whose login was taken back."""
        return self.filter(Q(wants_cancel=True) | Q(sesion__end_reason__in=TAKEN_BACK))


class CandleFile(models.Model):
    """Candles that a user brought; never changed, only deleted."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="candle_files"
    )
    filename = models.CharField(_("file"), max_length=120)
    asset = models.CharField(_("asset"), max_length=40)
    seconds = models.PositiveIntegerField(_("candle in seconds"))
    count = models.PositiveIntegerField(_("candles"))
    first_start = models.PositiveBigIntegerField()  # seconds since 1970
    last_start = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField(_("bytes"))
    created_at = models.DateTimeField(_("uploaded"))

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("candles")
        verbose_name_plural = _("candles")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "filename"], name="one_candle_file_of_a_name")
        ]

    def __str__(self) -> str:
        return self.filename


class LabJob(Job):
    """What backtests and trainings have in common. `uid` is what calls and folders name."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)ss"
    )
    sesion = models.ForeignKey(
        Sesion, on_delete=models.SET_NULL, null=True, related_name="%(class)ss"
    )
    source = models.JSONField(_("candles"))  # checked: see `lab_sources`
    asset = models.CharField(_("asset"), max_length=40)
    seconds = models.PositiveIntegerField(_("candle in seconds"))
    minutes = models.PositiveSmallIntegerField(_("expiry in minutes"))
    asked = models.JSONField(_("asked"), default=dict)
    result = models.JSONField(_("result"), default=dict, blank=True)
    made = models.JSONField(default=list, blank=True)  # [{name, size, sha256}]

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return str(self.uid)

    def files(self) -> list[tuple[str, int]]:
        """Name and bytes of what it made; `lab_services.file_of` finds each."""
        return [(str(one["name"]), int(one["size"])) for one in self.made]


class Backtest(LabJob):
    """A strategy on candles that are over."""

    strategy = models.CharField(_("strategy"), max_length=40)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)

    class Meta(LabJob.Meta):
        verbose_name = _("backtest")
        verbose_name_plural = _("backtests")
        indexes = [models.Index(fields=["state", "heartbeat_at"], name="backtests_silent")]


class Agent(LabJob):
    """A trained agent, its weights in a file, and what walk-forward found of it."""

    name = models.CharField(_("name"), max_length=60)
    has_edge = models.BooleanField(_("demonstrated edge"), default=False)

    class Meta(LabJob.Meta):
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        indexes = [models.Index(fields=["state", "heartbeat_at"], name="agents_silent")]


class Trials(models.Model):
    """How often a user put something to the test on one market; deleting a job takes none back."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trials"
    )
    market = models.CharField(max_length=80)  # asset:seconds:minutes
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "market"], name="one_count_a_market")
        ]

    def __str__(self) -> str:
        return f"{self.market}: {self.count}"
