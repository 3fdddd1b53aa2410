"""A pattern as a small program of places, for `filters` to run without backtracking.

A place takes one character and leads to the next, or leads on without one (`free`), perhaps under
a condition, or is the end of a pattern (`names`).
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

BOUNDARY, START, END = "boundary", "start", "end"
MOST_PLACES: Final = 1000  # of one pattern
MOST_IN_ALL: Final = 10_000
MOST_TIMES: Final = 200  # of {m,n}
MOST_DEEP: Final = 8  # groups in groups


class BadPattern(ValueError):
    """`line` of the file, 0 for a pattern alone; `why` is for the operator."""

    def __init__(self, line: int, why: str) -> None:
        self.line, self.why = line, why
        super().__init__(f"line {line}: {why}" if line else why)


@lru_cache(maxsize=4096)
def folded(character: str) -> str:
    """The character as patterns see it: none, one or several."""
    plain = unicodedata.normalize("NFKD", character).casefold()
    return "".join(
        one for one in plain if not unicodedata.combining(one) and unicodedata.category(one) != "Cf"
    )


def is_word(one: str) -> bool:
    return one.isalnum() or one == "_"


KINDS: Final[dict[str, Callable[[str], bool]]] = {
    "d": str.isdecimal,
    "w": is_word,
    "s": str.isspace,
}
ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(slots=True)
class Characters:
    """The characters that a place takes."""

    ranges: list[tuple[str, str]] = field(default_factory=list)
    kinds: list[tuple[str, bool]] = field(default_factory=list)  # letter of `KINDS`, wanted
    negated: bool = False

    def takes(self, one: str) -> bool:
        found = any(low <= one <= high for low, high in self.ranges) or any(
            KINDS[kind](one) == wanted for kind, wanted in self.kinds
        )
        return found != self.negated


@dataclass(slots=True)
class Nodes:
    """The programs of several patterns, one after the other."""

    count: int = 0
    characters: dict[int, Characters] = field(default_factory=dict)
    free: dict[int, tuple[int, ...]] = field(default_factory=dict)
    conditions: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    _starts: list[tuple[int, list[Characters]]] = field(default_factory=list)
    _begin_with: dict[str, list[int]] = field(default_factory=dict)

    def takes(self, place: int, one: str) -> bool:
        return self.characters[place].takes(one)

    def starts_for(self, one: str) -> list[int]:
        """First places of the patterns whose match may begin with the character."""
        if not one:
            return []
        if one not in self._begin_with:
            if len(self._begin_with) > 4096:
                self._begin_with.clear()
            self._begin_with[one] = [
                start for start, firsts in self._starts if any(kind.takes(one) for kind in firsts)
            ]
        return self._begin_with[one]

    def begun(self, start: int) -> None:
        """A pattern whose first place is `start` is complete. Raises `BadPattern`."""
        firsts, todo, seen = [], [start], set()
        while todo:
            place = todo.pop()
            if place in seen:
                continue
            seen.add(place)
            if place in self.names:
                raise BadPattern(0, "it matches a text of no characters")
            if place in self.free:
                todo += self.free[place]
            else:
                firsts.append(self.characters[place])
        self._starts.append((start, firsts))
        self._begin_with.clear()


def compile_into(nodes: Nodes, name: str, pattern: str) -> None:
    """Add a pattern. Raises `BadPattern`; `nodes` is of no use after that."""
    start = nodes.count
    parser = _Parser(pattern, nodes, start)
    parser.either()
    if parser.at < len(pattern):
        raise BadPattern(0, "a ) has no ( before it")
    nodes.names[nodes.count] = name
    nodes.count += 1
    nodes.begun(start)


@dataclass
class _Parser:
    """Writes places while it reads; what is to be repeated is read again for each time."""

    text: str
    nodes: Nodes
    start: int
    at: int = 0
    deep: int = 0

    def either(self) -> None:
        """Alternatives, up to `)` or the end."""
        ends: list[int] = []
        for begin in self._alternatives():
            fork = self._new()
            self.at = begin
            self._sequence()
            if self.at < len(self.text) and self.text[self.at] == "|":
                ends.append(self._new())
                self.nodes.free[fork] = (fork + 1, self.nodes.count)
            else:
                self.nodes.free[fork] = (fork + 1,)
        for end in ends:
            self.nodes.free[end] = (self.nodes.count,)

    def _alternatives(self) -> Iterator[int]:
        yield self.at
        while self.at < len(self.text) and self.text[self.at] == "|":
            yield self.at + 1

    def _sequence(self) -> None:
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            self._repeated()

    def _repeated(self) -> None:
        begin, first = self.at, self.nodes.count
        head = self._new()  # where a `?` or `*` may pass by
        self.nodes.free[head] = (head + 1,)
        self._one()
        after_one = self.at
        least, most = self._times()
        end = self.at
        if self.at < len(self.text) and self.text[self.at] in "?*+{":
            raise BadPattern(0, "write ( ) around what is repeated twice")
        if (least, most) == (1, 1):
            return
        self.nodes.count = first
        self._forget(first)
        for _ in range(least):
            self._again(begin, after_one)
        if most is None:
            fork = self._new()
            self._again(begin, after_one)
            back = self._new()
            self.nodes.free[back] = (fork,)
            self.nodes.free[fork] = (fork + 1, self.nodes.count)
        else:
            forks = []
            for _ in range(most - least):
                forks.append(self._new())
                self._again(begin, after_one)
            for fork in forks:
                self.nodes.free[fork] = (fork + 1, self.nodes.count)
        self.at = end

    def _again(self, begin: int, end: int) -> None:
        self.at = begin
        self._one()
        assert self.at == end

    def _forget(self, first: int) -> None:
        for known in (self.nodes.characters, self.nodes.free, self.nodes.conditions):
            for place in [place for place in known if place >= first]:
                del known[place]

    def _times(self) -> tuple[int, int | None]:
        sign = self.text[self.at : self.at + 1]
        if sign in {"?", "*", "+"} and sign:
            self.at += 1
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[sign]
        if sign != "{":
            return 1, 1
        close = self.text.find("}", self.at)
        parts = self.text[self.at + 1 : close].split(",") if close > 0 else []
        self.at = close + 1
        if not 1 <= len(parts) <= 2 or not all(part.isdecimal() for part in parts if part):
            raise BadPattern(0, "write a repetition as {2}, {2,} or {2,5}")
        least = int(parts[0] or 0)
        most = least if len(parts) == 1 else (int(parts[1]) if parts[1] else None)
        if least > MOST_TIMES or (most is not None and not least <= most <= MOST_TIMES):
            raise BadPattern(0, f"a repetition goes from less to more, up to {MOST_TIMES}")
        return least, most

    def _one(self) -> None:
        sign = self.text[self.at]
        self.at += 1
        if sign == "(":
            self._group()
        elif sign == "[":
            self._take(self._class())
        elif sign == ".":
            self._take(Characters([("\n", "\n")], negated=True))
        elif sign == "\\":
            self._escape()
        elif sign in "^$":
            self._when(START if sign == "^" else END)
        elif sign in "*+?{":
            raise BadPattern(0, f"nothing stands before {sign}")
        else:
            self._literal(sign)

    def _group(self) -> None:
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self.text.startswith("?", self.at):
            raise BadPattern(0, "of the groups that begin with (? only (?: ) is known")
        self.deep += 1
        if self.deep > MOST_DEEP:
            raise BadPattern(0, "too many groups within groups")
        self.either()
        self.deep -= 1
        if self.text[self.at : self.at + 1] != ")":
            raise BadPattern(0, "a ( is not closed")
        self.at += 1

    def _escape(self) -> None:
        sign = self._escaped()
        if sign == "b":
            self._when(BOUNDARY)
        elif sign.lower() in KINDS:
            self._take(Characters(kinds=[(sign.lower(), sign.islower())]))
        else:
            self._literal(self._plain(sign))

    def _escaped(self) -> str:
        if self.at >= len(self.text):
            raise BadPattern(0, "a \\ stands at the end")
        self.at += 1
        return self.text[self.at - 1]

    def _plain(self, sign: str) -> str:
        if sign in ESCAPES:
            return ESCAPES[sign]
        if is_word(sign):
            raise BadPattern(0, f"\\{sign} is not known")
        return sign

    def _class(self) -> Characters:
        found = Characters(negated=self.text.startswith("^", self.at))
        self.at += found.negated
        first = self.at
        while self.text[self.at : self.at + 1] != "]" or self.at == first:
            low = self._member(found)
            if not low:
                continue
            high = low
            if self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 :][:1] != "]":
                self.at += 1
                high = self._member(found)
            if not high or high < low:
                raise BadPattern(0, "a range in [ ] goes from less to more")
            found.ranges.append((low, high))
        self.at += 1
        return found

    def _member(self, found: Characters) -> str:
        """The character at hand, folded; none for a kind such as `\\d`."""
        if self.at >= len(self.text):
            raise BadPattern(0, "a [ is not closed")
        sign = self.text[self.at]
        self.at += 1
        if sign == "\\":
            sign = self._escaped()
            if sign.lower() in KINDS:
                found.kinds.append((sign.lower(), sign.islower()))
                return ""
            sign = self._plain(sign)
        if len(folded(sign)) != 1:
            raise BadPattern(0, f"{sign} may not stand in [ ]")
        return folded(sign)

    def _literal(self, sign: str) -> None:
        for one in folded(sign):
            self._take(Characters([(one, one)]))

    def _take(self, characters: Characters) -> None:
        self.nodes.characters[self._new()] = characters

    def _when(self, condition: str) -> None:
        place = self._new()
        self.nodes.conditions[place] = condition
        self.nodes.free[place] = (place + 1,)

    def _new(self) -> int:
        place = self.nodes.count
        self.nodes.count += 1
        if place - self.start > MOST_PLACES or place > MOST_IN_ALL:
            raise BadPattern(0, "it is too large")
        return place
