"""The ASGI application: pages and API through Django, sockets through Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")
django_application = get_asgi_application()

application = ProtocolTypeRouter({"http": django_application, "websocket": URLRouter([])})
