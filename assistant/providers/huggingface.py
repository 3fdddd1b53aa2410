"""Hugging Face: chat through its router, pictures and sound through its inference API.

Its library is imported where it is used. Models are named by whole addresses, or the library would
ask the Hub about each of them first, and block the event loop meanwhile.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from urllib.parse import quote

from django.conf import settings

from assistant.providers.base import (
    Ask,
    Delta,
    Filtered,
    Found,
    Language,
    Piece,
    ProviderFault,
    Sound,
    ToolCall,
    Transcript,
)
from assistant.providers.faults import fault_of_status
from assistant.providers.wire import rounds, told_of, tools_of, with_or_without

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

ROUTER: Final = "https://router.huggingface.co"
LEAST_SCORE: Final = 0.5
MOST_FOUND: Final = 100
LANGUAGES: Final = {"es": "spanish", "en": "english"}
# The first bytes of what speech comes in; the API does not say it.
SOUNDS: Final = {
    b"RIFF": "audio/wav",
    b"fLaC": "audio/flac",
    b"OggS": "audio/ogg",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """One model; which of the methods it serves is for whoever configures it."""

    model: str
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    name: ClassVar[str] = "huggingface"

    async def stream(self, ask: Ask) -> AsyncIterator[Piece]:
        async with self._client(f"{self._root}/v1") as client:

            def once(messages: list[dict[str, Any]]) -> AsyncIterator[Delta | ToolCall]:
                return self._round(client, messages, ask)

            async with aclosing(cast("Any", rounds(ask, once))) as pieces:
                async for piece in pieces:
                    yield piece

    async def transcribe(self, sound: Sound, *, language: Language) -> Transcript:
        more: dict[str, Any] = {}
        if "whisper" in self.model.lower():  # others refuse what they do not know
            spoken = {"language": LANGUAGES[language], "task": "transcribe"}
            more = {"extra_body": {"generate_kwargs": spoken}}
        with _told():
            async with self._client(self._task, {"Content-Type": sound.media_type}) as client:
                answer = await client.automatic_speech_recognition(sound.data, **more)
            return Transcript(_words(answer.text), language, 0.0)

    async def speak(self, text: str, *, language: Language, voice: str, speed: float) -> Sound:
        """The model's own voice and speed: the API takes neither."""
        with _told():
            async with self._client(self._task) as client:
                data = await client.text_to_speech(text)
        for first, media_type in SOUNDS.items():
            if data.startswith(first):
                return Sound(media_type, data)
        raise ProviderFault(engine=self.name)

    async def detect(self, picture: bytes) -> list[Found]:
        with _told():
            async with self._client(self._task, {"Content-Type": _kind(picture)}) as client:
                found = await client.object_detection(picture)
            seen = [_found(one) for one in found]
        likely = sorted(
            (one for one in seen if one.score >= LEAST_SCORE), key=lambda one: -one.score
        )
        return likely[:MOST_FOUND]

    async def caption(self, picture: bytes, *, language: Language) -> str:
        """In the model's language, which is English for nearly all."""
        with _told():
            async with self._client(self._task, {"Content-Type": _kind(picture)}) as client:
                answer = await client.image_to_text(picture)
            own = getattr(answer, "image_to_text_output_generated_text", None)
            return _words(own or answer.generated_text)

    async def _round(
        self, client: "AsyncInferenceClient", messages: list[dict[str, Any]], ask: Ask
    ) -> AsyncIterator[Delta | ToolCall]:
        more: dict[str, Any] = {"tools": tools_of(ask.tools)} if ask.tools else {}
        tries = with_or_without(more, lambda extras: self._once(client, messages, extras))
        async with aclosing(tries) as pieces:
            async for piece in pieces:
                yield piece

    async def _once(
        self, client: "AsyncInferenceClient", messages: list[Any], extras: dict[str, Any]
    ) -> AsyncIterator[Delta | ToolCall]:
        with _told():
            chunks = await client.chat_completion(messages, model=self.model, stream=True, **extras)
            told = told_of(cast("Any", chunks))
            async with aclosing(cast("Any", chunks)), aclosing(told) as pieces:
                async for piece in pieces:
                    yield piece

    @property
    def _root(self) -> str:
        return (self.base_url or ROUTER).rstrip("/")

    @property
    def _task(self) -> str:
        return f"{self._root}/hf-inference/models/{quote(self.model)}"

    @asynccontextmanager
    async def _client(
        self, address: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator["AsyncInferenceClient"]:
        await asyncio.to_thread(load)  # the first time takes a while
        from huggingface_hub import AsyncInferenceClient

        async with AsyncInferenceClient(
            base_url=address,
            token=self.key or "none",  # with none it would look for one on this machine
            timeout=float(settings.CHAT_DEADLINE_S),
            headers=dict(headers or {}),
        ) as client:
            yield client


def load() -> None:
    """The library, which is not to report this machine to its makers with each call."""
    import_module("huggingface_hub.constants").HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]
    import_module("huggingface_hub")


@contextmanager
def _told() -> Iterator[None]:
    """Every failure of the library as one of ours, without what the far side said."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, TextGenerationError

    try:
        yield
    except (ProviderFault, Filtered):
        raise
    except HfHubHTTPError as error:
        status, headers = error.response.status_code, error.response.headers
        raise fault_of_status(HuggingFace.name, status, headers) from None
    except (TextGenerationError, httpx2.HTTPError) as error:
        log.warning("huggingface: %s", type(error).__name__)
        raise ProviderFault(engine=HuggingFace.name) from None
    except (ValueError, TypeError, AttributeError, LookupError) as error:  # not the API's form
        log.warning("huggingface: an answer in no known form (%s)", type(error).__name__)
        raise ProviderFault(engine=HuggingFace.name) from None


def _found(one: Any) -> Found:
    box = one.box
    left, top = float(box.xmin), float(box.ymin)
    place = (left, top, float(box.xmax) - left, float(box.ymax) - top)
    return Found(_words(one.label), min(1.0, max(0.0, float(one.score))), place)


def _words(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ProviderFault(engine=HuggingFace.name)
    return text.strip()


def _kind(picture: bytes) -> str:
    """The media type of a picture, by its first bytes."""
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if picture[8:12] == b"WEBP" else "image/jpeg"
