"""The sockets of the assistant, and the one that serves the originals of all kinds.

A connection only asks and listens: an answer is written elsewhere and goes on without it.
"""

import logging
import secrets
import time
import uuid
from typing import Any, ClassVar, Final

import orjson

from assistant import events, services
from assistant.events import TYPING
from assistant.refusals import BadMessage, NotFound, TooFast, TooLong, Unavailable, UnknownKind
from assistant.services import LONGEST_QUESTION, Asked
from assistant.talk import LONGEST_LABEL, Talk, error, id_in
from assistant.threads import in_thread
from predictions.consumers import CompatSocket
from predictions.core.pace import Pace
from sessions_app.language import language_of_scope
from sessions_app.sockets import SessionSocket
from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

NOT_YOURS: Final = 4404
A_SECOND: Final = 10  # messages of one connection
LONGEST_TEXT: Final = 4 * LONGEST_QUESTION + 8192  # with its escapes and its other fields
ASKING: Final = {"text", "message"}


class ChatSocket(SessionSocket):
    """`/ws/chat` and `/ws/chat/{id}`: for our own page, signed in by its cookie, and programs."""

    _talk: Talk

    def __init__(self) -> None:
        super().__init__()
        self._pace = Pace(A_SECOND)

    async def opened(self) -> None:
        self._language = language_of_scope(self.scope)
        name = f"chat_{secrets.token_hex(4)}"
        self._talk = Talk(self.send_json, language=self._language, client_id=name)
        hello: events.Connected = {"type": "connected", "client_id": name, "status": "connected"}
        try:
            await self._enter(hello)
        except NotFound:
            await self.close(NOT_YOURS)
            return
        self._talk.log_opened(self.identity)
        await self.send_json(hello)

    async def closed(self, code: int) -> None:
        if hasattr(self, "_talk"):
            await self._talk.close(self.identity)

    async def text(self, text: str) -> None:
        message = parsed(text)
        ref = message.get("ref") if isinstance(message, dict) else None
        try:
            if not self._pace.allows(at=time.monotonic()):
                raise TooFast(retry_after=1, retry_in=1)
            if len(text) > LONGEST_TEXT:
                raise TooLong(limit=LONGEST_QUESTION)
            await self._take(message, ref)
        except DomainError as fault:
            await self.send_json(error(fault, self._language, ref=ref))
        except Exception:  # a database that is away, say: the client may try again
            log.exception("a message of a chat could not be taken")
            await self.send_json(error(Unavailable(retry_after=5), self._language, ref=ref))

    async def frame(self, data: bytes) -> None:
        await self.send_json(error(UnknownKind(), self._language))

    async def _enter(self, hello: events.Connected) -> None:
        """Be in the conversation that the path names. Raises `NotFound`."""
        name = self.scope.get("url_route", {}).get("kwargs", {}).get("chat_id")
        if name is None:
            return
        try:
            pk = uuid.UUID(name)
        except ValueError:  # an original client's own name for its chat
            self._talk.label = name[:LONGEST_LABEL]
            return
        await self._talk.open(self.identity, pk)
        hello["conversation"] = str(pk)

    async def _take(self, message: Any, ref: object) -> None:
        if isinstance(message, str):
            await self._ask(message)
        elif not isinstance(message, dict):
            raise UnknownKind
        else:
            await self._take_object(message, ref)

    async def _take_object(self, message: dict[str, Any], ref: object) -> None:
        kind = message.get("type", "text" if ASKING & message.keys() else None)
        if not isinstance(kind, str):
            raise UnknownKind
        if kind == "text" and "conversation" in message:
            asked = await self._talk.ask_as(self.identity, question_in(message), message)
            await self._answer(asked, ref)
        elif kind in {"text", "message"}:
            await self._ask(question_in(message))
        elif kind == "stop":
            await self._stop(id_in(message, "id"))
        elif kind == "resume":
            await self._resume(message)
        elif kind == "retry":
            asked = await self._talk.retry(self.identity, message)
            await self._answer(asked, ref)
        elif kind == "edit":
            asked = await self._talk.edit(self.identity, question_in(message), message)
            await self._answer(asked, ref)
        elif kind == "open":
            pk = id_in(message, "conversation")
            await self._talk.open(self.identity, pk)
            await self.send_json({"type": "opened", "conversation": str(pk)})
        elif kind == "ping":
            await self.send_json({"type": "pong"})
        elif kind not in {"typing", "pong", "heartbeat"}:  # signs of life that want no answer
            raise UnknownKind

    async def _ask(self, text: str) -> None:
        """As the original's clients ask: they hear `typing`, deltas and the text, no more."""
        asked = await self._talk.ask(self.identity, text)
        await self.send_json(TYPING)
        self._talk.follow(asked.answer, plain=True)

    async def _answer(self, asked: Asked, ref: object) -> None:
        await self.send_json(TYPING)
        await self.send_json(events.accepted(asked, ref))
        self._talk.follow(asked.answer)

    async def _stop(self, pk: uuid.UUID) -> None:
        length = await self._talk.stop(self.identity, pk)
        if not self._talk.is_followed(pk):
            self._talk.follow(pk, at=length)

    async def _resume(self, message: dict[str, Any]) -> None:
        pk, at = id_in(message, "id"), message.get("at", 0)
        if not isinstance(at, int) or isinstance(at, bool) or at < 0:
            raise BadMessage(field="at")
        speaker = self._talk.speaker(self.identity)
        answer = await in_thread(services.own_message, speaker, pk)
        if answer.role != answer.Role.ASSISTANT:
            raise NotFound
        self._talk.follow(pk, at=at)


class CompatChatSocket(ChatSocket):
    """`/api/chat`, as the original's clients use it: no cookie."""

    cookie_allowed: ClassVar[bool] = False


class EverySocket(CompatSocket):
    """`/ws`: the first key of a message says whether it is a command or a question, and each is
    answered to its end before the next one."""

    _talk: Talk

    async def opened(self) -> None:
        await super().opened()
        self._talk = Talk(self.send_json, language=self._language, client_id=self.client_id)
        self._talk.log_opened(self.identity)

    async def closed(self, code: int) -> None:
        await super().closed(code)
        if hasattr(self, "_talk"):
            await self._talk.close(self.identity)

    async def answer_text(self, text: str) -> None:
        message = parsed(text) if len(text) <= LONGEST_TEXT else None
        if isinstance(message, str) or (isinstance(message, dict) and is_question(message)):
            await self._chat(message)
        else:
            await super().answer_text(text)

    async def _chat(self, message: str | dict[str, Any]) -> None:
        try:
            identity = self.identity
            if isinstance(message, dict) and message.get("token"):
                identity = await self.identify(str(message["token"]))
            text = message if isinstance(message, str) else question_in(message)
            asked = await self._talk.ask(identity, text)
        except DomainError as fault:
            await self.send_json(error(fault, self._language))
            return
        await self.send_json(TYPING)
        await self._talk.hear(asked.answer, plain=True)


def parsed(text: str) -> Any:
    """The JSON of a message; the text itself where it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def is_question(message: dict[str, Any]) -> bool:
    """Whether its first key that says anything is a question's."""
    keys = [key for key in message if key in {"command", *ASKING}]
    return bool(keys) and keys[0] != "command"


def question_in(message: dict[str, Any]) -> str:
    """Raises `BadMessage`."""
    value = message.get("text", message.get("message"))
    if not isinstance(value, str):
        raise BadMessage(field="text")
    return value
