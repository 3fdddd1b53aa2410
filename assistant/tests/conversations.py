"""Conversations whose every word is somebody's hostile text."""

from collections.abc import Iterator, Sequence

from django.utils import timezone

from accounts.models import User
from assistant.core.folding import fold
from assistant.models import Attached, Conversation, Message

TURNS = 50  # of a conversation


def hostile_conversations(user: User, texts: Sequence[str]) -> None:
    """Each text in every place where the page shows what somebody else wrote."""
    seen = [text.replace("\0", "\ufffd") for text in texts]  # which no database keeps
    Conversation.objects.bulk_create([_titled(user, text) for text in seen])
    for start in range(0, len(seen), TURNS):
        talk = _titled(user, f"{start} {seen[start]}")
        talk.save()
        rows = list(_turns(talk, seen[start : start + TURNS]))
        Message.objects.bulk_create(rows)
        asked = [row for row in rows if row.role == "user"]
        Attached.objects.bulk_create([_file(user, message) for message in asked])


def _titled(user: User, text: str) -> Conversation:
    at = timezone.now()
    title = text[:200]
    return Conversation(
        user=user, title=title, folded_title=fold(title), created_at=at, updated_at=at
    )


def _turns(talk: Conversation, texts: Sequence[str]) -> Iterator[Message]:
    before: Message | None = None
    for number, text in enumerate(texts):
        asked = _message(talk, before, 2 * number + 1, "user", text)
        before = _message(talk, asked, 2 * number + 2, "assistant", text)
        before.engine, before.model = text[:40], text[:200]
        before.sources = [{"title": text, "url": text}, {"title": text, "url": "/ayuda/"}]
        yield from (asked, before)


def _message(
    talk: Conversation, parent: Message | None, number: int, role: str, text: str
) -> Message:
    at = timezone.now()
    return Message(
        conversation=talk,
        parent=parent,
        number=number,
        role=role,
        text=text,
        folded=fold(text),
        language="es",
        state="done",
        created_at=at,
        ended_at=at,
    )


def _file(user: User, message: Message) -> Attached:
    return Attached(
        user=user,
        message=message,
        name=message.text[:120],
        media_type="text/plain",
        size=1,
        stored="none",
        created_at=timezone.now(),
    )
