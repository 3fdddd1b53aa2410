"""The originals' own auth entrances: the same services, other words. No cookie counts here."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from sessions_app.auth_api import refreshed, registered, signed_in, signed_out
from sessions_app.authentication import BearerAuthentication, LogoutBearerAuthentication
from sessions_app.serializers import SignedInOutput, UserOutput
from sessions_app.signin import SignedIn

anyone = permission_classes([AllowAny])
no_login = authentication_classes([])
by_token = authentication_classes([BearerAuthentication])
undocumented = extend_schema(exclude=True)  # the canonical operations are


@undocumented
@api_view(["POST"])
@no_login
@anyone
def login(request: Request) -> Response:
    """`POST /login`: exactly the three fields of login-sessions."""
    result = signed_in(request)
    tokens = {"access_token": result.tokens.access, "token_type": "bearer"}
    return Response(tokens | {"session_id": result.sesion.pk})


@undocumented
@api_view(["POST"])
@authentication_classes([LogoutBearerAuthentication])
def logout(request: Request) -> Response:
    return Response(signed_out(request))


@undocumented
@api_view(["POST"])
@no_login
@anyone
def auth_login(request: Request) -> Response:
    return Response(_ova(signed_in(request)))


@undocumented
@api_view(["POST"])
@no_login
@anyone
def auth_refresh(request: Request) -> Response:
    return Response(_ova(refreshed(request)))


@undocumented
@api_view(["POST"])
@no_login
@anyone
def auth_register(request: Request) -> Response:
    return Response(UserOutput(registered(request)).data, status=201)


@undocumented
@api_view(["GET"])
@by_token
def auth_me(request: Request) -> Response:
    return Response(UserOutput(cast("User", request.user)).data)


@undocumented
@api_view(["POST"])
@by_token
def verify_token(request: Request) -> Response:
    user = cast("User", request.user)
    facts = {"username": user.username, "email": user.email, "is_active": user.is_active}
    return Response({"valid": True, "user": facts})


def _ova(result: SignedIn) -> dict[str, object]:
    output = SignedInOutput(result).data
    return {**output, "token": output["access_token"]}
