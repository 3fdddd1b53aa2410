"""Asks the configured providers in turn; the embedded one, which needs nothing, comes last.

Whoever asks sees who answered, and `degraded` when a provider before it in the order failed. A
caller without a login (`user_id` None) is answered by the embedded engines alone.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar, cast

from django.conf import settings

from assistant.filtering import AnswerScan, check_question
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
from assistant.providers.configured import EMBEDDED, Capability, engines_of, guard_for

MOST_SPARED_S: Final = 2.0  # of the deadline, for the stand-in
MOST_CHARACTERS: Final = 100_000  # of an answer
LONGEST: Final = 20  # deadlines that an answer may go on
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """What was answered, and by whom; `degraded` as in `Began`."""

    value: T
    engine: str
    model: str
    degraded: bool = False


async def chat(ask: Ask, *, user_id: int | None = None) -> AsyncIterator[Began | Piece]:
    """The answer piece by piece; `Began` first, and again when a stand-in goes on in mid-answer.

    It has begun within the deadline, and is then never silent for half of it. Raises
    `ProviderFault` when nothing can answer, and `Filtered`, in the middle too.
    """
    await check_question(ask)
    turns = _Turns(engines_of("chat", anonymous=user_id is None))
    said, ends_at = ask.said, time.monotonic() + LONGEST * settings.CHAT_DEADLINE_S
    for provider in turns.providers:
        began, scan = False, AnswerScan(said)
        pieces = cast("Any", turns.stream(provider, replace(ask, said=said)))
        try:
            async with aclosing(pieces):
                async for piece in _scanned(pieces, scan):
                    if not began:
                        began = True
                        yield Began(provider.name, provider.model, degraded=turns.failed)
                    said += piece.text if isinstance(piece, Delta) else ""
                    yield piece
                    if len(said) > MOST_CHARACTERS or time.monotonic() > ends_at:
                        log.warning("chat: the answer of %s was ended", provider.name)
                        return
            if began or (ask.said and not turns.failed):
                return
            raise ProviderFault(engine=provider.name)  # not a word
        except ProviderFault as fault:
            turns.fail("chat", provider, fault)
    raise turns.fault()


async def _scanned(pieces: AsyncIterator[Piece], scan: AnswerScan) -> AsyncIterator[Piece]:
    """The same, without what a rule may hold back. Raises `Filtered`."""
    async for piece in pieces:
        if not isinstance(piece, Delta):
            yield piece
        elif text := scan.feed(piece.text):
            yield Delta(text)
    if text := scan.finish():
        yield Delta(text)


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


async def detect(
    picture: bytes, *, user_id: int | None = None, stand_in: bool = True
) -> Answered[list[Found]]:
    """What is in a picture, and where; `stand_in` False asks configured providers alone."""
    return await _first("detect", lambda one: one.detect(picture), "", user_id, stand_in=stand_in)


async def caption(
    picture: bytes, *, language: Language, user_id: int | None = None, stand_in: bool = True
) -> Answered[str]:
    """A picture in a sentence or two; `stand_in` as for `detect`."""
    return await _first(
        "caption",
        lambda one: one.caption(picture, language=language),
        "",
        user_id,
        stand_in=stand_in,
    )


async def _first(
    capability: Capability,
    call: Callable[[Any], Awaitable[T]],
    engine: str,
    user_id: int | None,
    *,
    stand_in: bool = True,
) -> Answered[T]:
    engines = engines_of(capability, engine=engine, anonymous=user_id is None)
    turns = _Turns([one for one in engines if stand_in or one.name != EMBEDDED])
    for provider in turns.providers:
        try:
            value = await turns.call(capability, provider, call)
        except ProviderFault as fault:
            turns.fail(capability, provider, fault)
        else:
            return Answered(value, provider.name, provider.model, degraded=turns.failed)
    raise turns.fault()


class _Turns:
    """The providers of one answer, and the part of its deadline that each may use."""

    def __init__(self, providers: list[Any]) -> None:
        self.providers = providers
        self._left: int = sum(one.name != EMBEDDED for one in providers)
        deadline = float(settings.CHAT_DEADLINE_S)
        stands_in = any(one.name == EMBEDDED for one in providers)
        spared = min(MOST_SPARED_S, deadline * 0.2) if stands_in else 0.0
        self._idle_s = (deadline - spared) / 2
        self._ends_at: float = time.monotonic() + deadline - spared
        self._fault: ProviderFault | None = None

    @property
    def failed(self) -> bool:
        return self._fault is not None

    def fault(self) -> ProviderFault:
        return self._fault or ProviderFault()

    def fail(self, capability: Capability, provider: Any, fault: ProviderFault) -> None:
        self._fault = fault
        log.warning("%s: %s gave no answer (%s)", capability, provider.name, fault.code)

    def stream(self, provider: ChatProvider, ask: Ask) -> AsyncIterator[Piece]:
        if provider.name == EMBEDDED:
            return provider.stream(ask)
        guard = guard_for("chat", provider)
        return guard.stream(lambda: provider.stream(ask), by=self._by(), idle_s=self._idle_s)

    async def call(
        self, capability: Capability, provider: Any, call: Callable[[Any], Awaitable[T]]
    ) -> T:
        if provider.name == EMBEDDED:
            return await call(provider)
        return await guard_for(capability, provider).call(lambda: call(provider), by=self._by())

    def _by(self) -> float:
        """An equal part of what is left, for each that is still to be asked."""
        now = time.monotonic()
        share = max(0.0, self._ends_at - now) / max(1, self._left)
        self._left -= 1
        return now + share
