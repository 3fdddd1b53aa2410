"""Listens to an answer, wherever it is written, from a number of characters on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from assistant.events import Frame, Telling
from assistant.listening import listening, read
from assistant.models import Conversation, Message
from assistant.services import Asked
from assistant.threads import in_thread

LOOK: Final = 0.15  # seconds between looks at a row that another process writes


async def follow(pk: UUID, *, at: int) -> AsyncIterator[Frame]:
    """The frames of the answer after its first `at` characters, up to its last one.

    It ends without a last frame where the answer was deleted.
    """
    news, telling = asyncio.Event(), Telling(str(pk), at)
    listening.join(pk, news)
    try:
        while True:
            news.clear()  # before looking: what comes from here on is looked at again
            ours = listening.now(pk)
            heard = ours or await in_thread(read, pk)
            if heard is None:
                return
            for frame in telling.frames(heard):
                yield frame
            if heard.has_ended:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await news.wait()
    finally:
        listening.leave(pk, news)


async def new_answers(pk: UUID, *, after: int) -> AsyncIterator[Asked]:
    """Each answer that begins in the conversation behind its message `after`, as long as it is
    there."""
    news = asyncio.Event()
    listening.join(pk, news)
    try:
        while True:
            news.clear()
            found = await in_thread(_begun_after, pk, after)
            if found is None:
                return
            for number, asked in found:
                after = number
                yield asked
            await news.wait()
    finally:
        listening.leave(pk, news)


def _begun_after(pk: UUID, after: int) -> list[tuple[int, Asked]] | None:
    if not Conversation.objects.filter(pk=pk).exists():
        return None
    rows = Message.objects.filter(conversation=pk, number__gt=after, role=Message.Role.ASSISTANT)
    found = rows.order_by("number").values_list("number", "parent_id", "pk")
    return [(number, Asked(pk, parent, answer)) for number, parent, answer in found if parent]
