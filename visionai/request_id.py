"""A number for each request, in its answer and in every line logged for it."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from visionai.lib.logs import bind, unbind

HEADER = "X-Request-ID"
ACCEPTED = re.compile(r"[\w-]{1,64}", re.ASCII)


def request_id_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The caller's own id where it is a plain one, so that a proxy's log fits ours."""

    def respond(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request_id = given if ACCEPTED.fullmatch(given) else secrets.token_hex(8)
        unbind()
        bind(request_id=request_id)
        response = get_response(request)
        response[HEADER] = request_id
        return response

    return respond
