"""Asks the configured providers in turn; the embedded one, which needs nothing, comes last.

Whoever asks sees who answered, and `degraded` when a provider before it in the order failed. A
caller without a login (`user_id` None) is answered by the embedded engines alone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from assistant.providers.base import (
    Ask,
    Began,
    ChatProvider,
    Delta,
    Found,
    Language,
    Piece,
    ProviderFault,
    Sound,
    Transcript,
)
from assistant.providers.configured import Capability, engines_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """What was answered, and by whom; `degraded` as in `Began`."""

    value: T
    engine: str
    model: str
    degraded: bool = False


async def chat(ask: Ask, *, user_id: int | None = None) -> AsyncIterator[Began | Piece]:
    """The answer piece by piece; `Began` first, and again when a stand-in goes on in mid-answer.

    Raises `ProviderFault` or `Filtered` when nothing can answer.
    """
    said, failure = ask.said, None
    for provider in cast("list[ChatProvider]", engines_of("chat", anonymous=user_id is None)):
        yield Began(provider.name, provider.model, degraded=failure is not None)
        try:
            pieces = cast("Any", provider.stream(replace(ask, said=said)))
            async with aclosing(pieces):
                async for piece in pieces:
                    said += piece.text if isinstance(piece, Delta) else ""
                    yield piece
            return
        except ProviderFault as fault:
            failure = fault
    assert failure is not None
    raise failure


async def transcribe(
    sound: Sound, *, language: Language, engine: str = "", user_id: int | None = None
) -> Answered[Transcript]:
    """What was said; `engine` asks that one alone."""
    return await _first(
        "transcribe", lambda one: one.transcribe(sound, language=language), engine, user_id
    )


async def speak(
    text: str,
    *,
    language: Language,
    voice: str = "",
    speed: float = 1.0,
    engine: str = "",
    user_id: int | None = None,
) -> Answered[Sound]:
    """`text` as sound; an empty `voice` is the engine's own."""
    return await _first(
        "speak",
        lambda one: one.speak(text, language=language, voice=voice, speed=speed),
        engine,
        user_id,
    )


async def detect(picture: bytes, *, user_id: int | None = None) -> Answered[list[Found]]:
    """What is in a picture, and where."""
    return await _first("detect", lambda one: one.detect(picture), "", user_id)


async def caption(
    picture: bytes, *, language: Language, user_id: int | None = None
) -> Answered[str]:
    """A picture in a sentence or two."""
    return await _first("caption", lambda one: one.caption(picture, language=language), "", user_id)


async def _first(
    capability: Capability, call: Callable[[Any], Awaitable[T]], engine: str, user_id: int | None
) -> Answered[T]:
    failure: ProviderFault | None = None
    for provider in engines_of(capability, engine=engine, anonymous=user_id is None):
        try:
            value = await call(provider)
        except ProviderFault as fault:
            failure = fault
        else:
            return Answered(value, provider.name, provider.model, degraded=failure is not None)
    assert failure is not None
    raise failure
