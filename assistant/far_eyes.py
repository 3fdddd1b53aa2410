"""What configured providers see in a picture, beside what this machine sees by itself.

They get the upright picture alone, encoded anew: no place, time or name that a camera wrote.
"""

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

from asgiref.sync import async_to_sync

from assistant.core.filters import first_match
from assistant.filtering import rules
from assistant.providers import chain
from assistant.providers.base import Found, Language, ProviderFault
from assistant.providers.chain import Answered
from assistant.providers.configured import outside
from predictions.core.images import Pixels

QUALITY: Final = 90  # of the JPEG that is sent
Want: TypeAlias = Literal["detect", "caption"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Far:
    """The answers of providers; None where none is configured or none answered."""

    found: Answered[list[Found]] | None = None  # boxes in pixels of what was sent
    caption: Answered[str] | None = None
    failed: frozenset[Want] = frozenset()  # asked in vain

    @property
    def answered(self) -> bool:
        return self.found is not None or self.caption is not None


def to_be_asked(*, user_id: int | None, wants: Collection[Want]) -> frozenset[Want]:
    """What a provider would look for; nothing for a stranger."""
    configured = {capability for capability, _provider in outside()} if user_id else set()
    return frozenset(want for want in wants if want in configured)


def look_far(
    pixels: Pixels, *, user_id: int | None, wants: Collection[Want], language: Language
) -> Far:
    """Ask the providers for what is wanted, both at once; a stranger is looked at here alone."""
    asked = to_be_asked(user_id=user_id, wants=wants)
    if not asked:
        return Far()
    return async_to_sync(_ask)(encoded_again(pixels), asked, user_id, language)


async def _ask(
    picture: bytes, asked: frozenset[Want], user_id: int | None, language: Language
) -> Far:
    calls: dict[Want, Awaitable[Any]] = {}
    if "detect" in asked:
        calls["detect"] = chain.detect(picture, user_id=user_id, stand_in=False)
    if "caption" in asked:
        calls["caption"] = chain.caption(
            picture, language=language, user_id=user_id, stand_in=False
        )
    given = dict(zip(calls, await asyncio.gather(*map(_or_none, calls.values())), strict=True))
    caption = cast("Answered[str] | None", given.get("caption"))
    if caption is not None and first_match(rules().answered, [caption.value]):
        caption = given["caption"] = None
    failed = frozenset(want for want in asked if given[want] is None)
    return Far(given.get("detect"), caption, failed)


async def _or_none(call: Awaitable[T]) -> T | None:
    try:
        return await call
    except ProviderFault:
        return None


def encoded_again(pixels: Pixels) -> bytes:
    """As a JPEG with nothing but the picture in it."""
    import cv2

    good, data = cv2.imencode(
        ".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    assert good
    return bytes(data)
