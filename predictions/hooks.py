"""What predictions may be given by apps that it does not know; `visionai/hooks.py` fills it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FarLetters:
    """What somebody outside read: (letter, 0 to 1), the likeliest first; none if it failed."""

    source: str
    guesses: tuple[tuple[str, float], ...]


# Asked with a picture of somebody who is signed in; None when no such reader is configured.
far_letters: list[Callable[[bytes], FarLetters | None]] = []
