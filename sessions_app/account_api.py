"""`/api/v1/account`: all my data, and their end."""

from typing import cast

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from sessions_app.account import erase_own_account, export_account
from sessions_app.client import client_of
from sessions_app.models import Sesion
from sessions_app.serializers import EraseInput
from visionai.lib.openapi import problems


def export_response(user: User) -> HttpResponse:
    """The file, as an attachment that no browser opens as a page."""
    body = export_account(user, at=timezone.now())
    headers = {
        "Content-Disposition": 'attachment; filename="visionai-account.json"',
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "no-store",
    }
    return HttpResponse(body, content_type="application/json", headers=headers)


@extend_schema(
    operation_id="account_export",
    summary="All data about me, in one file",
    tags=["account"],
    responses={(200, "application/json"): OpenApiTypes.OBJECT} | problems(_401="not_authenticated"),
    examples=[
        OpenApiExample(
            "The start of it",
            value={"product": "VisionAI", "account": {"username": "ana"}, "sessions": []},
            response_only=True,
            status_codes=["200"],
        )
    ],
)
@api_view(["GET"])
def export(request: Request) -> HttpResponse:
    return export_response(cast("User", request.user))


@extend_schema(
    operation_id="account_erase",
    summary="Erase me",
    tags=["account"],
    request={"application/json": EraseInput},
    responses={204: None}
    | problems(
        _401="not_authenticated",
        _403="wrong_password",
        _409="last_administrator",
        _429="too_many_attempts",
    ),
    examples=[
        OpenApiExample("Request", value={"password": "a-cold-morning-in-may"}, request_only=True)
    ],
)
@api_view(["DELETE"])
def erase(request: Request) -> Response:
    """Needs the password; an account without one, a sign-in of the last ten minutes.

    All sessions end, and what was recorded is removed or kept without a name.
    """
    data = EraseInput(data=request.data)
    data.is_valid(raise_exception=True)
    erase_own_account(
        cast("User", request.user),
        sesion=cast("Sesion", request.auth),
        password=data.validated_data["password"],
        ip=client_of(request._request).ip,
        at=timezone.now(),
    )
    return Response(status=204)
