"""For staff: how answers go. What was asked and answered, titles and files are nobody's but their
owner's: not even an administrator reads them here."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from assistant import services
from assistant.models import Conversation, Message
from sessions_app.admin import ReadOnlyAdmin


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "sesion_number", "length", "created_at", "updated_at"]
    list_filter = ["created_at"]
    list_select_related = ["user"]
    search_fields = ["=id", "user__username", "user__email"]
    ordering = ["-updated_at"]
    fields = ["id", "user", "sesion_number", "created_at", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.annotate(count=Count("messages"))

    @admin.display(description=_("messages"), ordering="count")
    def length(self, talk: Any) -> int:
        return int(talk.count)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "state", "engine", "model", "degraded", "error", "created_at"]
    list_filter = ["state", "engine", "degraded", "error", "created_at"]
    show_facets = ShowFacets.ALWAYS  # how many are in which state
    list_select_related = ["conversation__user"]
    search_fields = ["=id", "conversation__user__username", "conversation__user__email"]
    ordering = ["-created_at"]
    fields = ["id", "conversation", "state", "error", "engine", "model", "degraded", "language"]
    actions = ["stop_now"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows: QuerySet[Message] = super().get_queryset(request)
        return rows.filter(role=Message.Role.ASSISTANT)

    @admin.display(description=_("user"), ordering="conversation__user")
    def user(self, message: Message) -> str:
        return str(message.conversation.user or "—")

    @admin.action(description=_("Stop the selected answers"))
    def stop_now(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        pks = list(queryset.values_list("pk", flat=True))
        stopped = services.stop_these(pks, at=timezone.now())
        words = ngettext("%(n)d answer is stopped.", "%(n)d answers are stopped.", stopped)
        self.message_user(request, words % {"n": stopped})
