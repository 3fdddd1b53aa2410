"""Refusals and faults outside of DRF: a page for people, a problem document for programs."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from visionai.lib.errors import DomainError
from visionai.lib.problems import problem_response


def wants_page(request: HttpRequest) -> bool:
    """A browser on its way to a page; the API answers everybody else, and always below /api/."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def failure(
    request: HttpRequest,
    *,
    status: int,
    code: str,
    title: str,
    sentence: str,
    retry_after: int | None = None,
) -> HttpResponse:
    """The same refusal in the shape that the asker reads."""
    if not wants_page(request):
        return problem_response(
            status=status, code=code, title=title, detail=sentence, retry_after=retry_after
        )
    facts = {"status": status, "title": title, "sentence": sentence}
    # A broken database must not break the page that says so: a fault is shown without the user.
    body = render_to_string("error.html", facts, request=request if status < 500 else None)
    response = HttpResponse(body, status=status)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return failure(
        request,
        status=400,
        code="bad_request",
        title=_("The request could not be read"),
        sentence=_("Something in it is not as it should be. Go back and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return failure(
        request,
        status=403,
        code="permission_denied",
        title=_("This is not open to you"),
        sentence=_("Your account may not do this. Ask an administrator if it should."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return failure(
        request,
        status=404,
        code="not_found",
        title=_("There is nothing here"),
        sentence=_("The address is wrong, or what was here is gone."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return failure(
        request,
        status=500,
        code="server_error",
        title=_("Something broke on our side"),
        sentence=_("It has been written to the log. Try again in a moment."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    return failure(
        request,
        status=403,
        code="csrf_failed",
        title=_("The form was too old"),
        sentence=_("Cookies must be on. Go back, reload the page and send the form again."),
    )


class PageFailures(MiddlewareMixin):
    """A refusal that a page let through becomes its error page."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        return failure(
            request,
            status=exception.status,
            code=exception.code,
            title=str(exception.title),
            sentence=exception.sentence(),
            retry_after=exception.retry_after,
        )
