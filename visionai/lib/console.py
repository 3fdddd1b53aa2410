"""The language of the operator's console, which is needed before Django has its settings."""

import gettext
import os
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[2] / "locale"


def console_language() -> str:
    """`en` where the terminal says English, else `es`."""
    chosen = next((os.environ[name] for name in ("LC_ALL", "LANG") if os.environ.get(name)), "")
    return "en" if chosen.startswith("en") else "es"


def say(sentence: str, **facts: object) -> str:
    """An msgid in the console's language, with `{name}` filled from the facts."""
    return _catalogue(console_language()).gettext(sentence).format(**facts)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("django", LOCALE, [language], fallback=True)
