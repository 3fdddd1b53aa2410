"""The messages in the operator's console: read and deleted there, never written."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contact.models import ContactMessage

if TYPE_CHECKING:
    Admin = ModelAdmin[ContactMessage]
else:
    Admin = ModelAdmin


@admin.register(ContactMessage)
class ContactMessageAdmin(Admin):
    list_display = ["created_at", "name", "email", "subject", "is_read", "is_suspect"]
    list_filter = ["is_read", "is_suspect", "created_at"]
    search_fields = ["name", "email", "subject", "text"]
    ordering = ["-id"]
    readonly_fields = ["user", "name", "email", "subject", "text", "is_suspect", "created_at"]
    fields = [*readonly_fields, "is_read"]
    actions = ["mark_as_read"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Mark as read"))
    def mark_as_read(self, request: HttpRequest, rows: QuerySet[ContactMessage]) -> None:
        rows.update(is_read=True)
