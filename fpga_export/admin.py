"""For staff: whose networks and exports there are, and how the runs go."""

from django.contrib import admin

from fpga_export.models import ExportSession, UploadedNetwork
from sessions_app.admin import ReadOnlyAdmin


@admin.register(UploadedNetwork)
class UploadedNetworkAdmin(ReadOnlyAdmin):
    list_display = ["filename", "owner", "size", "parameters", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["filename", "owner__username"]


@admin.register(ExportSession)
class ExportSessionAdmin(ReadOnlyAdmin):
    list_display = ["session_id", "owner", "kind", "network", "state", "progress", "created_at"]
    list_filter = ["kind", "state", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["session_id", "owner__username"]
