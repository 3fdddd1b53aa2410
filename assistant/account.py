"""What an account's owner may ask of this app, and what its end does to answers."""

from collections.abc import Iterator, Mapping

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from assistant import attachments, services
from assistant.models import Attached, Conversation, Message

Part = tuple[str, Iterator[Mapping[str, object]]]


def export_conversations(user: User) -> Part:
    rows = Conversation.objects.owned_by(user).order_by("created_at")
    columns = ("id", "title", "sesion_number", "created_at", "updated_at")
    return "conversations", rows.values(*columns).iterator()


def export_messages(user: User) -> Part:
    rows = Message.objects.owned_by(user).order_by("conversation__created_at", "number")
    columns = ("id", "conversation_id", "parent_id", "role", "text", "state", "engine", "model")
    ends = ("degraded", "sources", "sesion_number", "created_at", "ended_at")
    return "messages", rows.values(*columns, *ends).iterator()


def export_files(user: User) -> Part:
    """Which there are; each is to be had at `/api/v1/assistant/attachments/{id}`."""
    rows = Attached.objects.owned_by(user).order_by("created_at")
    columns = ("id", "message_id", "name", "media_type", "size", "created_at")
    return "attached_files", rows.values(*columns).iterator()


def stop_disabled(user: User) -> None:
    """No answer is written any more for an account that was switched off."""
    services.stop_all_of(user, at=timezone.now())


@transaction.atomic
def erase_assistant(user: User) -> None:
    """Remove conversations, messages and files; who writes an answer finds its row gone."""
    for talk in Conversation.objects.owned_by(user):
        services.remove(talk)
    unsent = Attached.objects.owned_by(user)
    names = attachments.stored_of(unsent)
    unsent.delete()
    attachments.forget_unused(names)
