"""Sockets that talk."""

from typing import Any, cast

from django.urls import re_path

from assistant.consumers import ChatSocket, CompatChatSocket, EverySocket

websocket_urlpatterns = [
    re_path(r"^ws/chat/?$", cast("Any", ChatSocket.as_asgi())),
    re_path(r"^ws/chat/(?P<chat_id>[\w.:-]{1,64})/?$", cast("Any", ChatSocket.as_asgi())),
    re_path(r"^api/chat/?$", cast("Any", CompatChatSocket.as_asgi())),
    re_path(r"^ws/?$", cast("Any", EverySocket.as_asgi())),
]
