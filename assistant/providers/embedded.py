"""The engine that needs nothing: answers from the help pages and the asker's own data.

It is no language model, and says so. It searches by keywords, claims nothing that it did not
find, and declines the rest with a pointer.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import ClassVar, Final

from assistant.providers.base import Ask, Delta, Piece, ToolUsed
from assistant.replies import Answer, answer_to
from assistant.wording import taken_over

PIECE: Final = re.compile(r"\S+\s*|\s+")
WORDS_A_PIECE: Final = 4


class EmbeddedChat:
    """A `ChatProvider`."""

    name: ClassVar[str] = "embedded"
    model = "keywords"

    async def stream(self, ask: Ask) -> AsyncIterator[Piece]:
        answer = await answer_to(ask)
        for name in answer.used:
            yield ToolUsed(name)
        for source in answer.sources:
            yield source
        rest = remainder(answer, ask.said)
        words = PIECE.findall(rest)
        for start in range(0, len(words), WORDS_A_PIECE):
            yield Delta("".join(words[start : start + WORDS_A_PIECE]))
            await asyncio.sleep(0)  # a stop is heard between two pieces


def remainder(answer: Answer, said: str) -> str:
    """What is left to say after `said`.

    That may be the beginning of this very answer, or of one that another engine began, or that
    this one began when the data were others: then a sentence says that a new answer follows.
    """
    if answer.text.startswith(said):
        return answer.text[len(said) :]
    bridge = taken_over(answer.language)
    _before, found, after = said.rpartition(bridge)
    if found and answer.text.startswith(after):
        return answer.text[len(after) :]
    for length in range(len(bridge) - 1, 0, -1):  # it was cut within the sentence itself
        if said.endswith(bridge[:length]):
            return bridge[length:] + answer.text
    return bridge + answer.text
