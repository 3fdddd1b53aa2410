"""Conversations whose every word is somebody's hostile text."""

from collections.abc import Sequence

from django.utils import timezone

from accounts.models import User
from assistant.models import Attached, Message
from assistant.tests.factories import a_conversation, a_message, an_answer

TURNS = 50  # of a conversation


def hostile_conversations(user: User, texts: Sequence[str]) -> None:
    """Each text in every place where the page shows what somebody else wrote."""
    seen = [text.replace("\0", "\ufffd") for text in texts]  # which no database keeps
    for text in seen:
        a_conversation(user, text[:200])
    for start in range(0, len(seen), TURNS):
        talk = a_conversation(user, f"{start} {seen[start]}"[:200])
        before: Message | None = None
        for text in seen[start : start + TURNS]:
            asked = a_message(talk, text, parent=before)
            before = an_answer(asked, text)
            before.engine, before.model = text[:40], text[:200]
            before.sources = [{"title": text, "url": text}, {"title": text, "url": "/ayuda/"}]
            before.save(update_fields=["engine", "model", "sources"])
            _add_file(user, asked, text)


def _add_file(user: User, message: Message, name: str) -> None:
    Attached.objects.create(
        user=user,
        message=message,
        name=name[:120],
        media_type="text/plain",
        size=1,
        stored="none",
        created_at=timezone.now(),
    )
