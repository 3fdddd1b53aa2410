"""Conversations as they go out and come in, described for OpenAPI."""

from typing import Any

from rest_framework import serializers

from assistant.models import TITLE_LENGTH, Message
from assistant.services import LONGEST_QUESTION
from visionai.lib.openapi import shows

CONVERSATION = {
    "id": "6f0c7a52-1a52-4c3b-9f0e-2a8a35c3a8f1",
    "title": "¿Cómo exporto una red a VHDL?",
    "created_at": "2026-11-21T09:00:00Z",
    "updated_at": "2026-11-21T09:00:04Z",
}
FILE = {
    "id": "0d1f2a3b-5c6d-4e7f-8091-a2b3c4d5e6f7",
    "name": "mano.png",
    "media_type": "image/png",
    "size": 20480,
}
ANSWER = {
    "id": "9a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d",
    "parent": "1b2c3d4e-5f6a-4b7c-8d9e-0f1a2b3c4d5e",
    "role": "assistant",
    "text": "Sube la red en Hardware y elige «Red entera».",
    "state": "done",
    "error": "",
    "engine": "embedded",
    "model": "",
    "degraded": False,
    "sources": [{"title": "Exportar", "url": "/ayuda/exportar/"}],
    "attachments": [],
    "created_at": "2026-11-21T09:00:00Z",
    "ended_at": "2026-11-21T09:00:04Z",
}


class SourceOutput(serializers.Serializer[Any]):
    title = serializers.CharField()
    url = serializers.CharField()


@shows(FILE)
class AttachmentOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")


@shows(ANSWER)
class TalkMessageOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    parent = serializers.UUIDField(  # type: ignore[assignment]
        allow_null=True, help_text="What it follows on: brothers are other tries."
    )
    role = serializers.ChoiceField(Message.Role.choices)
    text = serializers.CharField(help_text="Of an unfinished answer: as far as it is written.")
    state = serializers.ChoiceField(Message.State.choices)
    error = serializers.CharField(help_text="The code of what made an answer fail.")
    engine = serializers.CharField()
    model = serializers.CharField()
    degraded = serializers.BooleanField(help_text="A stand-in answered for a provider that failed.")
    sources = SourceOutput(many=True)
    attachments = AttachmentOutput(many=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


@shows(CONVERSATION | {"messages": [ANSWER]})
class ConversationOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    messages = TalkMessageOutput(many=True)


@shows(CONVERSATION | {"generating": False, "found": ""})
class ConversationLine(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    generating = serializers.BooleanField(help_text="An answer is being written in it.")
    found = serializers.CharField(help_text="Of a search: a piece of the text that has a word.")


class ConversationInput(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=TITLE_LENGTH, help_text="One line.")


class PageInput(serializers.Serializer[Any]):
    q = serializers.CharField(required=False, default="", max_length=200, allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=10**9, default=0)


class QuestionInput(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=LONGEST_QUESTION, allow_blank=True, trim_whitespace=False
    )
    parent = serializers.UUIDField(  # type: ignore[assignment]
        required=False, allow_null=True, help_text="An answer; without it, the newest message."
    )
    attachments = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=50
    )
    language = serializers.ChoiceField(["es", "en"], required=False)
    ref = serializers.CharField(
        required=False,
        max_length=64,
        default="",
        allow_blank=True,
        help_text="A name of your own: what is sent again under it is not asked again.",
    )
    wait = serializers.BooleanField(
        default=True, help_text="Wait up to 60 s for the answer's end; else 202 at once."
    )


class AgainInput(serializers.Serializer[Any]):
    ref = serializers.CharField(required=False, max_length=64, default="", allow_blank=True)
    wait = serializers.BooleanField(default=True)


class FileInput(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


@shows(
    {
        "conversation": CONVERSATION["id"],
        "message": ANSWER["parent"],
        "answer": ANSWER,
    }
)
class AskedOutput(serializers.Serializer[Any]):
    conversation = serializers.UUIDField()
    message = serializers.UUIDField(help_text="The question.")
    answer = TalkMessageOutput()
