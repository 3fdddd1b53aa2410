"""`/api/v1/sessions`: where I am signed in, and ending that."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.services import end_session, end_sessions_of

REVOKED = Sesion.EndReason.REVOKED_BY_USER


class SesionOutput(serializers.ModelSerializer[Sesion]):
    device = serializers.CharField(source="device_name")
    started = serializers.DateTimeField(source="fecha_inicio")
    current = serializers.SerializerMethodField()

    class Meta:
        model = Sesion
        fields = ["id", "kind", "device", "ip", "started", "last_seen", "current"]
        read_only_fields = fields

    def get_current(self, sesion: Sesion) -> bool:
        return bool(sesion.pk == self.context["current"])


AnswerToList = inline_serializer("SessionList", {"sessions": SesionOutput(many=True)})
AnswerToEnd = inline_serializer("SessionsEnded", {"ended": serializers.IntegerField()})
EXAMPLE = {
    "id": 12,
    "kind": "browser",
    "device": "Firefox · Linux",
    "ip": "192.0.2.7",
    "started": "2026-11-21T08:30:00Z",
    "last_seen": "2026-11-21T09:02:11Z",
    "current": True,
}


@extend_schema(
    operation_id="sessions_list",
    summary="My open sessions",
    tags=["sessions"],
    responses=AnswerToList,
    examples=[OpenApiExample("One browser", value={"sessions": [EXAMPLE]}, response_only=True)],
)
@api_view(["GET"])
def list_sessions(request: Request) -> Response:
    """Every place where the caller is signed in; the newest login first."""
    mine = Sesion.objects.owned_by(request.user).open_at(timezone.now()).order_by("-pk")
    output = SesionOutput(mine, many=True, context={"current": _current(request)})
    return Response({"sessions": output.data})


@extend_schema(
    operation_id="sessions_end",
    summary="End one of my sessions",
    tags=["sessions"],
    responses={204: None},
)
@api_view(["DELETE"])
def end_one(request: Request, sesion_id: int) -> Response:
    """Its tokens and sockets stop within a second. One that has ended already stays as it is."""
    sesion = get_object_or_404(Sesion.objects.owned_by(request.user), pk=sesion_id)
    end_session(sesion, reason=REVOKED, at=timezone.now())
    return Response(status=204)


@extend_schema(
    operation_id="sessions_end_others",
    summary="End all my other sessions",
    tags=["sessions"],
    responses=AnswerToEnd,
    examples=[OpenApiExample("Two ended", value={"ended": 2}, response_only=True)],
)
@api_view(["DELETE"])
def end_others(request: Request) -> Response:
    """All but the session that this request is made in."""
    user = request.user
    assert isinstance(user, User)  # the default permission admits nobody else
    ended = end_sessions_of(user, reason=REVOKED, at=timezone.now(), keep=_current(request))
    return Response({"ended": ended})


def _current(request: Request) -> int | None:
    sesion = request.auth
    return sesion.pk if isinstance(sesion, Sesion) else None
