"""The product with one more socket, which does nothing but say who it hears."""

from typing import Any, cast

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from visionai import asgi

from sessions_app.tests.echo import Echo  # isort: skip  (models, so only after Django is set up)

routes: list[Any] = [path("echo", cast("Any", Echo.as_asgi()))]
asgi.protocols = ProtocolTypeRouter(
    {"http": asgi.django_application, "websocket": URLRouter(routes)}
)
application = asgi.application
