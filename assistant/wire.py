"""What goes out about conversations, the same for the API, exports and pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from assistant.models import Attached, Conversation, Message
from assistant.selectors import Found


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def line_body(found: Found) -> dict[str, Any]:
    """A conversation in a list."""
    body = head_body(found.conversation)
    return body | {"generating": found.generating, "found": found.piece}


def head_body(talk: Conversation) -> dict[str, Any]:
    return {
        "id": str(talk.pk),
        "title": talk.title,
        "created_at": moment(talk.created_at),
        "updated_at": moment(talk.updated_at),
    }


def conversation_body(talk: Conversation) -> dict[str, Any]:
    """With all its messages, oldest first; `parent` makes the tree."""
    files: dict[UUID, list[Attached]] = {}
    for file in Attached.objects.filter(message__conversation=talk):
        if file.message_id:
            files.setdefault(file.message_id, []).append(file)
    messages = [message_body(one, files.get(one.pk, [])) for one in talk.messages.all()]
    return head_body(talk) | {"messages": messages}


def message_body(message: Message, files: list[Attached]) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "parent": str(message.parent_id) if message.parent_id else None,
        "role": message.role,
        "text": message.text,
        "state": message.state,
        "error": message.error,
        "engine": message.engine,
        "model": message.model,
        "degraded": message.degraded,
        "sources": message.sources,
        "attachments": [file_body(file) for file in files],
        "created_at": moment(message.created_at),
        "ended_at": moment(message.ended_at),
    }


def file_body(file: Attached) -> dict[str, Any]:
    return {
        "id": str(file.pk),
        "name": file.name,
        "media_type": file.media_type,
        "size": file.size,
    }
