"""What a chat socket says, each kind of message in one place; `docs/websocket.md` lists them."""

from collections.abc import Iterator
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from django.utils.translation import gettext as _

from assistant.lease import Said
from assistant.listening import Heard
from assistant.models import Message
from assistant.services import Asked
from visionai.lib.errors import DomainError

State = Message.State


class Connected(TypedDict):
    type: Literal["connected"]
    client_id: str
    status: Literal["connected"]
    conversation: NotRequired[str]


class ErrorFrame(TypedDict):
    """`id` is the answer's, null for a message that was not understood or not taken."""

    type: Literal["error"]
    id: str | None
    error: str
    code: str
    ref: NotRequired[object]
    retry_after: NotRequired[int]


Frame: TypeAlias = dict[str, Any]
TYPING: Frame = {"type": "typing", "is_typing": True}
# What the original's clients know; the rest is for who shows that it knows more.
PLAIN = frozenset({"delta", "text", "error"})
LAST = frozenset({"text", "error"})  # one of these ends an answer


def accepted(asked: Asked, ref: object) -> Frame:
    frame = {
        "type": "accepted",
        "conversation": str(asked.conversation),
        "message": str(asked.question),
        "answer": str(asked.answer),
    }
    return frame if ref is None else frame | {"ref": ref}


def refusal(fault: DomainError, *, about: str | None = None, ref: object = None) -> ErrorFrame:
    frame: ErrorFrame = {
        "type": "error",
        "id": about,
        "error": fault.sentence(),
        "code": fault.code,
    }
    if ref is not None:
        frame["ref"] = ref
    if fault.retry_after is not None:
        frame["retry_after"] = fault.retry_after
    return frame


class Telling:
    """Makes the frames of one answer for one listener, who has its first `at` characters."""

    def __init__(self, pk: str, at: int) -> None:
        self._pk, self._at = pk, at
        self._by: tuple[str, str, bool] | None = None
        self._sources = 0

    def frames(self, heard: Heard) -> Iterator[Frame]:
        """What is new; the last one is `text` or `error`."""
        said = heard.said
        by = (said.engine, said.model, said.degraded)
        if said.engine and by != self._by:
            self._by = by
            names = dict(zip(("engine", "model", "degraded"), by, strict=True))
            yield {"type": "began", "id": self._pk, **names}
        if len(said.text) > self._at:
            rest, at = said.text[self._at :], self._at
            self._at = len(said.text)
            yield {"type": "delta", "id": self._pk, "text": rest, "at": at}
        for title, url in said.sources[self._sources :]:
            yield {"type": "source", "id": self._pk, "title": title, "url": url}
        self._sources = len(said.sources)
        if heard.has_ended:
            yield _last(self._pk, heard)

    @property
    def at(self) -> int:
        return self._at


def _last(pk: str, heard: Heard) -> Frame:
    if heard.state in {State.FAILED, State.FILTERED}:
        words = explain(heard.error)
        return {"type": "error", "id": pk, "error": words, "code": heard.error} | _how(heard)
    return {"type": "text", "id": pk, "text": heard.said.text, "is_user": False} | _how(heard)


def _how(heard: Heard) -> Frame:
    said = heard.said
    return {"state": heard.state, **by_whom(said)}


def by_whom(said: Said) -> Frame:
    return {
        "engine": said.engine,
        "model": said.model,
        "degraded": said.degraded,
        "sources": [{"title": title, "url": url} for title, url in said.sources],
    }


def explain(code: str) -> str:
    """The code of a failed answer as a sentence."""
    return {
        "filtered": _("A safety rule of this site holds the text back; ask in another way."),
        "provider_timeout": _("The assistant's provider did not answer in time; try again."),
        "provider_busy": _("The assistant's provider takes no more questions now; try again."),
        "provider_refused": _("The provider does not accept this question; ask in another way."),
        "gave_up": _("The answer was begun too often without an end; ask in another way."),
    }.get(code, _("The answer failed; try again in a moment."))
