"""Conversations as lists and searches show them."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from assistant.core.folding import words_of
from assistant.models import Conversation, Message, MessageQuerySet

AROUND: Final = 60  # characters on each side of what was found


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation and, of a search, a piece of a message that has one of the words."""

    conversation: Conversation
    generating: bool
    piece: str = ""


def search(mine: QuerySet[Conversation], query: str) -> QuerySet[Conversation]:
    """Those with each of the words in the title or in a message; all without a word."""
    for word in words_of(query):
        texts = Message.objects.filter(conversation=OuterRef("pk"), folded__contains=word)
        mine = mine.filter(Q(folded_title__contains=word) | Exists(texts))
    return mine


def page(mine: QuerySet[Conversation], query: str, *, limit: int, offset: int) -> list[Found]:
    """Some of them, the last used first; three queries, however many they are."""
    rows = list(search(mine, query).order_by("-updated_at", "pk")[offset : offset + limit])
    texts = Message.objects.filter(conversation__in=[row.pk for row in rows])
    busy = set(texts.generating().values_list("conversation_id", flat=True))
    pieces = _pieces(texts, words_of(query))
    return [Found(row, row.pk in busy, pieces.get(row.pk, "")) for row in rows]


def _pieces(texts: MessageQuerySet, words: list[str]) -> dict[object, str]:
    if not words:
        return {}
    found: dict[object, str] = {}
    having = Q()
    for word in words:
        having |= Q(folded__contains=word)
    rows = texts.filter(having).order_by("number").values_list("conversation_id", "folded", "text")
    for pk, folded, text in rows[:500]:
        found.setdefault(pk, _piece(text, folded, words))
    return found


def _piece(text: str, folded: str, words: list[str]) -> str:
    """The text around the first word of it; positions in both forms are nearly the same."""
    line = " ".join(text.split())
    places = [place for word in words if (place := folded.find(word)) >= 0]
    start = max(0, min(places, default=0) - AROUND)
    piece = line[start : start + 2 * AROUND + 20]
    before, after = "…" if start else "", "…" if start + len(piece) < len(line) else ""
    return f"{before}{piece}{after}"
