"""No request may make the server store more than we would ever use.

Django reads a request's whole body, to memory and then to disk, before any view or middleware
sees it. This stands in front of it.
"""

import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.utils import translation
from django.utils.translation import gettext as _

from visionai.lib.problems import problem_response

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimit:
    """Answers 413 to a request whose body is longer than `limit` bytes, told or found to be so."""

    def __init__(self, application: Application, *, limit: int) -> None:
        self.application, self.limit = application, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _told_length(scope) > self.limit:
            await self._refuse(scope, send)
            return
        length = 0

        async def counted() -> dict[str, Any]:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length <= self.limit:
                return message
            await self._refuse(scope, send)
            return {"type": "http.disconnect"}  # the application gives up without an answer

        await self.application(scope, counted, send)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        request = ASGIRequest(scope, io.BytesIO())
        with translation.override(translation.get_language_from_request(request)):
            response = problem_response(
                status=413,
                code="body_too_large",
                title=_("The request is too large"),
                detail=_("A request may carry %(limit)d MiB. Send less at a time.")
                % {"limit": self.limit // 2**20},
            )
        headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
        # The rest of the body is not read, so the connection cannot be used again.
        headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})


def _told_length(scope: Mapping[str, Any]) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"")
    return int(told) if told.isdigit() else 0
