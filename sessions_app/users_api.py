"""`/api/v1/users` and the original's `/usuarios`: accounts, for staff and, their own, for users."""

from typing import Any, cast

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.services import create_account, disable, erase_account, free_username
from sessions_app.authentication import BearerAuthentication
from sessions_app.client import client_of
from sessions_app.models import Sesion
from sessions_app.serializers import UserOutput, password_field
from sessions_app.users import Asker, NotOnesOwn, StaffAlone, change_user
from visionai.lib.openapi import problems

TAGS = ["users"]
ERASE, DEACTIVATE = "erase", "deactivate"
by_token = authentication_classes([BearerAuthentication])
undocumented = extend_schema(exclude=True)
USER = {
    "id": 7,
    "user_id": 7,
    "username": "ana",
    "email": "ana@example.org",
    "nombre": "Ana Ruiz",
    "rol": "user",
    "is_active": True,
    "created_at": "2026-11-21T08:30:00Z",
}
ONE = OpenApiExample("A user", value=USER, response_only=True, status_codes=["200", "201"])


class UserChange(serializers.Serializer[Any]):
    """Only what is sent changes."""

    nombre = serializers.CharField(source="name", max_length=150, allow_blank=True, required=False)
    email = serializers.CharField(max_length=190, allow_blank=True, allow_null=True, required=False)
    password = password_field(required=False)
    current_password = password_field(
        required=False, help_text="The owner's, for a new password or e-mail."
    )
    rol = serializers.ChoiceField(User.Role.choices, source="role", required=False)
    is_active = serializers.BooleanField(required=False)


class NewUser(serializers.Serializer[Any]):
    """Without `username` one is made from `nombre` or `email`."""

    username = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    nombre = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    email = serializers.CharField(max_length=190, required=False, allow_blank=True, default="")
    password = password_field()
    rol = serializers.ChoiceField(User.Role.choices, required=False, default=User.Role.USER)


class UserList(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    offset = serializers.IntegerField(min_value=0, max_value=10**9, default=0)


class Goodbye(serializers.Serializer[Any]):
    modo = serializers.ChoiceField(
        [ERASE, DEACTIVATE],
        default=ERASE,
        help_text="`erase` removes the account and all that is its own; `deactivate` keeps both.",
    )


@extend_schema(
    methods=["GET"],
    operation_id="users_list",
    tags=TAGS,
    summary="The accounts (staff)",
    description="`X-Total-Count` says how many there are in all.",
    parameters=[UserList],
    responses={
        200: UserOutput(many=True),
        **problems(_401="not_authenticated", _403="permission_denied"),
    },
    examples=[ONE],
)
@extend_schema(
    methods=["POST"],
    operation_id="users_create",
    tags=TAGS,
    summary="Make an account (staff)",
    request=NewUser,
    responses={
        201: UserOutput,
        **problems(_400="not_accepted", _401="not_authenticated", _403="permission_denied"),
    },
    examples=[
        ONE,
        OpenApiExample(
            "Ana",
            value={"username": "ana", "nombre": "Ana Ruiz", "password": "una-mañana-fría"},
            request_only=True,
        ),
    ],
)
@api_view(["GET", "POST"])
@permission_classes([IsAdminUser])
def users(request: Request) -> Response:
    return _created(request) if request.method == "POST" else _listed(request)


@extend_schema(
    methods=["GET"],
    operation_id="users_show",
    tags=TAGS,
    summary="One account (staff, or one's own)",
    responses={200: UserOutput, **problems(_401="not_authenticated", _404="not_found")},
    examples=[ONE],
)
@extend_schema(
    methods=["PUT"],
    operation_id="users_change",
    tags=TAGS,
    summary="Change an account (staff, or one's own)",
    description="Nobody changes their own role; the last administrator stays one.",
    request=UserChange,
    responses={
        200: UserOutput,
        **problems(
            _400="not_accepted",
            _401="not_authenticated",
            _403="staff_alone",
            _404="not_found",
            _409="last_administrator",
            _429="too_many_attempts",
        ),
    },
    examples=[
        ONE, OpenApiExample("Another name", value={"nombre": "Ana Ruiz"}, request_only=True)
    ],
)  # fmt: skip
@extend_schema(
    methods=["DELETE"],
    operation_id="users_delete",
    tags=TAGS,
    summary="Erase or deactivate an account (staff)",
    parameters=[Goodbye],
    responses={
        204: None,
        **problems(
            _401="not_authenticated",
            _403="permission_denied",
            _404="not_found",
            _409="last_administrator",
        ),
    },
)
@api_view(["GET", "PUT", "DELETE"])
def user(request: Request, user_id: str) -> Response:
    if request.method == "DELETE":
        _removed(request, user_id)
        return Response(status=204)
    return _one(request, user_id)


@undocumented
@api_view(["GET", "POST"])
@by_token
@permission_classes([IsAdminUser])
def usuarios(request: Request) -> Response:
    return _created(request) if request.method == "POST" else _listed(request)


@undocumented
@api_view(["GET", "PUT", "DELETE"])
@by_token
def usuario(request: Request, user_id: str) -> Response:
    if request.method == "DELETE":
        return Response({"success": True, "modo": _removed(request, user_id)})
    return _one(request, user_id)


def _listed(request: Request) -> Response:
    data = UserList(data=request.query_params)
    data.is_valid(raise_exception=True)
    start, limit = data.validated_data["offset"], data.validated_data["limit"]
    rows = User.objects.order_by("pk")
    page = UserOutput(rows[start : start + limit], many=True).data
    return Response(page, headers={"X-Total-Count": str(rows.count())})


def _created(request: Request) -> Response:
    data = NewUser(data=request.data)
    data.is_valid(raise_exception=True)
    typed = data.validated_data
    name, email = typed["nombre"], typed["email"]
    made = create_account(
        typed["username"] or free_username([name, email.partition("@")[0]]),
        password=typed["password"],
        email=email,
        name=name,
        role=typed["rol"],
    )
    return Response(UserOutput(made).data, status=201)


def _one(request: Request, user_id: str) -> Response:
    found = _visible(request, user_id)
    if request.method == "PUT":
        data = UserChange(data=request.data)
        data.is_valid(raise_exception=True)
        change_user(found, data.validated_data, by=_asker(request))
    return Response(UserOutput(found).data)


def _removed(request: Request, user_id: str) -> str:
    """What was done, in the words of `Goodbye`."""
    found = _visible(request, user_id)
    asker = _asker(request).user
    if not asker.is_staff:
        raise StaffAlone
    data = Goodbye(data=request.query_params)
    data.is_valid(raise_exception=True)
    if found.pk == asker.pk:
        raise NotOnesOwn
    mode: str = data.validated_data["modo"]
    erase_account(found) if mode == ERASE else disable(found)
    return mode


def _visible(request: Request, user_id: str) -> User:
    """Staff see everybody; for others there is only themselves."""
    asker = _asker(request).user
    if not asker.is_staff and asker.pk != int(user_id):
        raise Http404
    found = User.objects.filter(pk=int(user_id)).first()
    if found is None:
        raise Http404
    return found


def _asker(request: Request) -> Asker:
    sesion = request.auth if isinstance(request.auth, Sesion) else None
    return Asker(
        user=cast("User", request.user),
        sesion_id=sesion.pk if sesion else None,
        ip=client_of(request._request).ip,
        at=timezone.now(),
    )
