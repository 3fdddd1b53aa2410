"""Texts in short, and in the form in which a search compares them: without accents and capitals."""

import unicodedata
from typing import Final

MOST_WORDS: Final = 8


def fold(text: str) -> str:
    """`fold("Añádelo  YA") == "anadelo ya"`: the same on every database."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return " ".join(bare.split())


def words_of(query: str) -> list[str]:
    """What a search looks for: each of these in one place or another."""
    return fold(query).split()[:MOST_WORDS]


def short(text: str, length: int) -> str:
    """The first line of a text, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > length // 2 else cut) + "…"
