"""The canonical paths of this app, below `/api/v1/`."""

from django.urls import re_path

from sessions_app import sessions_api

urlpatterns = [
    re_path(r"^sessions/?$", sessions_api.list_sessions, name="api-sessions"),
    re_path(r"^sessions/others/?$", sessions_api.end_others, name="api-sessions-others"),
    re_path(r"^sessions/(?P<sesion_id>\d{1,18})/?$", sessions_api.end_one, name="api-session"),
]
