"""The paths of the five original systems: thin aliases onto the same views, no logic here.

The trailing slash is optional on all of them; a redirect would lose the body of a POST.
"""

from django.urls import URLPattern, re_path

from visionai import status

urlpatterns: list[URLPattern] = [
    re_path(r"^status/?$", status.status),
    re_path(r"^status/health/?$", status.health),
    re_path(r"^status/websocket/?$", status.sockets),
    re_path(r"^status/database/?$", status.data),
    re_path(r"^resilience/health/?$", status.resilience),
]
