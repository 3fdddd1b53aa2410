"""Any server that speaks the OpenAI API: OpenAI, Ollama, vLLM, llama.cpp.

Its library is imported where it is used. What it says of a failure stays here: it may name the key.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from django.conf import settings

from assistant.providers.base import (
    Ask,
    Delta,
    Filtered,
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
    from openai import AsyncOpenAI

CONNECT_S: Final = 10.0
VOICE: Final = "alloy"
# What a server takes a recording for, by its name alone.
ENDINGS: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/webm": "webm",
    "audio/flac": "flac",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenAI:
    """Chat, transcription and speech by one model at one address."""

    model: str
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    name: ClassVar[str] = "openai"

    async def stream(self, ask: Ask) -> AsyncIterator[Piece]:
        async with self._client() as client:

            def once(messages: list[dict[str, Any]]) -> AsyncIterator[Delta | ToolCall]:
                return self._round(client, messages, ask)

            async with aclosing(cast("Any", rounds(ask, once))) as pieces:
                async for piece in pieces:
                    yield piece

    async def transcribe(self, sound: Sound, *, language: Language) -> Transcript:
        media_type = sound.media_type.split(";")[0].strip()
        name = f"sound.{ENDINGS.get(media_type, 'bin')}"
        with _told():
            async with self._client() as client:
                answer = await client.audio.transcriptions.create(
                    model=self.model,
                    file=(name, sound.data, media_type),
                    language=language,
                    response_format="json",
                )
            return Transcript(_text(answer), language, float(getattr(answer, "duration", 0) or 0))

    async def speak(self, text: str, *, language: Language, voice: str, speed: float) -> Sound:
        with _told():
            async with self._client() as client:
                answer = await client.audio.speech.create(
                    model=self.model,
                    input=text,
                    voice=voice or VOICE,
                    speed=speed,
                    response_format="wav",
                )
            media_type = answer.response.headers.get("content-type", "").split(";")[0].strip()
            if not media_type.startswith("audio/") or not answer.content:
                raise ProviderFault(engine=self.name)
            return Sound(media_type, answer.content)

    async def _round(
        self, client: "AsyncOpenAI", messages: list[dict[str, Any]], ask: Ask
    ) -> AsyncIterator[Delta | ToolCall]:
        more: dict[str, Any] = {"tools": tools_of(ask.tools)} if ask.tools else {}
        if messages[-1]["role"] == "assistant" and self.base_url:
            # vLLM goes on with the last turn only when it is told so; most others ignore it.
            more["extra_body"] = {"continue_final_message": True, "add_generation_prompt": False}
        tries = with_or_without(more, lambda extras: self._once(client, messages, extras))
        async with aclosing(tries) as pieces:
            async for piece in pieces:
                yield piece

    async def _once(
        self, client: "AsyncOpenAI", messages: list[dict[str, Any]], extras: dict[str, Any]
    ) -> AsyncIterator[Delta | ToolCall]:
        with _told():
            async with (
                await client.chat.completions.create(
                    model=self.model, messages=cast("Any", messages), stream=True, **extras
                ) as chunks,
                aclosing(told_of(chunks)) as pieces,
            ):
                async for piece in pieces:
                    yield piece

    @asynccontextmanager
    async def _client(self) -> AsyncIterator["AsyncOpenAI"]:
        await asyncio.to_thread(import_module, "openai")  # the first time takes a second
        import httpx2
        from openai import AsyncOpenAI

        limit = settings.CHAT_DEADLINE_S
        async with (
            httpx2.AsyncClient(
                verify=tls(), timeout=httpx2.Timeout(limit, connect=CONNECT_S)
            ) as http,
            AsyncOpenAI(
                api_key=self.key or "none",
                base_url=self.base_url or "https://api.openai.com/v1",
                max_retries=0,
                http_client=http,
            ) as client,
        ):
            yield client


@cache
def tls() -> ssl.SSLContext:
    """Made once: reading the certificates of all authorities takes tens of milliseconds."""
    return ssl.create_default_context()


@contextmanager
def _told() -> Iterator[None]:
    """Every failure of the library as one of ours, without what the far side said."""
    import httpx2
    import openai

    try:
        yield
    except (ProviderFault, Filtered):
        raise
    except openai.APIStatusError as error:
        if error.code == "content_filter":
            raise Filtered from None
        raise fault_of_status(OpenAI.name, error.status_code, error.response.headers) from None
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        log.warning("openai: %s", type(error).__name__)
        raise ProviderFault(engine=OpenAI.name) from None
    except (ValueError, TypeError, AttributeError, LookupError) as error:  # not the API's form
        log.warning("openai: an answer in no known form (%s)", type(error).__name__)
        raise ProviderFault(engine=OpenAI.name) from None


def _text(answer: Any) -> str:
    text = getattr(answer, "text", None)
    if not isinstance(text, str):
        raise ProviderFault(engine=OpenAI.name)
    return text.strip()
