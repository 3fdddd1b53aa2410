"""Patterns that hold a text back, matched in one pass whatever the pattern and the text.

The patterns are a part of regular expressions: characters, `.`, classes, `\\d \\w \\s \\b`, groups,
`|` and the repetitions `? * + {m,n}`. All are run at once, character by character, as a set of
places (Thompson, 1968): there is no backtracking, so the work is at most the length of the text
times the size of the patterns. Case, accents, width and invisible characters make no difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from assistant.core.patterns import (
    BOUNDARY,
    END,
    START,
    BadPattern,
    Nodes,
    compile_into,
    folded,
    is_word,
)

MOST_HELD: Final = 400  # characters kept back while they could become a match
STEPS_AHEAD: Final = 50_000
STEPS_A_CHARACTER: Final = 200  # on the average; a text that takes more is held back
TOO_MUCH: Final = "too-much-work"


@dataclass(slots=True)
class Scan:
    """Reads a text in pieces and says how much of it may be shown.

    `feed` gives the characters that can no longer be part of a match; the rest is kept back until
    more comes or `finish`. `hit` is the name of the pattern that matched; nothing is given then.
    """

    nodes: Nodes
    hit: str = ""
    _held: str = ""
    _before: str = ""  # the last folded character that was read
    _threads: dict[int, int] = field(default_factory=dict)  # place: where its match began
    _read: int = 0  # characters of the text
    _steps: int = STEPS_AHEAD  # that are left

    def feed(self, text: str) -> str:
        for character in text:
            for one in folded(character):
                self._step(one)
                if self.hit:
                    return ""
            self._read += 1
        self._held += text
        first = min(self._threads.values(), default=self._read)
        kept = min(len(self._held), self._read - first, MOST_HELD)
        given = self._held[: len(self._held) - kept]
        self._held = self._held[len(self._held) - kept :]
        return given

    def finish(self) -> str:
        """What was kept back, when the text has ended."""
        self._close("")
        given, self._held = ("" if self.hit else self._held), ""
        return given

    def _step(self, one: str) -> None:
        self._steps += STEPS_A_CHARACTER
        if not self._threads and not self.nodes.starts_for(one):
            self._before = one
            return
        alive = self._close(one)
        self._threads = {}
        for place, begin in alive.items():
            if self.nodes.takes(place, one):
                _keep(self._threads, place + 1, begin)
        self._before = one

    def _close(self, ahead: str) -> dict[int, int]:
        """The places that take a character, reached without one; a match is noted."""
        found: dict[int, int] = {}
        todo = sorted(self._threads.items(), key=lambda item: -item[1])
        todo = [(start, self._read) for start in self.nodes.starts_for(ahead)] + todo
        seen: dict[int, int] = {}
        while todo:
            place, begin = todo.pop()
            if seen.get(place, begin + 1) <= begin:
                continue
            seen[place] = begin
            self._steps -= 1
            if place in self.nodes.names:
                self.hit = self.hit or self.nodes.names[place]
            elif (following := self.nodes.free.get(place)) is not None:
                todo += [(one, begin) for one in following if self._may(place, ahead)]
            else:
                found[place] = begin
        if self._steps < 0:
            self.hit = self.hit or TOO_MUCH
        return found

    def _may(self, place: int, ahead: str) -> bool:
        kind = self.nodes.conditions.get(place)
        if kind == BOUNDARY:
            return is_word(self._before) != is_word(ahead)
        if kind == START:
            return self._before in {"", "\n"}
        if kind == END:
            return ahead in {"", "\n"}
        return True


def _keep(threads: dict[int, int], place: int, begin: int) -> None:
    if threads.get(place, begin + 1) > begin:
        threads[place] = begin


def first_match(nodes: Nodes, texts: Iterable[str]) -> str:
    """The name of a pattern that matches one of the texts, or nothing."""
    for text in texts:
        scan = Scan(nodes)
        scan.feed(text)
        scan.finish()
        if scan.hit:
            return scan.hit
    return ""


@dataclass(frozen=True, slots=True)
class Filters:
    """What may not be asked, and what may not be answered."""

    asked: Nodes
    answered: Nodes


def read_filters(lines: Sequence[str]) -> Filters:
    """`in|out|both name pattern` on each line; empty lines and lines with `#` first are skipped.

    Raises `BadPattern` with the number of the line.
    """
    asked, answered = Nodes(), Nodes()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.strip().split(None, 2)
        if len(parts) < 3 or parts[0] not in {"in", "out", "both"}:
            raise BadPattern(number, "write: in, out or both, a name, and the pattern")
        side, name, pattern = parts
        for nodes, wanted in ((asked, "in"), (answered, "out")):
            if side in {wanted, "both"}:
                try:
                    compile_into(nodes, name, pattern)
                except BadPattern as bad:
                    raise BadPattern(number, bad.why) from None
    return Filters(asked, answered)
