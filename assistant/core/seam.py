"""Where an answer that was cut goes on: what the provider says again is left out.

A provider is told what was said already and should go on after it. Some begin anew, some repeat
the last words. Repeated is what the end of `said` and the beginning of the new text share, if it
is so long and so varied that it is no coincidence (an indentation or the rule of a table is).
"""

import re
from typing import Final

LEAST: Final = 20  # characters that must be shared, but for a whole beginning that is shorter
LEAST_VARIED: Final = 8  # different characters among them
LEAST_WHOLE: Final = 4  # a beginning shorter than that is taken for a continuation
WHOLE_VARIED: Final = 3
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Seam:
    """Takes the new text piece by piece and gives what follows on `said`."""

    def __init__(self, said: str) -> None:
        self._said = said
        self._held = ""
        self._open = len(said) >= LEAST_WHOLE

    def take(self, text: str) -> str:
        """The part of `text` that is sure to be new; what may be a repetition is held back."""
        if not self._open:
            return text
        self._held += text
        if self._held in self._said:
            return ""
        return self._settle()

    def end(self) -> str:
        """What was held back and is no repetition, when the provider has said all."""
        return self._settle() if self._open else ""

    def _settle(self) -> str:
        self._open = False
        held, self._held = self._held, ""
        return held[overlap(self._said, held) :]


def overlap(said: str, new: str) -> int:
    """How many characters of `new`, from its first, repeat the end of `said`."""
    whole = len(said)
    varied = len(set(said)) >= WHOLE_VARIED
    if LEAST_WHOLE <= whole <= len(new) and varied and new.startswith(said):
        return whole
    for length in range(min(len(said), len(new)), LEAST - 1, -1):
        shared = new[:length]
        if said.endswith(shared) and len(set(shared)) >= LEAST_VARIED:
            return length
    return 0


class Letters:
    """Makes text that any database and any socket take, also where a piece ends within a letter.

    A JSON text may name half of a character beyond the 65,536th; its other half comes first thing
    in the next piece.
    """

    def __init__(self) -> None:
        self._half = ""

    def take(self, text: str) -> str:
        text = self._half + text
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return clean(text)


def clean(text: str) -> str:
    """Halves of characters joined, or replaced where they are alone; no NUL."""
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "")
