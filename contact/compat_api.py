"""The original's own entrances for messages. No cookie counts here."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from contact import api
from contact.models import ContactMessage
from sessions_app.authentication import BearerAuthentication

by_token = authentication_classes([BearerAuthentication])
for_staff = permission_classes([IsAdminUser])
undocumented = extend_schema(exclude=True)  # the canonical operations are


@undocumented
@api_view(["POST"])
@by_token
@permission_classes([AllowAny])
def send(request: Request) -> Response:
    """`POST /contacto/enviar`."""
    return api.received(request)


@undocumented
@api_view(["GET"])
@by_token
@for_staff
def messages(request: Request) -> Response:
    """`GET /contacto/mensajes`."""
    return api.listed(request)


@undocumented
@api_view(["PUT"])
@by_token
@for_staff
def read(request: Request, message_id: str) -> Response:
    """`PUT /contacto/{id}/leido`."""
    return api.marked(request, message_id)


@undocumented
@api_view(["DELETE"])
@by_token
@for_staff
def delete(_request: Request, message_id: str) -> Response:
    """`DELETE /contacto/{id}`."""
    get_object_or_404(ContactMessage, pk=message_id).delete()
    return Response({"success": True})
