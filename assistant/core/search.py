"""Keyword search over the help pages: BM25 on stems, with synonyms and tolerance for typos."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from assistant.core.words import STOP, Language, distance, stem, tokens

K1: Final = 1.2
B: Final = 0.6
OF_TITLE, OF_HEADING, OF_WORDS = 3, 3, 2
OF_PAGE: Final = 1.0  # what a page as a whole adds to each of its passages
OF_INTRODUCTION: Final = 0.6  # a section that fits as well says more
OF_SYNONYM, OF_TYPO = 0.7, 0.8
OF_UNKNOWN: Final = 1.25  # of the rarest word's weight: what is unknown speaks against every page
TYPO_FROM: Final = {1: 5, 2: 8}  # letters that a word needs before so many may be wrong


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a help page; `words` are what people call its subject besides."""

    page: str
    title: str
    heading: str
    text: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """`coverage` is the share of what the question is about that the passage's page speaks of."""

    passage: Passage
    score: float
    coverage: float


@dataclass(slots=True)
class Index:
    """Passages of one language. Made by `build`."""

    language: Language
    passages: Sequence[Passage]
    synonyms: Mapping[str, frozenset[str]]
    weights: list[Counter[str]] = field(default_factory=list)
    pages: dict[str, Counter[str]] = field(default_factory=dict)
    rarity: dict[str, float] = field(default_factory=dict)
    mean: float = 0.0
    page_mean: float = 0.0

    def find(self, question: str, *, most: int = 5) -> list[Hit]:
        """The best passages, best first."""
        terms = self.terms(question)
        if not any(terms.values()):
            return []
        of_page = {
            page: self._score(terms, counts, self.page_mean) for page, counts in self.pages.items()
        }
        hits = []
        for passage, counts in zip(self.passages, self.weights, strict=True):
            own, _coverage = self._score(terms, counts, self.mean)
            whole, coverage = of_page[passage.page]
            if not passage.heading:
                own *= OF_INTRODUCTION
            if own > 0 or (whole > 0 and not passage.heading):
                hits.append(Hit(passage, own + OF_PAGE * whole, coverage))
        return sorted(hits, key=lambda hit: -hit.score)[:most]

    def terms(self, question: str) -> dict[str, dict[str, float]]:
        """What each word that says something may stand for, and how surely; nothing is no hit."""
        found: dict[str, dict[str, float]] = {}
        for word in tokens(question):
            if word not in STOP[self.language] and not word.replace(".", "").isdigit():
                found[word] = self._meanings(word)
        return found

    def knows(self, word: str) -> bool:
        return bool(self._meanings(word))

    def _meanings(self, word: str) -> dict[str, float]:
        short = stem(word, self.language)
        found = {short: 1.0} if short in self.rarity else {}
        for other in self.synonyms.get(short, ()):
            if other in self.rarity:
                found.setdefault(other, OF_SYNONYM)
        return found or self._mended(short)

    def _mended(self, short: str) -> dict[str, float]:
        """The nearest known words, of those that are near."""
        allowed = max((n for n, letters in TYPO_FROM.items() if len(short) >= letters), default=0)
        near: dict[str, float] = {}
        for number in range(1, allowed + 1):
            for known in (*self.rarity, *self.synonyms):
                if known[:1] == short[:1] and distance(short, known, most=number) == number:
                    for meaning in (known, *self.synonyms.get(known, ())):
                        if meaning in self.rarity:
                            near[meaning] = OF_TYPO / number
            if near:
                return near
        return near

    def _score(
        self, terms: Mapping[str, Mapping[str, float]], counts: Counter[str], mean: float
    ) -> tuple[float, float]:
        """(BM25, share of the question's weight that is there)"""
        length = K1 * (1 - B + B * counts.total() / mean)
        score = there = whole = 0.0
        unknown = OF_UNKNOWN * max(self.rarity.values())
        for meanings in terms.values():
            worth = max((self.rarity[one] for one in meanings), default=unknown)
            whole += worth
            best = sure = 0.0
            for one, surely in meanings.items():
                count = counts[one]
                best = max(best, surely * self.rarity[one] * count * (K1 + 1) / (count + length))
                sure = max(sure, surely if count else 0.0)
            score += best
            there += worth * sure
        return score, there / whole if whole else 0.0


def build(passages: Iterable[Passage], *, language: Language, groups: Iterable[str] = ()) -> Index:
    """Each of `groups` holds words that mean about the same; a word may be in several."""
    index = Index(language, list(passages), _synonyms(groups, language))
    for passage in index.passages:
        counts = _weighed(passage, language)
        index.weights.append(counts)
        page = index.pages.setdefault(passage.page, Counter())
        page.update(counts)
        page.update(_stems(passage.words, OF_WORDS, language))  # they say nothing of a section
    seen = Counter(word for counts in index.pages.values() for word in counts)
    number = len(index.pages)
    index.rarity = {
        word: math.log(1 + (number - count + 0.5) / (count + 0.5)) for word, count in seen.items()
    }
    index.mean = sum(counts.total() for counts in index.weights) / max(len(index.weights), 1)
    index.page_mean = sum(counts.total() for counts in index.pages.values()) / max(number, 1)
    return index


def _weighed(passage: Passage, language: Language) -> Counter[str]:
    counts: Counter[str] = Counter()
    parts = ((passage.title, OF_TITLE), (passage.heading, OF_HEADING), (passage.text, 1))
    for text, weight in parts:
        counts.update(_stems(text, weight, language))
    return counts


def _stems(text: str, weight: int, language: Language) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word in tokens(text):
        if word not in STOP[language]:
            counts[stem(word, language)] += weight
    return counts


def _synonyms(groups: Iterable[str], language: Language) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group in groups:
        stems = {stem(word, language) for word in tokens(group)}
        for one in stems:
            found[one] |= stems - {one}
    return {word: frozenset(others) for word, others in found.items()}
