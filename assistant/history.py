"""What a provider is asked, made from the rows of a conversation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, cast
from uuid import UUID

from accounts.models import User
from assistant.attachments import for_provider
from assistant.models import Message
from assistant.providers.base import Ask, Language, Tool, Turn

MOST_TURNS: Final = 60
MOST_CHARACTERS: Final = 48_000  # of all turns but the last
TURNS_WITH_FILES: Final = 3  # the newest questions bring their files along
ToolsOf: TypeAlias = Callable[[User], tuple[Tool, ...]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An answer to be given: for whom, and what is asked."""

    user: User | None
    ask: Ask


def wanted(pk: UUID, tools: ToolsOf) -> Wanted | None:
    """None where the answer's row is gone."""
    rows = Message.objects.select_related("conversation__user")
    answer = rows.filter(pk=pk).first()
    if answer is None:
        return None
    user = answer.conversation.user
    ask = Ask(
        turns=_turns(answer),
        language=cast("Language", answer.language),
        tools=tools(user) if user else (),
        said=answer.text,
    )
    return Wanted(user, ask)


def branch(leaf: Message) -> list[Message]:
    """The messages from the first question to `leaf`, oldest first."""
    rows = {row.pk: row for row in Message.objects.filter(conversation_id=leaf.conversation_id)}
    found: list[Message] = []
    at: Message | None = rows.get(leaf.pk)
    while at is not None:
        found.append(at)
        at = rows.get(at.parent_id) if at.parent_id else None
    return found[::-1]


def _turns(answer: Message) -> tuple[Turn, ...]:
    found: list[Turn] = []
    room, questions = MOST_CHARACTERS, 0
    for message in reversed(branch(answer)[:-1]):
        room -= len(message.text) if found else 0
        if room < 0 or len(found) == MOST_TURNS:
            break
        if message.role == Message.Role.USER:
            questions += 1
            files = for_provider(message) if questions <= TURNS_WITH_FILES else ()
            found.append(Turn("user", message.text, files))
        elif message.text:
            found.append(Turn("assistant", message.text))
    return tuple(found[::-1])
