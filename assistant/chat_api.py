"""The API of conversations: listed, searched, read, asked without a socket, exported, deleted."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Any, Final, cast

import orjson
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from assistant import attachments, exporting, selectors, services
from assistant.chat_serializers import (
    AgainInput,
    AskedOutput,
    AttachmentOutput,
    ConversationInput,
    ConversationLine,
    ConversationOutput,
    FileInput,
    PageInput,
    QuestionInput,
    TalkMessageOutput,
)
from assistant.following import follow
from assistant.models import Attached, Conversation, Message
from assistant.refusals import BadMessage, NoFile, NotFound
from assistant.services import Asked, Speaker
from assistant.wire import conversation_body, file_body, line_body, message_body
from sessions_app.models import Sesion
from visionai.lib.openapi import problems
from visionai.lib.waiting import Pending, waiting

TAGS: Final = ["Assistant"]
WAIT: Final = 60.0  # seconds
MISSING: Final = problems(_401="bad_token", _404="not_found")
ASKING: Final = problems(
    _400="empty",
    _401="bad_token",
    _404="not_found",
    _409="still_answering",
    _413="too_long",
    _429="too_many_answers",
)
FORMS: Final = {
    "markdown": ("md", "text/markdown; charset=utf-8"),
    "json": ("json", "application/json"),
}


def speaker_of(request: Request) -> Speaker:
    sesion = request.auth if isinstance(request.auth, Sesion) else None
    return Speaker(user_of(request).pk, sesion.pk if sesion else None)


def user_of(request: Request) -> User:
    """Whoever asks; the permissions let nobody else in."""
    return cast("User", request.user)


def id_of(text: str) -> uuid.UUID:
    """Raises `NotFound` for what is no id."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound from error


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_assistant_conversations_list",
    summary="List or search your conversations, the last used first",
    description=(
        "`q` finds each of its words in titles and texts, without regard to case and accents. "
        "`X-Total-Count` says how many there are in all."
    ),
    parameters=[PageInput],
    responses={200: ConversationLine(many=True), **problems(_400="invalid", _401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Begin an empty conversation",
    request=ConversationInput,
    responses={201: ConversationOutput, **problems(_400="invalid", _401="bad_token")},
)
@api_view(["GET", "POST"])
def conversations(request: Request) -> Response:
    at = timezone.now()
    if request.method == "POST":
        data = ConversationInput(data=request.data)
        data.is_valid(raise_exception=True)
        talk = services.new_conversation(speaker_of(request), data.validated_data["title"], at=at)
        return Response(conversation_body(talk), status=201)
    asked = PageInput(data=request.query_params)
    asked.is_valid(raise_exception=True)
    query, limit, offset = (asked.validated_data[name] for name in ("q", "limit", "offset"))
    mine = Conversation.objects.owned_by(user_of(request))
    found = selectors.page(mine, query, limit=limit, offset=offset)
    total = selectors.search(mine, query).count()
    return Response([line_body(one) for one in found], headers={"X-Total-Count": str(total)})


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="A conversation with all its messages",
    responses={200: ConversationOutput, **MISSING},
)
@extend_schema(
    tags=TAGS,
    methods=["PATCH"],
    summary="Rename a conversation",
    request=ConversationInput,
    responses={200: ConversationOutput, **problems(_400="invalid", _404="not_found")},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Delete a conversation, its messages and its files",
    responses={204: None, **MISSING},
)
@api_view(["GET", "PATCH", "DELETE"])
def conversation(request: Request, pk: str) -> Response:
    who, key = speaker_of(request), id_of(pk)
    if request.method == "DELETE":
        services.delete(who, key)
        return Response(status=204)
    if request.method == "PATCH":
        data = ConversationInput(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(conversation_body(services.rename(who, key, data.validated_data["title"])))
    return Response(conversation_body(services.own_conversation(who, key)))


@extend_schema(
    tags=TAGS,
    summary="A conversation as a file",
    description="`markdown`: its newest branch. `json`: all of it.",
    parameters=[OpenApiParameter("form", OpenApiTypes.STR, enum=list(FORMS))],
    responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **MISSING},
)
@api_view(["GET"])
def export(request: Request, pk: str) -> HttpResponse:
    talk = services.own_conversation(speaker_of(request), id_of(pk))
    form = request.query_params.get("form", "markdown")
    if form not in FORMS:
        raise BadMessage(field="form")
    suffix, media_type = FORMS[form]
    if form == "json":
        content = orjson.dumps(exporting.as_json(talk), option=orjson.OPT_INDENT_2)
    else:
        content = exporting.as_markdown(talk).encode()
    return _download(content, media_type, exporting.file_name(talk, suffix))


@extend_schema(
    tags=TAGS,
    summary="Ask in a conversation, without a socket",
    description="201 with the whole answer, or 202 when it is not finished within 60 s.",
    request=QuestionInput,
    responses={201: AskedOutput, 202: AskedOutput, **ASKING},
)
@api_view(["POST"])
def _messages(request: Request, pk: str) -> Response:
    data = _question(request)
    asked = services.ask(
        speaker_of(request),
        data["text"],
        conversation=id_of(pk),
        parent=data.get("parent"),
        attached=data.get("attachments", ()),
        ref=data["ref"],
        language=_language(data),
        at=timezone.now(),
    )
    return _answer(asked, wait=data["wait"])


@extend_schema(
    tags=TAGS,
    summary="One message: how far its answer is",
    responses={200: TalkMessageOutput, **MISSING},
)
@api_view(["GET"])
def message(request: Request, pk: str, message_id: str) -> Response:
    return Response(_body(_one(request, pk, message_id)))


@extend_schema(
    tags=TAGS,
    summary="Stop an answer; what was said stays",
    request=None,
    responses={
        200: TalkMessageOutput,
        **problems(_401="bad_token", _404="not_found", _409="wrong_role"),
    },
)
@api_view(["POST"])
def _stop(request: Request, pk: str, message_id: str) -> Response:
    found = _one(request, pk, message_id)
    services.stop(speaker_of(request), found.pk, at=timezone.now())
    return _waited(found.pk, 200, _body)


@extend_schema(
    tags=TAGS,
    summary="Have a question answered again, beside the answer that is there",
    request=AgainInput,
    responses={201: AskedOutput, 202: AskedOutput, **ASKING},
)
@api_view(["POST"])
def _retry(request: Request, pk: str, message_id: str) -> Response:
    data = AgainInput(data=request.data)
    data.is_valid(raise_exception=True)
    found, ref = _one(request, pk, message_id), data.validated_data["ref"]
    asked = services.retry(speaker_of(request), found.pk, ref=ref, at=timezone.now())
    return _answer(asked, wait=data.validated_data["wait"])


@extend_schema(
    tags=TAGS,
    summary="Put a question anew, beside the old one",
    request=QuestionInput,
    responses={201: AskedOutput, 202: AskedOutput, **ASKING},
)
@api_view(["POST"])
def _edit(request: Request, pk: str, message_id: str) -> Response:
    data = _question(request)
    found = _one(request, pk, message_id)
    asked = services.edit(
        speaker_of(request),
        found.pk,
        data["text"],
        attached=data.get("attachments"),
        ref=data["ref"],
        language=_language(data),
        at=timezone.now(),
    )
    return _answer(asked, wait=data["wait"])


messages, stop, retry, edit = (waiting(view) for view in (_messages, _stop, _retry, _edit))


@extend_schema(
    tags=TAGS,
    summary="Upload a picture or a text for a message",
    description="JPEG, PNG or WebP up to 10 MiB, or UTF-8 text up to 512 KiB; kept a day unsent.",
    request={"multipart/form-data": FileInput},
    responses={
        201: AttachmentOutput,
        **problems(
            _400="no_file",
            _401="bad_token",
            _409="no_room",
            _413="too_large",
            _415="unsupported_format",
            _422="broken",
        ),
    },
)
@api_view(["POST"])
@parser_classes([MultiPartParser])
def upload(request: Request) -> Response:
    if "file" not in request.FILES:
        raise NoFile
    file = request.FILES["file"]
    attachments.check_size(file.size)
    kept = attachments.keep(
        user_of(request), name=str(file.name), data=bytes(file.read()), at=timezone.now()
    )
    return Response(file_body(kept), status=201)


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="An uploaded file",
    responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **MISSING},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Remove an upload that no message has",
    responses={204: None, **MISSING},
)
@api_view(["GET", "DELETE"])
def attachment(request: Request, pk: str) -> HttpResponse:
    found = Attached.objects.owned_by(user_of(request)).filter(pk=id_of(pk)).first()
    if found is None:
        raise NotFound
    if request.method == "DELETE":
        attachments.withdraw(found)
        return Response(status=204)
    return _download(attachments.read(found), found.media_type, found.name)


def _question(request: Request) -> dict[str, Any]:
    data = QuestionInput(data=request.data)
    data.is_valid(raise_exception=True)
    return dict(data.validated_data)


def _language(data: dict[str, Any]) -> str:
    return str(data.get("language") or (get_language() or "es")[:2])


def _one(request: Request, pk: str, message_id: str) -> Message:
    """A message of the caller's, in that conversation. Raises `NotFound`."""
    found = services.own_message(speaker_of(request), id_of(message_id))
    if found.conversation_id != id_of(pk):
        raise NotFound
    return found


def _answer(asked: Asked, *, wait: bool) -> Response:
    ids = {"conversation": str(asked.conversation), "message": str(asked.question)}
    if wait:
        return _waited(asked.answer, 201, lambda row: ids | {"answer": _body(row)})
    row = Message.objects.get(pk=asked.answer)
    return Response(ids | {"answer": _body(row)}, status=202)


def _waited(pk: uuid.UUID, status: int, body: Callable[[Message], dict[str, Any]]) -> Pending:
    """The answer when it has ended; 202 where it has not after a while."""

    def finish(_result: object) -> Response:
        row = Message.objects.filter(pk=pk).first()
        if row is None:
            raise NotFound
        return Response(body(row), status=status if row.has_ended else 202)

    return Pending(lambda: _end_of(pk), finish)


async def _end_of(pk: uuid.UUID) -> None:
    with contextlib.suppress(TimeoutError):
        frames = cast("Any", follow(pk, at=0))
        async with asyncio.timeout(WAIT), contextlib.aclosing(frames):
            async for _frame in frames:
                pass


def _body(row: Message) -> dict[str, Any]:
    return message_body(row, list(row.attached.all()))


def _download(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response.headers["Content-Disposition"] = _disposition(name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _disposition(name: str) -> str:
    return str(content_disposition_header(as_attachment=True, filename=name))
