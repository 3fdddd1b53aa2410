"""The voices that are built in, and what is said to them."""

import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Voice:
    """`own` is espeak-ng's name for it: a language, and after `+` a variant."""

    id: str
    own: str
    language: str
    name: str


VOICES: Final = (
    Voice("es", "es", "es", "Español (España)"),
    Voice("es-high", "es+f3", "es", "Español (España), voz aguda"),
    Voice("es-419", "es-419", "es", "Español (Latinoamérica)"),
    Voice("es-419-high", "es-419+f3", "es", "Español (Latinoamérica), voz aguda"),
    Voice("en-us", "en-us", "en", "English (America)"),
    Voice("en-us-high", "en-us+f3", "en", "English (America), high voice"),
    Voice("en-gb", "en", "en", "English (Great Britain)"),
    Voice("en-gb-high", "en+f3", "en", "English (Great Britain), high voice"),
)
SLOWEST, FASTEST = 0.5, 2.0
WORDS_A_MINUTE: Final = 175  # of espeak-ng's own pace
# Controls (espeak-ng reads commands after the first), halves of pairs, own use, unassigned.
SILENT: Final = {"Cc", "Cs", "Co", "Cn"}


def voice_for(language: str, wanted: str) -> Voice:
    """The wanted voice if it is one of the language, else the language's first.

    Raises `KeyError` for a language without voices.
    """
    own = [voice for voice in VOICES if voice.language == language]
    if not own:
        raise KeyError(language)
    return next((voice for voice in own if voice.id == wanted), own[0])


def plain(text: str) -> str:
    """The text without signs that a synthesiser takes for commands, and in one piece."""
    kept = (" " if unicodedata.category(sign) in SILENT else sign for sign in text)
    return " ".join("".join(kept).split())
