"""The embedded engine's fixed sentences, in the language of the question."""

from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import override

from assistant.core.words import Language


def note() -> str:
    """Said once in a conversation, and whenever it is asked."""
    return _(
        "I am not a language model: I look your words up in the help pages and read your own data."
    )


def has_note(text: str) -> bool:
    """In either language: a conversation may change it."""
    languages: tuple[Language, Language] = ("es", "en")
    for language in languages:
        with override(language):
            if note() in text:
                return True
    return False


def taken_over(language: Language) -> str:
    """What stands between the beginning of another's answer and this engine's."""
    with override(language):
        text = _("The answer above was cut off; this is what I find by myself:")
        return f"\n\n_{text}_\n\n"


SENTENCES: Final[dict[str, Callable[[], str]]] = {
    "greeting": lambda: _("Hello. Ask me how something works here, or about your own data."),
    "thanks": lambda: _("You are welcome."),
    "goodbye": lambda: _("Goodbye."),
    "identity": lambda: _(
        "I am the embedded engine of VisionAI, a program without any network. {note}"
    ).format(note=note()),
    "abilities": lambda: _(
        "I find what the help says about the camera, photos, history, networks to VHDL, trading, "
        "limits, sessions, invoices and so on. Of your own data I can tell your readings, "
        "sessions, exports, trading and usage, such as: “how many emotions did I log today?”, "
        "“is my bot running?”."
    ),
    "others": lambda: _("I only show what is yours, never what is somebody else's."),
    "declined": lambda: _(
        "I find nothing about that in the help, and I only know this product and your own data. "
        "Ask in other words, look through the help, or write to the people who run this server."
    ),
    "empty": lambda: _("Write a question, and I look for its words in the help."),
    "sign_in": lambda: _("To tell you about your own data I must know who you are: sign in first."),
    "all_days": lambda: _("I cannot narrow this to the days that you named; this is as of now:"),
    "no_tool": lambda: _("I cannot look at that here."),
    "tool_failed": lambda: _("I could not read that now; try again in a moment."),
    "files": lambda: _("I read no text files; I can only look at pictures."),
    "seen": lambda: _(
        "More than this I cannot see. The pages Photo, Letters and Objects read pictures too."
    ),
    "following": lambda: _("I take it that you go on from your question before."),
    "no_more": lambda: _("I find nothing more about it in the help."),
}


def sentence(name: str) -> str:
    return SENTENCES[name]()
