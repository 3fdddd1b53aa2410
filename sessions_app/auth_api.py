"""`/api/v1/auth/*`: in, out, and staying in."""

from typing import cast

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.services import free_username
from accounts.services import register as register_account
from sessions_app import firebase
from sessions_app.authentication import (
    BearerAuthentication,
    LogoutAuthentication,
    bearer_text,
    sesion_of_token,
)
from sessions_app.client import client_of
from sessions_app.models import Sesion
from sessions_app.passwords import change_password, confirm_reset, request_reset
from sessions_app.serializers import (
    FirebaseLinkInput,
    LoginInput,
    LogoutInput,
    PasswordInput,
    RefreshInput,
    RegisteredOutput,
    RegisterInput,
    ResetConfirmInput,
    ResetInput,
    SignedInOutput,
    SuccessOutput,
    UserOutput,
    VerifiedOutput,
)
from sessions_app.services import SessionEnded
from sessions_app.signin import SignedIn, sign_in, sign_out
from sessions_app.signin import refresh as refresh_tokens
from sessions_app.tokens import BadToken
from visionai.lib.openapi import problems

USER = {
    "id": 7,
    "user_id": 7,
    "username": "ana",
    "email": "ana@example.org",
    "nombre": "Ana",
    "rol": "user",
    "is_active": True,
    "created_at": "2026-11-21T08:30:00Z",
}
SIGNED_IN = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9…",
    "refresh_token": "eyJhbGciOiJIUzI1NiJ9…",
    "token_type": "bearer",
    "expires_in": 86400,
    "session_id": 12,
    "user": USER,
}


def answer(value: object, status: str = "200") -> OpenApiExample:
    return OpenApiExample("Answer", value=value, response_only=True, status_codes=[status])


def ask(value: object) -> OpenApiExample:
    return OpenApiExample("Request", value=value, request_only=True)


@extend_schema(
    operation_id="auth_register",
    summary="Make an account",
    request=RegisterInput,
    responses={201: RegisteredOutput}
    | problems(_400="not_accepted", _403="registration_closed", _429="too_many_attempts"),
    examples=[
        ask({"username": "ana", "password": "a-cold-morning-in-may"}),
        answer({name: USER[name] for name in RegisteredOutput.Meta.fields}, "201"),
    ],
    auth=[],
    tags=["auth"],
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def register(request: Request) -> Response:
    """Where the operator asks for it, `invitation` is the code that an administrator made."""
    return Response(RegisteredOutput(registered(request)).data, status=201)


def registered(request: Request) -> User:
    """The account that the request asks for."""
    data = RegisterInput(data=request.data)
    data.is_valid(raise_exception=True)
    fields = data.validated_data
    name, email = fields.get("nombre", ""), fields.get("email") or ""
    return register_account(
        fields.get("username") or free_username([name, email.partition("@")[0]]),
        password=fields["password"],
        email=email,
        name=name,
        invitation=fields.get("invitation", ""),
        ip=client_of(request._request).ip,
        at=timezone.now(),
    )


@extend_schema(
    operation_id="auth_login",
    summary="Sign in",
    request=LoginInput,
    responses={200: SignedInOutput}
    | problems(_400="invalid", _401="wrong_credentials", _429="too_many_attempts"),
    examples=[ask({"username": "ana", "password": "a-cold-morning-in-may"}), answer(SIGNED_IN)],
    auth=[],
    tags=["auth"],
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def login(request: Request) -> Response:
    """By username or e-mail. Each sign-in is a session of its own, ended by `logout`."""
    return Response(SignedInOutput(signed_in(request)).data)


def signed_in(request: Request) -> SignedIn:
    """The new session that the request asks for."""
    data = LoginInput(data=request.data)
    data.is_valid(raise_exception=True)
    return sign_in(
        data.validated_data["login"],
        password=data.validated_data["password"],
        client=client_of(request._request),
        at=timezone.now(),
    )


@extend_schema(
    operation_id="auth_refresh",
    summary="Get the next pair of tokens",
    request=RefreshInput,
    responses={200: SignedInOutput} | problems(_400="invalid", _401="bad_token"),
    examples=[ask({"refresh_token": "eyJhbGciOiJIUzI1NiJ9…"}), answer(SIGNED_IN)],
    auth=[],
    tags=["auth"],
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def refresh(request: Request) -> Response:
    """A refresh token works once. Presented again within 30 s it gets the same answer; later it
    ends the session, because somebody else must have it."""
    return Response(SignedInOutput(refreshed(request)).data)


def refreshed(request: Request) -> SignedIn:
    """The session with the tokens that follow."""
    data = RefreshInput(data=request.data)
    data.is_valid(raise_exception=True)
    given = data.validated_data
    text = given.get("refresh_token") or given.get("refresh") or bearer_text(request)
    if not text:
        raise BadToken
    return refresh_tokens(text, at=timezone.now())


@extend_schema(
    operation_id="auth_verify",
    summary="Is my token good?",
    responses={200: VerifiedOutput} | problems(_401="bad_token"),
    examples=[
        answer(
            {
                "valid": True,
                "username": "ana",
                "user_id": 7,
                "session_id": 12,
                "expires_at": "2026-11-22T08:30:00Z",
            }
        )
    ],
    tags=["auth"],
)
@api_view(["GET"])
@authentication_classes([BearerAuthentication])
def verify(request: Request) -> Response:
    sesion, expires_at = sesion_of_token(bearer_text(request) or "", at=timezone.now())
    facts = {
        "valid": True,
        "username": cast("User", sesion.user).username,
        "user_id": sesion.user_id,
        "session_id": sesion.pk,
        "expires_at": expires_at,
    }
    return Response(VerifiedOutput(facts).data)


@extend_schema(
    operation_id="auth_me",
    summary="Who am I?",
    responses={200: UserOutput} | problems(_401="not_authenticated"),
    examples=[answer(USER)],
    tags=["auth"],
)
@api_view(["GET"])
def me(request: Request) -> Response:
    return Response(UserOutput(cast("User", request.user)).data)


@extend_schema(
    operation_id="auth_logout",
    summary="End a session of mine",
    request=LogoutInput,
    responses={200: SuccessOutput}
    | problems(_400="invalid", _401="not_authenticated", _404="not_found"),
    examples=[ask({"session_id": 12}), answer({"success": True})],
    tags=["auth"],
)
@api_view(["POST"])
@authentication_classes([LogoutAuthentication])
def logout(request: Request) -> Response:
    """Its tokens and sockets stop at once. Ending a session twice changes nothing."""
    return Response(signed_out(request))


def signed_out(request: Request) -> dict[str, bool]:
    """End the session that the request names."""
    data = LogoutInput(data=request.data)
    data.is_valid(raise_exception=True)
    sesion = cast("Sesion", request.auth)
    sesion_id = data.validated_data.get("session_id", sesion.pk)
    if sesion.fecha_fin is not None and sesion_id != sesion.pk:
        raise SessionEnded(session=sesion.pk, reason=sesion.end_reason)
    sign_out(request.user, sesion_id=sesion_id, at=timezone.now())
    return {"success": True}


@extend_schema(
    operation_id="auth_password",
    summary="Change my password",
    request=PasswordInput,
    responses={200: SuccessOutput}
    | problems(
        _400="not_accepted",
        _401="not_authenticated",
        _403="wrong_password",
        _429="too_many_attempts",
    ),
    examples=[
        ask({"current_password": "a-cold-morning-in-may", "new_password": "a-warm-day-in-june"}),
        answer({"success": True}),
    ],
    tags=["auth"],
)
@api_view(["POST"])
def password(request: Request) -> Response:
    """Ends all my other sessions; this one goes on."""
    data = PasswordInput(data=request.data)
    data.is_valid(raise_exception=True)
    user = cast("User", request.user)
    change_password(
        user,
        current=data.validated_data["current_password"],
        new=data.validated_data["new_password"],
        keep=cast("Sesion", request.auth).pk,
        ip=client_of(request._request).ip,
        at=timezone.now(),
    )
    if getattr(request._request, "sesion", None) == request.auth:  # signed in by cookie
        update_session_auth_hash(request._request, user)
    return Response({"success": True})


@extend_schema(
    operation_id="auth_password_reset",
    summary="Have a link mailed with which to choose a new password",
    request=ResetInput,
    responses={202: SuccessOutput} | problems(_400="invalid", _429="too_many_attempts"),
    examples=[ask({"email": "ana@example.org"}), answer({"success": True}, "202")],
    auth=[],
    tags=["auth"],
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def reset(request: Request) -> Response:
    """The answer is the same whether or not there is an account with this e-mail."""
    data = ResetInput(data=request.data)
    data.is_valid(raise_exception=True)
    request_reset(
        data.validated_data["email"],
        site=request.build_absolute_uri("/").rstrip("/"),
        ip=client_of(request._request).ip,
        at=timezone.now(),
    )
    return Response({"success": True}, status=202)


@extend_schema(
    operation_id="auth_password_reset_confirm",
    summary="Choose a new password with the mailed link",
    request=ResetConfirmInput,
    responses={200: SuccessOutput} | problems(_400="bad_reset_link"),
    examples=[
        ask({"uid": "Nw", "token": "c8x2k1-9f…", "password": "a-warm-day-in-june"}),
        answer({"success": True}),
    ],
    auth=[],
    tags=["auth"],
)
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def reset_confirm(request: Request) -> Response:
    """`uid` and `token` are the last two parts of the link. Ends all sessions of the account."""
    data = ResetConfirmInput(data=request.data)
    data.is_valid(raise_exception=True)
    fields = data.validated_data
    confirm_reset(fields["uid"], fields["token"], password=fields["password"], at=timezone.now())
    return Response({"success": True})


@extend_schema(
    operation_id="auth_firebase_link",
    summary="Link a Firebase sign-in to my account",
    request=FirebaseLinkInput,
    responses={200: SuccessOutput}
    | problems(
        _400="invalid",
        _401="bad_token",
        _404="not_found",
        _409="linked_elsewhere",
        _503="firebase_unavailable",
    ),
    examples=[ask({"id_token": "eyJhbGciOiJSUzI1NiJ9…"}), answer({"success": True})],
    tags=["auth"],
)
@api_view(["POST"])
def firebase_link(request: Request) -> Response:
    """From then on its ID tokens, sent as Bearer, open this account. 404 where the operator named
    no Firebase project."""
    if settings.FIREBASE_PROJECT_ID is None:
        raise Http404
    data = FirebaseLinkInput(data=request.data)
    data.is_valid(raise_exception=True)
    user = cast("User", request.user)
    firebase.link(user, text=data.validated_data["id_token"], at=timezone.now())
    return Response({"success": True})
