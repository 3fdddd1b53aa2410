"""Sockets that see."""

from typing import Any, cast

from django.urls import re_path

from predictions.consumers import CameraSocket, CompatSocket

websocket_urlpatterns = [
    re_path(r"^ws/camera/?$", cast("Any", CameraSocket.as_asgi())),
    re_path(r"^$", cast("Any", CompatSocket.as_asgi())),
]
