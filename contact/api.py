"""`/api/v1/contact/*`: anybody writes a message; staff read, mark and delete them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import BasePermission, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from contact import selectors
from contact.models import ContactMessage
from contact.serializers import ListInput, MessageInput, MessageOutput, ReadInput, SenderOutput
from contact.services import mark_read, send_message
from sessions_app.client import client_of
from sessions_app.models import Sesion
from visionai.lib.openapi import problems

TAGS = ["Contact"]


class AnyoneWrites(BasePermission):
    """A message may come from anybody; what came is for staff."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method == "POST" or bool(getattr(request.user, "is_staff", False))


@extend_schema(
    methods=["POST"],
    operation_id="contact_send",
    tags=TAGS,
    summary="Write to the people who run this place",
    request=MessageInput,
    responses={
        201: MessageOutput,
        **problems(_400="invalid", _401="bad_token", _429="too_many_messages"),
    },
)
@extend_schema(
    methods=["GET"],
    operation_id="contact_list",
    tags=TAGS,
    summary="The messages (staff)",
    description="The newest first. `X-Total-Count` says how many there are in all.",
    parameters=[ListInput],
    responses={
        200: MessageOutput(many=True),
        **problems(_400="invalid", _401="not_authenticated", _403="permission_denied"),
    },
)
@api_view(["GET", "POST"])
@permission_classes([AnyoneWrites])
def messages(request: Request) -> Response:
    return received(request) if request.method == "POST" else listed(request)


@extend_schema(
    operation_id="contact_senders",
    tags=TAGS,
    summary="The messages counted by sender (staff)",
    responses={
        200: SenderOutput(many=True),
        **problems(_401="not_authenticated", _403="permission_denied"),
    },
)
@api_view(["GET"])
@permission_classes([IsAdminUser])
def senders(_request: Request) -> Response:
    return Response(SenderOutput(selectors.senders()[:500], many=True).data)


@extend_schema(
    methods=["PUT"],
    operation_id="contact_read",
    tags=TAGS,
    summary="Mark a message as read (staff)",
    request=ReadInput,
    responses={
        200: MessageOutput,
        **problems(_401="not_authenticated", _403="permission_denied", _404="not_found"),
    },
)
@extend_schema(
    methods=["DELETE"],
    operation_id="contact_delete",
    tags=TAGS,
    summary="Delete a message (staff)",
    responses={
        204: None,
        **problems(_401="not_authenticated", _403="permission_denied", _404="not_found"),
    },
)
@api_view(["PUT", "DELETE"])
@permission_classes([IsAdminUser])
def message(request: Request, message_id: str) -> Response:
    if request.method == "PUT":
        return marked(request, message_id)
    get_object_or_404(ContactMessage, pk=message_id).delete()
    return Response(status=204)


def received(request: Request) -> Response:
    data = MessageInput(data=request.data)
    data.is_valid(raise_exception=True)
    typed: dict[str, Any] = data.validated_data
    kept = send_message(
        name=typed["nombre"],
        email=typed["email"],
        subject=typed["asunto"],
        text=typed["mensaje"],
        trap=typed["sitio_web"],
        user=request.user if isinstance(request.user, User) else None,
        sesion_id=request.auth.pk if isinstance(request.auth, Sesion) else None,
        ip=client_of(request._request).ip,
        at=timezone.now(),
    )
    return Response(MessageOutput(kept).data, status=201)


def listed(request: Request) -> Response:
    data = ListInput(data=request.query_params)
    data.is_valid(raise_exception=True)
    asked: dict[str, Any] = data.validated_data
    rows = selectors.listed(
        is_read=asked["leido"], email=asked["email"], suspects=asked["sospechosos"]
    )
    total, start = rows.count(), asked["offset"]
    page = rows[start : start + asked["limit"]]
    return Response(MessageOutput(page, many=True).data, headers={"X-Total-Count": str(total)})


def marked(request: Request, message_id: str) -> Response:
    kept = get_object_or_404(ContactMessage, pk=message_id)
    data = ReadInput(data=request.data)
    data.is_valid(raise_exception=True)
    mark_read(kept, is_read=data.validated_data["leido"])
    return Response(MessageOutput(kept).data)
