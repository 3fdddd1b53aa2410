"""What a bot did, written down as it did it, so that it can be gone through again."""

import uuid
from typing import Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from trading.models import TradingSession
from visionai.lib.jobs import Job

AnyUser = AbstractBaseUser | AnonymousUser


class BotRunQuerySet(models.QuerySet["BotRun"]):
    def owned_by(self, user: AnyUser) -> Self:
        return self.filter(session__user_id=user.pk) if user.is_authenticated else self.none()


class BotRun(models.Model):
    """A bot from its start to its end, under one plan. Nodes that follow one another share it."""

    session = models.ForeignKey(TradingSession, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(_("started"))  # of the session's bot, which limits count from
    plan = models.JSONField(_("plan"))  # strategy, parameters, asset, seconds, stake, minutes
    limits = models.JSONField()  # of the session as it began, with the raises to come
    seq = models.PositiveBigIntegerField()  # of the newest event as it began

    objects = BotRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run of a bot")
        verbose_name_plural = _("runs of bots")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["session", "started_at"], name="runs_of_a_session")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.started_at:%Y-%m-%d %H:%M}"


class BotLook(models.Model):
    """A bot looked at candles once: when, at which, and what came of it."""

    class Said(models.TextChoices):
        HOLD = "hold", _("Hold")
        LATE = "late", _("Too late")
        ORDER = "order", _("Order")
        AGAIN = "again", _("Asked already")
        REFUSED = "refused", _("Refused")

    run = models.ForeignKey(BotRun, on_delete=models.CASCADE, related_name="looks")
    start = models.PositiveBigIntegerField()  # of the newest candle; seconds since 1970
    clock = models.FloatField()  # the broker's, seconds since 1970
    at = models.FloatField(null=True)  # the gate's, where it was asked
    seq = models.PositiveBigIntegerField(null=True)  # of the newest event that the gate knew
    said = models.CharField(max_length=10, choices=Said.choices)
    why = models.CharField(max_length=40, blank=True)  # the refusal's code
    # Where another than the session's limits refused: whether before they were looked at.
    outside = models.CharField(max_length=6, blank=True)
    command = models.JSONField(null=True)
    anew = models.BooleanField(default=False)  # `candles` are all that it saw
    candles = models.JSONField()  # [[start, open, high, low, close]…] since the look before

    class Meta:
        ordering = ["run", "start", "clock", "pk"]
        indexes = [models.Index(fields=["run", "start"], name="looks_of_a_run")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.start} {self.said}"


class Replay(Job):
    """A run gone through again by a worker, and the first difference where there is one."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(BotRun, on_delete=models.CASCADE, related_name="replays")
    # {same, looks, commands, refused, difference: {line, recorded, found}}
    result = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "heartbeat_at"], name="replays_silent")]

    def __str__(self) -> str:
        return str(self.uid)
