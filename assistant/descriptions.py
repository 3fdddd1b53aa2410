"""A picture in a sentence or two: only what was found, in the active language."""

from collections import Counter
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assistant.core.looking import Look
from assistant.object_words import OBJECT_WORDS

COLOUR_WORDS = {
    "black": gettext_lazy("black"),
    "white": gettext_lazy("white"),
    "gray": gettext_lazy("gray"),
    "red": gettext_lazy("red"),
    "orange": gettext_lazy("orange"),
    "yellow": gettext_lazy("yellow"),
    "green": gettext_lazy("green"),
    "blue": gettext_lazy("blue"),
    "light blue": gettext_lazy("light blue"),
    "purple": gettext_lazy("purple"),
    "pink": gettext_lazy("pink"),
    "brown": gettext_lazy("brown"),
    "beige": gettext_lazy("beige"),
}


def describe(look: Look, labels: Sequence[str] | None = None) -> str:
    """What was found, the colours, and what makes the picture hard to see.

    `labels` are the findings of another detector, which knows more things.
    """
    sentences = [_things(look) if labels is None else _others(labels)]
    if look.colours:
        names = enumerated([str(COLOUR_WORDS[name]) for name, _share in look.colours])
        sentences.append(_("Its main colours are {names}.").format(names=names))
    if look.is_dark:
        sentences.append(_("It is dark."))
    elif look.is_bright:
        sentences.append(_("It is very bright."))
    if look.is_blurred:
        sentences.append(_("It is blurred."))
    return " ".join(sentences)


def _things(look: Look) -> str:
    faces, people, eyes = (look.count(label) for label in ("face", "person", "eye"))
    parts = []
    if people:
        words = ngettext("{n} standing person", "{n} standing people", people)
        parts.append(words.format(n=people))
    if faces:
        parts.append(ngettext("{n} face", "{n} faces", faces).format(n=faces))
    if eyes:
        parts.append(ngettext("{n} open eye", "{n} open eyes", eyes).format(n=eyes))
    if not parts:
        return _("No face and no standing person was found.")
    return _("Found: {things}.").format(things=enumerated(parts))


def _others(labels: Sequence[str]) -> str:
    if not labels:
        return _("Nothing that the detector knows was found.")
    words = [
        str(OBJECT_WORDS.get(label, label)) + (f" ({count})" if count > 1 else "")
        for label, count in Counter(labels).most_common()
    ]
    return _("Found: {things}.").format(things=enumerated(words))


def enumerated(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return _("{first} and {last}").format(first=", ".join(words[:-1]), last=words[-1])
