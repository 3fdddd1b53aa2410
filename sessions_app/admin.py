"""For staff: who is signed in where, which sockets are open, and ending both."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from sessions_app.changes import SOCKET_CLOSED, announce
from sessions_app.models import OpenSocket, Sesion
from sessions_app.services import end_session

if TYPE_CHECKING:
    Admin = ModelAdmin[Any]
else:
    Admin = ModelAdmin


class ReadOnlyAdmin(Admin):
    """Rows that the product writes: looked at, never edited, added or removed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class StateFilter(SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> Any:
        return [("open", _("Open")), ("ended", _("Ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset.filter(fecha_fin=None)
        if self.value() == "ended":
            return queryset.exclude(fecha_fin=None)
        return queryset


@admin.register(Sesion)
class SesionAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "person",
        "kind",
        "device",
        "ip",
        "fecha_inicio",
        "last_seen",
        "fecha_fin",
        "end_reason",
    ]
    list_filter = [StateFilter, "end_reason", "kind", "fecha_inicio"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "ip"]
    ordering = ["-id"]
    actions = ["end_now"]

    @admin.display(description=_("user"), ordering="user")
    def person(self, sesion: Sesion) -> str:
        return str(sesion.user or "—")

    @admin.display(description=_("device"))
    def device(self, sesion: Sesion) -> str:
        return sesion.device_name

    @admin.action(description=_("End the selected sessions now"))
    def end_now(self, request: HttpRequest, queryset: QuerySet[Sesion]) -> None:
        reason, at = Sesion.EndReason.REVOKED_BY_STAFF, timezone.now()
        ended = sum(end_session(one, reason=reason, at=at) for one in queryset.order_by("pk"))
        words = ngettext("%(n)d session ended.", "%(n)d sessions ended.", ended)
        self.message_user(request, words % {"n": ended})


@admin.register(OpenSocket)
class OpenSocketAdmin(ReadOnlyAdmin):
    list_display = ["connection", "user", "sesion_id", "path", "ip", "opened", "process"]
    list_filter = ["path", "process"]
    list_select_related = ["user"]
    search_fields = ["user__username", "ip", "connection"]
    ordering = ["-opened"]
    actions = ["close_now"]

    @admin.action(description=_("Close the selected sockets now"))
    def close_now(self, request: HttpRequest, queryset: QuerySet[OpenSocket]) -> None:
        for connection in queryset.values_list("connection", flat=True):
            announce(SOCKET_CLOSED, connection)
        words = ngettext("%(n)d socket is closed.", "%(n)d sockets are closed.", len(queryset))
        self.message_user(request, words % {"n": len(queryset)})
