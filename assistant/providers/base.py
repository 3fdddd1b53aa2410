"""What a provider is asked and says: chat, speech in and out, objects and captions of pictures.

A provider knows no row, no request and no socket. It says nothing false about itself: `name` is the
engine that a reply shows.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from django.utils.translation import gettext_lazy as _

from visionai.lib.errors import DomainError

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Language: TypeAlias = Literal["es", "en"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or a text file beside a message."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a tool; `arguments` as the model wrote them, JSON if it kept to it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, oldest first in `Ask.turns`."""

    role: Role
    text: str
    attachments: tuple[Attachment, ...] = ()
    calls: tuple[ToolCall, ...] = ()  # of an assistant's turn
    call_id: str = ""  # of a tool's turn: the call that it answers


@dataclass(frozen=True, slots=True)
class Tool:
    """A read-only look at what the caller may see; `run` is bound to the caller's rights.

    `parameters` is a JSON Schema object. `run` answers plain JSON values and raises `ValueError`
    for arguments that the schema does not allow.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """A conversation that wants its next answer.

    `said` is the beginning of the answer when an earlier attempt was cut: the provider goes on
    after it and does not say it again.
    """

    turns: tuple[Turn, ...]
    language: Language
    tools: tuple[Tool, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """The next characters of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A page or a row that the answer rests on; `url` is a path of this site."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool was run for the answer."""

    name: str


@dataclass(frozen=True, slots=True)
class Began:
    """Who answers now; said once before the first delta.

    `degraded`: a configured provider failed and a lesser one stands in.
    """

    engine: str
    model: str
    degraded: bool = False


Piece: TypeAlias = Delta | Source | ToolUsed


class ChatProvider(Protocol):
    """Answers a conversation piece by piece.

    Leaving the iteration (`aclose`) ends the request to the far side within 200 ms. Raises
    `ProviderFault`, also in the middle.
    """

    name: ClassVar[str]
    model: str

    def stream(self, ask: Ask) -> AsyncIterator[Piece]: ...


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording in a container that `media_type` names."""

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    language: str
    seconds: float


class Transcriber(Protocol):
    name: ClassVar[str]
    model: str

    async def transcribe(self, sound: Sound, *, language: Language) -> Transcript: ...


class Speaker(Protocol):
    """Speaks `text`; `speed` 1.0 is the voice's own, 0.5 to 2.0."""

    name: ClassVar[str]
    model: str

    async def speak(self, text: str, *, language: Language, voice: str, speed: float) -> Sound: ...


@dataclass(frozen=True, slots=True)
class Found:
    """An object in a picture: `score` 0 to 1; left, top, width, height in pixels of the picture."""

    label: str
    score: float
    box: tuple[float, float, float, float]


class Detector(Protocol):
    name: ClassVar[str]
    model: str

    async def detect(self, picture: bytes) -> list[Found]: ...


class Captioner(Protocol):
    name: ClassVar[str]
    model: str

    async def caption(self, picture: bytes, *, language: Language) -> str: ...


class ProviderFault(DomainError):
    """A provider did not answer as it should; `counts` says whether its breaker hears of it."""

    status, code, title = 502, "provider_failed", _("The provider did not answer")
    detail = _("The assistant's provider failed; try again in a moment.")
    counts: ClassVar[bool] = True


class ProviderTimeout(ProviderFault):
    status, code, title = 504, "provider_timeout", _("The provider took too long")
    detail = _("The assistant's provider did not answer in time; try again in a moment.")


class ProviderBusy(ProviderFault):
    """429 of the far side; the fact `retry_after` (seconds) when it said one."""

    status, code, title = 503, "provider_busy", _("The provider is busy")
    detail = _("The assistant's provider takes no more questions now; try again in a moment.")


class ProviderRefused(ProviderFault):
    """The far side says that the request is wrong: trying again changes nothing."""

    status, code, title = 502, "provider_refused", _("The provider refused the question")
    detail = _("The provider does not accept this question; shorten it or ask in another way.")
    counts = False


class Filtered(DomainError):
    """A safety rule of this site or of the provider holds the question or the answer back."""

    status, code, title = 422, "filtered", _("This question is not answered here")
    detail = _("A safety rule of this site holds the text back; ask in another way.")
