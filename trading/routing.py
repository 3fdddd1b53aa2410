"""Sockets that trade."""

from typing import Any, cast

from django.urls import re_path

from trading.consumers import TradingSocket

websocket_urlpatterns = [
    re_path(r"^ws/trading/?$", cast("Any", TradingSocket.as_asgi())),
]
