"""The form in which a search compares texts: without accents, capitals and double spaces."""

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
