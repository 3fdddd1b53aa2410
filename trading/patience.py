"""Pages that wait for a broker's answer without holding a thread."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse

from trading import commands
from trading.models import Command
from trading.waiting import View
from visionai.lib.errors import DomainError


class Waited(HttpResponse):
    """In place of a page that is not there yet."""

    def __init__(
        self,
        waited: Callable[[], Awaitable[Any]],
        finish: Callable[[Any], HttpResponse],
        refused: Callable[[DomainError], HttpResponse],
    ) -> None:
        super().__init__()
        self.waited, self.finish, self.refused = waited, finish, refused


def page_after(
    command: Command,
    finish: Callable[[Any], HttpResponse],
    refused: Callable[[DomainError], HttpResponse],
) -> Waited:
    return Waited(lambda: commands.answer(command), finish, refused)


def patient(view: View) -> View:
    """The view as an asynchronous one that waits for what a `Waited` names."""

    @wraps(view)
    async def outer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = await sync_to_async(view)(request, *args, **kwargs)
        if not isinstance(response, Waited):
            assert isinstance(response, HttpResponse)
            return response
        try:
            result = await response.waited()
        except DomainError as refusal:
            return await sync_to_async(response.refused)(refusal)
        return await sync_to_async(response.finish)(result)

    return outer
