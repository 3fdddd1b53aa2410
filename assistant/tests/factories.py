"""Rows for tests, each sound by itself."""

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from assistant.core.folding import fold
from assistant.models import Conversation, Message
from assistant.services import Speaker


def speaker(user: User) -> Speaker:
    return Speaker(user.pk)


def a_conversation(
    user: User | None, title: str = "Una red", *, visitor: str = "", at: datetime | None = None
) -> Conversation:
    at = at or timezone.now()
    return Conversation.objects.create(
        user=user,
        visitor=visitor,
        title=title,
        folded_title=fold(title),
        created_at=at,
        updated_at=at,
    )


def a_message(
    talk: Conversation,
    text: str = "Hola",
    *,
    parent: Message | None = None,
    role: str = "user",
    state: str = "done",
) -> Message:
    talk.last_number += 1
    talk.save(update_fields=["last_number"])
    at = timezone.now()
    return Message.objects.create(
        conversation=talk,
        parent=parent,
        number=talk.last_number,
        role=role,
        text=text,
        folded=fold(text),
        language="es",
        state=state,
        created_at=at,
        ended_at=None if state == "generating" else at,
    )


def an_answer(question: Message, text: str = "Soy yo.", state: str = "done") -> Message:
    talk = question.conversation
    return a_message(talk, text, parent=question, role="assistant", state=state)
