"""The ASGI application: pages and API through Django, sockets through Channels."""

import asyncio
import os
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl, urlencode

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")
django_application = get_asgi_application()

# Only after Django is set up may its models be imported.
from assistant.routing import websocket_urlpatterns as talking  # noqa: E402
from predictions.routing import websocket_urlpatterns as seeing  # noqa: E402
from trading.consumers import CompatTradingSocket  # noqa: E402
from trading.routing import websocket_urlpatterns as trading  # noqa: E402
from visionai.lib.body_limit import BodyLimit  # noqa: E402
from visionai.lib.runtime import runtime  # noqa: E402

Scope = dict[str, Any]
MOST_BODY = 52 * 2**20  # bytes; a network may have 50 MiB


async def refuse(_scope: Scope, _receive: Any, send: Any) -> None:
    """Answer a socket on an unknown path with HTTP 403 rather than a traceback."""
    await send({"type": "websocket.close"})


routes: list[Any] = [*trading, *talking, *seeing, re_path(r"", cast("Any", refuse))]
pages: Any = BodyLimit(cast("Any", django_application), limit=MOST_BODY)
sockets: Any = URLRouter(routes)
of_a_session: Any = CompatTradingSocket.as_asgi()


async def choose(scope: Scope, receive: Any, send: Any) -> None:
    """`/ws` belongs to trading where it names a session, and to frames and chat where not."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if scope["path"].rstrip("/") == "/ws" and "session_id" in query:
        await of_a_session(scope, receive, send)
    else:
        await sockets(scope, receive, send)


protocols: Any = ProtocolTypeRouter({"http": pages, "websocket": choose})


async def application(scope: Scope, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if not runtime.started:
        await asyncio.to_thread(runtime.ensure_started)
    if scope["type"] == "websocket":
        hide_token(scope)
    await protocols(scope, receive, send)


async def lifespan(receive: Any, send: Any) -> None:
    """Start and stop the process's own work with the server, where the server tells us."""
    await receive()
    try:
        await asyncio.to_thread(runtime.ensure_started)
    except Exception as fault:
        await send({"type": "lifespan.startup.failed", "message": str(fault)})
        raise
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.to_thread(runtime.stop)
    await send({"type": "lifespan.shutdown.complete"})


def hide_token(scope: Scope) -> None:
    """Move `?token=` out of the query, which the server writes into its log."""
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    tokens = [value for name, value in query if name == "token"]
    if tokens:
        scope["query_token"] = tokens[-1]
        rest = [(name, value) for name, value in query if name != "token"]
        scope["query_string"] = urlencode(rest).encode("ascii")
