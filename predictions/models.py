"""What was seen: the classes, the versions of the classifier, and a log of each classified face."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sessions_app.models import Sesion

AnyUser = AbstractBaseUser | AnonymousUser


class EmotionClass(models.Model):
    """One of the seven; ids 1 to 7 in the contract's order, filled after each `migrate`."""

    emotion_id = models.PositiveSmallIntegerField(_("number"), primary_key=True)
    emotion_name = models.CharField(_("name"), max_length=20, unique=True)
    description = models.CharField(_("description"), max_length=200)

    class Meta:
        db_table = "emotion_classes"
        verbose_name = _("emotion")
        verbose_name_plural = _("emotions")
        ordering = ["emotion_id"]

    def __str__(self) -> str:
        return self.emotion_name


class ModelVersion(models.Model):
    """A network that can be activated. Its files are never changed, only added."""

    class Folder(models.TextChoices):
        SHIPPED = "shipped", _("Came with the product")
        DATA = "data", _("Converted on this machine")

    model_id = models.BigAutoField(primary_key=True)
    version_tag = models.CharField(_("version"), max_length=64, unique=True)
    folder = models.CharField(_("origin"), max_length=10, choices=Folder.choices)
    tflite_file = models.CharField(_("LiteRT file"), max_length=200)
    keras_file = models.CharField(_("Keras file"), max_length=200, blank=True)
    sha256 = models.CharField(_("SHA-256 of the LiteRT file"), max_length=64)
    precision = models.CharField(_("precision"), max_length=10)
    temperature = models.FloatField(_("temperature"), default=1.0)
    bias = models.JSONField(_("bias of each class"), null=True, blank=True, default=None)
    crop_margin = models.FloatField(_("crop margin"), default=0.0)
    input_shape = models.CharField(_("input"), max_length=60, default="(None, 96, 96, 3)")
    total_params = models.BigIntegerField(_("parameters"), null=True)
    metrics = models.JSONField(_("metrics"), default=dict, blank=True)
    created_at = models.DateTimeField(_("registered"))
    # True or null: a unique column holds any number of nulls in every database that we support.
    active = models.BooleanField(_("active"), null=True, unique=True, default=None)

    class Meta:
        db_table = "model_versions"
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [
            models.CheckConstraint(
                condition=Q(active=True) | Q(active=None), name="active_is_true_or_null"
            ),
            models.CheckConstraint(condition=Q(temperature__gt=0), name="temperature_is_positive"),
        ]

    def __str__(self) -> str:
        return self.version_tag

    @property
    def calibrated(self) -> bool:
        """Whether a temperature was fitted; 1 stands for none, as files of others come with."""
        return self.temperature != 1


class ModelActivation(models.Model):
    """Who put a version to work and when. Rolling back undoes the latest one that still stands."""

    version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        related_name="activations",
        verbose_name=_("version"),
    )
    at = models.DateTimeField(_("activated"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("by"),
    )
    undone_at = models.DateTimeField(_("rolled back"), null=True)

    class Meta:
        db_table = "model_activations"
        verbose_name = _("activation")
        verbose_name_plural = _("activations")

    def __str__(self) -> str:
        return f"{self.version_id} {self.at:%Y-%m-%d %H:%M}"


class PredictionLogQuerySet(models.QuerySet["PredictionLog"]):
    def owned_by(self, user: AnyUser) -> Self:
        """The user's own rows; none for an anonymous user."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def of_emotion(self, name: str) -> Self:
        return self.filter(emotion__emotion_name=name)

    def between(self, start: datetime | None, end: datetime | None) -> Self:
        """Rows from `start` on and before `end`; None is no limit."""
        rows = self if start is None else self.filter(timestamp__gte=start)
        return rows if end is None else rows.filter(timestamp__lt=end)


class PredictionLog(models.Model):
    """What the classifier said about one face of one picture; the picture itself is not kept."""

    predic_id = models.BigAutoField(primary_key=True)
    emotion = models.ForeignKey(
        EmotionClass, on_delete=models.PROTECT, db_index=False, verbose_name=_("emotion")
    )
    confidence = models.FloatField(_("confidence"))
    model = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, verbose_name=_("model version")
    )
    processing_time_ms = models.PositiveIntegerField(_("time in ms"), null=True)
    source_ip = models.GenericIPAddressField(_("address"), null=True)
    username = models.CharField(_("username"), max_length=150, null=True, db_column="user")
    timestamp = models.DateTimeField(_("time"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("user"),
    )
    session = models.ForeignKey(
        Sesion, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("session")
    )
    frame_id = models.UUIDField(_("picture"), default=uuid.uuid4)
    face = models.PositiveSmallIntegerField(_("face"), default=0)  # 0 is the largest

    objects = PredictionLogQuerySet.as_manager()

    class Meta:
        db_table = "predictions_log"
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        indexes = [
            models.Index(fields=["timestamp"], name="prediction_time"),
            models.Index(fields=["emotion", "timestamp"], name="prediction_emotion_time"),
            models.Index(fields=["user", "timestamp"], name="prediction_user_time"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["frame_id", "face"], name="one_row_per_face"),
            models.CheckConstraint(
                condition=Q(confidence__range=(0, 1)), name="confidence_is_probability"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.predic_id}"


class CameraConsent(models.Model):
    """A user's yes to the camera: to which text, and when."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    text_version = models.CharField(_("text version"), max_length=20)
    at = models.DateTimeField(_("given"))

    class Meta:
        db_table = "camera_consents"
        verbose_name = _("camera consent")
        verbose_name_plural = _("camera consents")
        constraints = [
            models.UniqueConstraint(fields=["user", "text_version"], name="one_consent_per_text"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.text_version}"
