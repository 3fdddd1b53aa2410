"""Views that wait for what takes seconds without holding a thread.

A view begins the work in the request and leaves with its response what is to be awaited; the rest
of the answer is made when that has come, or its refusal takes the answer's place.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from rest_framework.response import Response

from visionai.lib.errors import DomainError
from visionai.lib.problems import answer_exception

# Django's stubs know no asynchronous views.
View = Callable[..., Any]
Finish = Callable[[Any], Response]


class Pending(Response):
    """The answer of a view that is not there yet: `waited` is awaited, `finish` makes the rest."""

    def __init__(self, waited: Callable[[], Awaitable[Any]], finish: Finish) -> None:
        super().__init__(None)
        self.waited, self.finish = waited, finish


def waiting(view: View) -> View:
    """The view as an asynchronous one; what it says of itself for OpenAPI stays."""

    @wraps(view)
    async def outer(request: HttpRequest, *args: object, **kwargs: object) -> Any:
        response = await sync_to_async(view)(request, *args, **kwargs)
        if not isinstance(response, Pending):
            return response
        try:
            result = await response.waited()
            done = await sync_to_async(response.finish)(result)
        except DomainError as refusal:
            done = await sync_to_async(_problem)(refusal)
        return await sync_to_async(_as_of)(done, response)

    return outer


def _problem(refusal: DomainError) -> Response:
    made = answer_exception(refusal, {})
    assert made is not None  # a refusal always has its document
    return made


def _as_of(done: Response, begun: Response) -> Response:
    """Rendered as the view that began it would have."""
    for name in ("accepted_renderer", "accepted_media_type", "renderer_context"):
        setattr(done, name, getattr(begun, name))
    for name, value in begun.items():
        done.setdefault(name, value)
    return done
