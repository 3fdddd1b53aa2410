"""What is in a picture: canonical, and on the original's paths."""

from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    parser_classes,
    permission_classes,
    throttle_classes,
)
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from assistant.far_eyes import Want, to_be_asked
from assistant.metering import check_calls, claim_call
from assistant.pictures import Answer, look_at
from assistant.serializers import ImageInput, ImageText, LookOutput
from assistant.throttles import AnonymousImages
from predictions.refusals import check_anonymous
from predictions.sent_pictures import picture_of
from sessions_app.authentication import BearerAuthentication
from sessions_app.models import Sesion
from visionai.lib.openapi import problems
from visionai.lib.parsing import JSONParser


@extend_schema(
    tags=["Assistant"],
    summary="Look at a picture: faces, eyes, people, colours, sharpness",
    description=(
        "Without any network: OpenCV's cascades and its detector of standing people. Who is signed"
        " in has the configured providers as well; `engines` says who found what. The picture is"
        " not kept here, and a description of our own claims only what was found."
    ),
    request={"multipart/form-data": ImageInput, "application/json": ImageText},
    responses={
        200: LookOutput,
        **problems(
            _400="no_file",
            _401="bad_token",
            _413="too_large",
            _415="unsupported_format",
            _422="broken",
            _429="throttled",
            _503="busy",
        ),
    },
)
@api_view(["POST"])
@permission_classes([AllowAny])
@throttle_classes([AnonymousImages])
@parser_classes([MultiPartParser, FormParser, JSONParser])
def look(request: Request) -> Response:
    return Response(_answer(request).body())


def _original(
    shown: Callable[[Answer], dict[str, Any]], wants: tuple[Want, ...] = ("detect", "caption")
) -> Callable[..., Any]:
    @extend_schema(exclude=True)
    @api_view(["POST"])
    @authentication_classes([BearerAuthentication])  # no cookie counts on the originals' paths
    @permission_classes([AllowAny])
    @throttle_classes([AnonymousImages])
    @parser_classes([MultiPartParser, FormParser, JSONParser])
    def view(request: Request) -> Response:
        return Response({"success": True} | shown(_answer(request, wants)))

    return view


def _only(*fields: str) -> Callable[[Answer], dict[str, Any]]:
    return lambda answer: {name: answer.body()[name] for name in (*fields, "provider", "degraded")}


# `POST /imagen/analizar`, `/imagen/objetos`, `/imagen/descripcion`
analyse = _original(Answer.body)
objects = _original(_only("objects", "width", "height"), ("detect",))
description = _original(_only("description"), ("caption",))


def _answer(request: Request, wants: tuple[Want, ...] = ("detect", "caption")) -> Answer:
    """A picture that a provider looked at counts as a call; one that this machine did is free."""
    user, at = request.user, timezone.now()
    if not user.is_authenticated:
        check_anonymous()
    elif to_be_asked(user_id=user.pk, wants=wants):
        check_calls(user, at=at)
    answer = look_at(picture_of(request), user_id=user.pk, wants=wants)
    if answer.far.answered:
        session = request.auth.pk if isinstance(request.auth, Sesion) else None
        claim_call(cast("User", user), key=f"picture:{uuid4().hex}", at=at, session_id=session)
    return answer
