"""What one connection says to the assistant and hears from it, whichever socket it came by."""

import asyncio
import contextlib
import logging
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.utils import timezone, translation

from assistant import cleaning, events, services
from assistant.events import LAST, PLAIN, Frame
from assistant.following import follow, new_answers
from assistant.pace import count_visitor
from assistant.refusals import BadMessage, NotFound, VisitorsClosed
from assistant.services import Asked, Speaker
from assistant.threads import in_thread
from sessions_app.sockets import Identity
from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

FOLLOWED: Final = 8  # answers that one connection listens to at once
LONGEST_LABEL: Final = 64
LONGEST_REF: Final = 64
Send = Callable[[Mapping[str, object]], Awaitable[None]]


class Talk:
    """A connection's id, its counter, the conversation it is in and the answers it hears."""

    def __init__(self, send: Send, *, language: str, client_id: str) -> None:
        self._send, self.client_id = send, client_id
        self._language = language
        self._visitor = secrets.token_hex(16)
        self._following: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._asking = asyncio.Lock()
        self._told: set[uuid.UUID] = set()  # answers that `accepted` was sent for
        self._count, self._began = 0, time.monotonic()
        self._opened: asyncio.Task[None] | None = None
        self.conversation: uuid.UUID | None = None
        self.label: str | None = None

    def log_opened(self, identity: Identity) -> None:
        log.info("chat %s opened from %s", self.client_id, identity.client.ip)

    async def close(self, identity: Identity) -> None:
        """Stop listening; a user's answers go on, a visitor's are forgotten."""
        for task in [*self._following.values(), *filter(None, [self._opened])]:
            task.cancel()
        seconds = time.monotonic() - self._began
        log.info(
            "chat %s closed, from %s: %d messages in %.1f s",
            self.client_id,
            identity.client.ip,
            self._count,
            seconds,
        )
        if identity.user_id is None and self._count:
            await in_thread(cleaning.forget_visitor, self._visitor)

    def speaker(self, identity: Identity) -> Speaker:
        if identity.user_id is None:
            return Speaker(None, None, self._visitor)
        return Speaker(identity.user_id, identity.sesion_id)

    async def ask(self, identity: Identity, text: str) -> Asked:
        """A message of the original's kind, in this connection's conversation. Raises
        `DomainError`."""
        try:
            return await self._put(identity, text, {}, conversation=self.conversation)
        except NotFound:
            if self.conversation is None:
                raise
        self.conversation = None  # deleted meanwhile; such a client knows no other
        return await self._put(identity, text, {}, conversation=None)

    async def ask_as(self, identity: Identity, text: str, message: Mapping[str, Any]) -> Asked:
        """A message that says where it belongs. Raises `DomainError`."""
        conversation = id_in(message, "conversation", optional=True)
        return await self._put(identity, text, message, conversation=conversation)

    async def retry(self, identity: Identity, message: Mapping[str, Any]) -> Asked:
        """Raises `DomainError`."""
        self._count += 1
        await self._admit(identity)
        who, pk, ref = self.speaker(identity), id_in(message, "id"), ref_in(message)
        return await self._asked(lambda: services.retry(who, pk, ref=ref, at=_now()))

    async def edit(self, identity: Identity, text: str, message: Mapping[str, Any]) -> Asked:
        """Raises `DomainError`."""
        self._count += 1
        await self._admit(identity)
        attached = ids_in(message, "attachments") if "attachments" in message else None
        language, ref = self._language_of(message), ref_in(message)
        who, pk = self.speaker(identity), id_in(message, "id")
        return await self._asked(
            lambda: services.edit(
                who, pk, text, attached=attached, ref=ref, language=language, at=_now()
            )
        )

    async def stop(self, identity: Identity, pk: uuid.UUID) -> int:
        """Have the answer end; how long it was. Raises `DomainError`."""
        answer = await in_thread(lambda: services.stop(self.speaker(identity), pk, at=_now()))
        return len(answer.text)

    async def open(self, identity: Identity, pk: uuid.UUID) -> None:
        """Be in the conversation and hear all that is asked in it, whoever asks. Raises
        `NotFound`."""
        talk = await in_thread(services.own_conversation, self.speaker(identity), pk)
        self.conversation = pk
        if self._opened is not None:
            self._opened.cancel()
        # What was there already is for the API; its unfinished answers are for `resume`.
        hearing = self._hear_all(pk, after=talk.last_number)
        self._opened = asyncio.get_running_loop().create_task(hearing)

    async def _hear_all(self, pk: uuid.UUID, *, after: int) -> None:
        async with contextlib.aclosing(_new_in(pk, after)) as news:
            async for asked in news:
                async with self._asking:
                    is_known = asked.answer in self._told
                if not is_known:
                    self._told.add(asked.answer)
                    await self._send(events.accepted(asked, None))
                    self.follow(asked.answer)

    def is_followed(self, pk: uuid.UUID) -> bool:
        return pk in self._following

    def follow(self, pk: uuid.UUID, *, at: int = 0, plain: bool = False) -> None:
        """Tell the client of that answer from its character `at` on, beside all else."""
        older = self._following.pop(pk, None)
        if older is not None:
            older.cancel()
        elif len(self._following) >= FOLLOWED:
            oldest = next(iter(self._following))
            self._following.pop(oldest).cancel()
        task = asyncio.get_running_loop().create_task(self.hear(pk, at=at, plain=plain))
        self._following[pk] = task
        task.add_done_callback(lambda done: self._heard(pk, done))

    async def hear(self, pk: uuid.UUID, *, at: int = 0, plain: bool = False) -> None:
        """Send the frames of an answer to its last; `plain` those that the original knew."""
        translation.activate(self._language)
        async with contextlib.aclosing(_stream(pk, at)) as frames:
            frame: Frame = {}
            async for frame in frames:
                if not plain or frame["type"] in PLAIN:
                    await self._send(frame)
            if frame.get("type") not in LAST:  # deleted meanwhile
                await self._send(events.refusal(NotFound(), about=str(pk)))

    def _heard(self, pk: uuid.UUID, task: "asyncio.Task[None]") -> None:
        if self._following.get(pk) is task:
            del self._following[pk]
        if not task.cancelled() and (fault := task.exception()):
            log.error("an answer could not be told", exc_info=fault)

    async def _put(
        self,
        identity: Identity,
        text: str,
        message: Mapping[str, Any],
        *,
        conversation: uuid.UUID | None,
    ) -> Asked:
        self._count += 1
        await self._admit(identity)
        who, language = self.speaker(identity), self._language_of(message)
        parent = id_in(message, "parent", optional=True)
        attached, ref = ids_in(message, "attachments"), ref_in(message)
        return await self._asked(
            lambda: services.ask(
                who,
                text,
                conversation=conversation,
                parent=parent,
                attached=attached,
                label=None if conversation or "conversation" in message else self.label,
                ref=ref,
                language=language,
                at=_now(),
            )
        )

    async def _asked(self, work: Callable[[], Asked]) -> Asked:
        async with self._asking:  # whoever hears of it in `_hear_all` finds it told
            asked = await in_thread(work)
            self._told.add(asked.answer)
        self.conversation = asked.conversation
        return asked

    async def _admit(self, identity: Identity) -> None:
        if identity.user_id is None:
            if not settings.ANONYMOUS_CHAT:
                raise VisitorsClosed
            await in_thread(lambda: count_visitor(identity.client.ip, at=_now()))

    def _language_of(self, message: Mapping[str, Any]) -> str:
        """As the message says, else as the page or the program that opened the socket."""
        said = message.get("language")
        return str(said) if said in ("es", "en") else self._language[:2]


def id_in(message: Mapping[str, Any], field: str, *, optional: bool = False) -> Any:
    """An id of the message. Raises `BadMessage`."""
    value = message.get(field)
    if value is None and optional:
        return None
    try:
        return uuid.UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadMessage(field=field) from error


def ref_in(message: Mapping[str, Any]) -> str:
    """What the client calls its message. Raises `BadMessage`."""
    value = message.get("ref", "")
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str) or len(value) > LONGEST_REF:
        raise BadMessage(field="ref")
    return value


def ids_in(message: Mapping[str, Any], field: str) -> list[uuid.UUID]:
    """Raises `BadMessage`."""
    values = message.get(field, [])
    if not isinstance(values, list) or len(values) > 50:
        raise BadMessage(field=field)
    return [id_in({field: value}, field) for value in values]


def _stream(pk: uuid.UUID, at: int) -> Any:
    return follow(pk, at=at)


def _new_in(pk: uuid.UUID, after: int) -> Any:
    return new_answers(pk, after=after)


def _now() -> Any:
    return timezone.now()


def error(fault: DomainError, language: str, *, ref: object = None) -> Frame:
    with translation.override(language):
        return dict(events.refusal(fault, ref=ref))
