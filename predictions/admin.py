"""For staff: what was seen, and which version of the classifier sees."""

from typing import cast

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from predictions.models import (
    CameraConsent,
    EmotionClass,
    ModelActivation,
    ModelVersion,
    PredictionLog,
)
from predictions.versions import activate_version, roll_back_version
from sessions_app.admin import ReadOnlyAdmin
from visionai.lib.errors import DomainError


@admin.register(PredictionLog)
class PredictionLogAdmin(ReadOnlyAdmin):
    list_display = [
        "predic_id",
        "timestamp",
        "emotion",
        "confidence",
        "model",
        "processing_time_ms",
        "username",
        "source_ip",
        "session_id",
    ]
    list_filter = ["emotion", "model", "timestamp"]
    list_select_related = ["emotion", "model"]
    search_fields = ["username", "source_ip"]
    date_hierarchy = "timestamp"
    ordering = ["-predic_id"]


@admin.register(EmotionClass)
class EmotionClassAdmin(ReadOnlyAdmin):
    list_display = ["emotion_id", "emotion_name", "description", "predictions"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmotionClass]:
        found = super().get_queryset(request).annotate(counted=Count("predictionlog"))
        return cast("QuerySet[EmotionClass]", found)

    @admin.display(description=gettext_lazy("predictions"), ordering="counted")
    def predictions(self, emotion: EmotionClass) -> int:
        return int(emotion.counted)  # type: ignore[attr-defined]


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ["version_tag", "active", "folder", "precision", "total_params", "created_at"]
    ordering = ["-created_at"]
    actions = ["activate", "roll_back"]

    @admin.action(description=gettext_lazy("Activate the selected version"))
    def activate(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        if len(queryset) != 1:
            self.message_user(request, _("Select one version."), level="error")
            return
        tag = queryset[0].version_tag
        try:
            activate_version(tag, by=cast("User", request.user), at=timezone.now())
        except DomainError as refusal:
            self.message_user(request, refusal.sentence(), level="error")
            return
        self.message_user(request, _("%(tag)s is active.") % {"tag": tag})

    @admin.action(description=gettext_lazy("Roll back to the version before (select any)"))
    def roll_back(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        try:
            version = roll_back_version(at=timezone.now())
        except DomainError as refusal:
            self.message_user(request, refusal.sentence(), level="error")
            return
        self.message_user(request, _("%(tag)s is active.") % {"tag": version.version_tag})


@admin.register(ModelActivation)
class ModelActivationAdmin(ReadOnlyAdmin):
    list_display = ["version", "at", "by", "undone_at"]
    list_select_related = ["version", "by"]
    ordering = ["-pk"]


@admin.register(CameraConsent)
class CameraConsentAdmin(ReadOnlyAdmin):
    list_display = ["user", "text_version", "at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["-at"]
