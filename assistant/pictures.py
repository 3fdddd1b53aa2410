"""Pictures that somebody asks about: decoded, looked at, described; never stored here."""

import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from assistant.core.looking import Look, Looker
from assistant.descriptions import describe
from assistant.far_eyes import Far, Want, look_far
from assistant.providers.base import Found, Language
from assistant.providers.chain import Answered
from predictions.core.face import Box
from predictions.core.images import BadImage, Pixels, decode
from predictions.core.reading import Failed
from predictions.refusals import PictureRefused
from visionai.lib.errors import DomainError

EMBEDDED: Final = "embedded"
OPENCV: Final = "opencv"
AT_ONCE: Final = 2  # pictures looked at by a process; a third waits
WAIT_S: Final = 10.0

_room = threading.BoundedSemaphore(AT_ONCE)
_lookers: list[Looker] = []  # idle ones, each for one thread at a time


class TooManyPictures(DomainError):
    status, code, title = 503, "busy", _("Too many pictures at once")
    detail = _("The server has more pictures than it can look at; try again in a moment.")


@dataclass(frozen=True)
class Answer:
    """What was found in a picture of `width` x `height` pixels, by whom, in how long.

    What a configured provider sees counts before what this machine sees by itself.
    """

    look: Look
    width: int
    height: int
    reduction: float  # times that the looked-at copy is smaller
    processing_ms: float
    far: Far = field(default_factory=Far)
    wants: tuple[Want, ...] = ()

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """`{label, score, box}` of each finding; boxes in pixels of the whole picture."""
        if self.far.found is not None:
            return [
                {"label": one.label, "score": round(one.score, 4), "box": self._place(one)}
                for one in self.far.found.value
            ]
        return [
            {
                "label": one.label,
                "score": round(one.score, 4),
                "box": _within(one.box.scaled(self.reduction), self.width, self.height),
            }
            for one in self.look.found
        ]

    @cached_property
    def description(self) -> str:
        if self.far.caption is not None:
            text = self.far.caption.value
            # What captions pictures knows English; it is not passed off as the reader's language.
            return text if language() == "en" else gettext("In English: “{text}”").format(text=text)
        if self.far.found is not None:
            return describe(self.look, [one.label for one in self.far.found.value])
        return describe(self.look)

    @property
    def engines(self) -> dict[str, dict[str, Any]]:
        """Who gave the objects and who the description; `degraded` where another should have."""
        given: dict[Want, Answered[Any] | None]
        given = {"detect": self.far.found, "caption": self.far.caption}
        names: dict[Want, str] = {"detect": "objects", "caption": "description"}
        return {
            names[want]: {
                "engine": one.engine if one else EMBEDDED,
                "model": one.model if one else OPENCV,
                "degraded": one.degraded if one else want in self.far.failed,
            }
            for want, one in given.items()
            if want in self.wants
        }

    @property
    def provider(self) -> str:
        """The names of those who gave the answer, joined by +."""
        return "+".join(dict.fromkeys(one["engine"] for one in self.engines.values()))

    def body(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "objects": self.objects,
            "description": self.description,
            "colours": [
                {"name": name, "share": round(share, 3)} for name, share in self.look.colours
            ],
            "brightness": round(self.look.brightness, 3),
            "sharpness": round(self.look.sharpness, 1),
            "width": self.width,
            "height": self.height,
            "provider": self.provider,
            "degraded": any(one["degraded"] for one in self.engines.values()),
            "engines": self.engines,
            "processing_time_ms": round(self.processing_ms, 1),
        }

    def _place(self, one: Found) -> dict[str, int]:
        left, top, width, height = (round(side * self.reduction) for side in one.box)
        return _within(Box(left, top, width, height), self.width, self.height)


def look_at(
    data: bytes, *, user_id: int | None = None, wants: tuple[Want, ...] = ("detect", "caption")
) -> Answer:
    """Look at a picture; for a user, providers look too. Raises `PictureRefused` and
    `TooManyPictures`."""
    began = time.perf_counter()
    try:
        picture = decode(data)
    except BadImage as refusal:
        failed = Failed(refusal.code, refusal.message, refusal.facts)
        raise PictureRefused(failed) from refusal
    look = _look(picture.pixels)
    far = look_far(picture.pixels, user_id=user_id, wants=wants, language=language())
    took = (time.perf_counter() - began) * 1000
    return Answer(look, picture.width, picture.height, picture.reduction, took, far, wants)


def language() -> Language:
    """Of the reader."""
    return "en" if (get_language() or "").startswith("en") else "es"


def _look(pixels: Pixels) -> Look:
    if not _room.acquire(timeout=WAIT_S):
        raise TooManyPictures(retry_after=5)
    try:
        looker = _lookers.pop() if _lookers else Looker()
        look = looker.look(pixels)
        _lookers.append(looker)
    finally:
        _room.release()
    return look


def _within(box: Box, width: int, height: int) -> dict[str, int]:
    left, top = max(0, box.x), max(0, box.y)
    return {
        "x": left,
        "y": top,
        "width": min(width, box.x + box.width) - left,
        "height": min(height, box.y + box.height) - top,
    }
