"""OpenCV's own eyes behind the protocols of detection and captions."""

import asyncio
from typing import ClassVar

from django.utils.translation import override

from assistant.descriptions import describe
from assistant.pictures import look_at
from assistant.providers.base import Found, Language


class EmbeddedVision:
    """Finds faces, eyes and standing people; a caption claims only what was found."""

    name: ClassVar[str] = "embedded"
    model = "opencv"

    async def detect(self, picture: bytes) -> list[Found]:
        answer = await asyncio.to_thread(look_at, picture)
        return [
            Found(
                one["label"],
                one["score"],
                tuple(float(one["box"][side]) for side in ("x", "y", "width", "height")),  # type: ignore[arg-type]
            )
            for one in answer.objects
        ]

    async def caption(self, picture: bytes, *, language: Language) -> str:
        answer = await asyncio.to_thread(look_at, picture)
        with override(language):
            return describe(answer.look)
