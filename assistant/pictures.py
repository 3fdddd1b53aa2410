"""Pictures that somebody asks about: decoded, looked at, described; never stored."""

import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from assistant.core.looking import Look, Looker
from assistant.descriptions import describe
from predictions.core.face import Box
from predictions.core.images import BadImage, decode
from predictions.core.reading import Failed
from predictions.refusals import PictureRefused
from visionai.lib.errors import DomainError

EMBEDDED: Final = "embedded"
AT_ONCE: Final = 2  # pictures looked at by a process; a third waits
WAIT_S: Final = 10.0

_room = threading.BoundedSemaphore(AT_ONCE)
_lookers: list[Looker] = []  # idle ones, each for one thread at a time


class TooManyPictures(DomainError):
    status, code, title = 503, "busy", _("Too many pictures at once")
    detail = _("The server has more pictures than it can look at; try again in a moment.")


@dataclass(frozen=True)
class Answer:
    """What was found in a picture of `width` x `height` pixels, by whom, in how long."""

    look: Look
    width: int
    height: int
    reduction: float  # times that the looked-at copy is smaller
    processing_ms: float

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """`{label, score, box}` of each finding; boxes in pixels of the whole picture."""
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
        return describe(self.look)

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
            "provider": EMBEDDED,
            "processing_time_ms": round(self.processing_ms, 1),
        }


def look_at(data: bytes) -> Answer:
    """Look at a picture. Raises `PictureRefused` and `TooManyPictures`."""
    began = time.perf_counter()
    try:
        picture = decode(data)
    except BadImage as refusal:
        failed = Failed(refusal.code, refusal.message, refusal.facts)
        raise PictureRefused(failed) from refusal
    if not _room.acquire(timeout=WAIT_S):
        raise TooManyPictures(retry_after=5)
    try:
        looker = _lookers.pop() if _lookers else Looker()
        look = looker.look(picture.pixels)
        _lookers.append(looker)
    finally:
        _room.release()
    took = (time.perf_counter() - began) * 1000
    return Answer(look, picture.width, picture.height, picture.reduction, took)


def _within(box: Box, width: int, height: int) -> dict[str, int]:
    left, top = max(0, box.x), max(0, box.y)
    return {
        "x": left,
        "y": top,
        "width": min(width, box.x + box.width) - left,
        "height": min(height, box.y + box.height) - top,
    }
