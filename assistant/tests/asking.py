"""One question to the embedded engine, and all that it answered."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from assistant.core.words import Language
from assistant.providers.base import Ask, Delta, Source, ToolUsed, Turn
from assistant.providers.embedded import EmbeddedChat
from assistant.tools import tools_for


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    pieces: list[str]
    sources: list[Source]
    used: list[str]

    @property
    def urls(self) -> list[str]:
        return [source.url for source in self.sources]


async def hear(ask: Ask) -> Heard:
    pieces, sources, used = [], [], []
    async for piece in EmbeddedChat().stream(ask):
        if isinstance(piece, Delta):
            pieces.append(piece.text)
        elif isinstance(piece, Source):
            sources.append(piece)
        else:
            assert isinstance(piece, ToolUsed)
            used.append(piece.name)
    return Heard("".join(pieces), pieces, sources, used)


def an_ask(*texts: str, user: User | None = None, language: Language = "es", said: str = "") -> Ask:
    """Question, answer, question, … of one conversation."""
    turns = tuple(
        Turn("assistant" if number % 2 else "user", text) for number, text in enumerate(texts)
    )
    return Ask(turns, language, tools_for(user or AnonymousUser()), said)


async def asked(
    *texts: str, user: User | None = None, language: Language = "es", said: str = ""
) -> Heard:
    return await hear(an_ask(*texts, user=user, language=language, said=said))
