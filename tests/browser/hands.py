"""Films of hands for the fake camera, from photographs in the public domain (CC0)."""

import io
from pathlib import Path

from PIL import Image

from tests.services.server import ROOT

HANDS = ROOT / "predictions" / "tests" / "media"
RATE = 30  # pictures a second, as Chromium plays them
WALL = (120, 130, 140)


def film_of(letters: str, path: Path, *, seconds: float = 2.5, between: float = 1.5) -> Path:
    """Motion JPEG, 640x480: an empty wall, a hand, an empty wall, the next hand, and again."""
    empty = _jpeg(Image.new("RGB", (640, 480), WALL))
    frames = b""
    for letter in letters:
        frames += empty * round(RATE * between) + _jpeg(_shown(letter)) * round(RATE * seconds)
    path.write_bytes(frames)
    return path


def _shown(letter: str) -> Image.Image:
    """The hand fills the frame that the page cuts out: 0.8 of the shorter side."""
    wall = Image.new("RGB", (640, 480), WALL)
    hand = Image.open(HANDS / f"hand-{letter.lower()}.jpg").convert("RGB").resize((384, 384))
    wall.paste(hand, (128, 48))
    return wall


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
