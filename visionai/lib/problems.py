"""Every error of the API as a problem document (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from visionai.lib.errors import DomainError

CONTENT_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


def problem(
    *, status: int, code: str, title: str, detail: str, extra: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The members of one problem document; `extra` may not replace a standard one."""
    body: dict[str, object] = dict(extra or {})
    body |= {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body["code"] = code
    return body


def problem_response(
    *, status: int, code: str, title: str, detail: str, retry_after: int | None = None
) -> JsonResponse:
    """The same for code outside of DRF (middleware, error pages)."""
    body = problem(status=status, code=code, title=title, detail=detail)
    response = JsonResponse(body, status=status, content_type=CONTENT_TYPE)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def answer_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: a refusal becomes a document, all else stays a bare 500."""
    if isinstance(exc, DomainError):
        set_rollback()
        body = problem(
            status=exc.status,
            code=exc.code,
            title=str(exc.title),
            detail=exc.sentence(),
            extra=exc.facts,
        )
        headers = {} if exc.retry_after is None else {"Retry-After": str(exc.retry_after)}
        if exc.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(body, status=exc.status, headers=headers, content_type=CONTENT_TYPE)
    response = exception_handler(exc, context)
    if response is None:
        return None
    response.data = _document(exc, response)
    response.content_type = CONTENT_TYPE
    return response


def _document(exc: Exception, response: Response) -> dict[str, object]:
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    failure = cast("exceptions.APIException", exc)
    extra: dict[str, object] = {}
    if isinstance(failure, exceptions.ValidationError):
        detail, extra = _first_sentence(failure.detail), {"errors": failure.detail}
        code, title = "invalid", _("The request is not valid")
    elif isinstance(failure, exceptions.NotAuthenticated):
        code, title = str(failure.default_code), _("Sign in first")
        detail = _("This needs a login: sign in, and send its token as Authorization: Bearer.")
    else:
        detail = str(failure.detail)
        code, title = str(failure.default_code), str(failure.default_detail)
        if "{" in title:  # a pattern of the library's such as 'Method "{method}" not allowed.'
            title = detail
    return problem(status=response.status_code, code=code, title=title, detail=detail, extra=extra)


def _first_sentence(errors: object, field: str = "") -> str:
    """The first complaint of a validation error, with the field it is about."""
    if isinstance(errors, Mapping):
        name, inner = next(iter(errors.items()))
        return _first_sentence(inner, "" if name == "non_field_errors" else str(name))
    if isinstance(errors, list) and errors:
        return _first_sentence(errors[0], field)
    return f"{field}: {errors}" if field else str(errors)
