"""Patterns that hold texts back: what they match, in pieces or whole, and in how much time."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.core.filters import TOO_MUCH, Scan, first_match, read_filters
from assistant.core.patterns import BadPattern, Nodes, compile_into


def nodes_of(*patterns: str) -> Nodes:
    nodes = Nodes()
    for number, pattern in enumerate(patterns):
        compile_into(nodes, f"p{number}", pattern)
    return nodes


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"\bbomba\b", "Una BOMBA, sí", "bombas"),
        (r"c[oó]mo (?:hacer|fabricar) .{0,20}bomba", "¿Cómo fabricar una bomba?", "una bomba"),
        (r"sk-[a-z0-9]{8,}", "clave sk-ABCD1234EF", "sk-abc"),
        (r"a|bc+|d{2}", "xbccx", "b d"),
        (r"^hola$", "x\nhola\ny", "hola tú"),
        (r"[^\d\s]{3}\d", "abc1", "ab 1"),
        (r"a.c", "abc", "a\nc"),
        (r"\$\.\\", "$.\\", "$x\\"),
        (r"(ab?){2,3}c", "aabc", "abc"),
        (r"canción", "CANCION", "cancel"),
        (r"bomb", "b\u200bo\u00adm\u0301b", "b-o-m-b"),
        (r"bomb", "ｂｏｍｂ", "bo mb"),
        (r"straße", "STRASSE", "strase"),
    ],
)
def test_a_pattern_matches_and_does_not(pattern: str, yes: str, no: str) -> None:
    assert first_match(nodes_of(pattern), ["nada", yes]) == "p0"
    assert first_match(nodes_of(pattern), [no]) == ""


ATOMS = st.sampled_from(
    ["a", "b", "c", " ", ".", "[ab]", "[^a]", r"\d", r"\W", r"\b", "$", "^", "1"]
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeated = st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"]))
    return (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
        | repeated.map(lambda pair: f"(?:{pair[0]}){pair[1]}")
    )


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    pattern=st.recursive(ATOMS, _grow, max_leaves=6),
    text=st.text("abc 1\n", max_size=14),
    cuts=st.lists(st.integers(0, 14), max_size=4),
)
def test_it_finds_what_python_s_expressions_find_however_the_text_is_cut(
    pattern: str, text: str, cuts: list[int]
) -> None:
    nodes = Nodes()
    expression = re.compile(pattern, re.MULTILINE | re.ASCII)
    try:
        compile_into(nodes, "p", pattern)
    except BadPattern as bad:
        assert "no characters" in bad.why  # noqa: PT017
        return
    found = expression.search(text)
    scan, given, places = Scan(nodes), "", sorted({0, *(min(cut, len(text)) for cut in cuts)})
    for begin, end in zip(places, [*places[1:], len(text)], strict=True):
        if not scan.hit:
            given += scan.feed(text[begin:end])
    if not scan.hit:
        given += scan.finish()
    assert bool(scan.hit) == bool(found)
    if found is None:
        assert given == text
    else:
        assert text.startswith(given)
        assert len(given) <= found.start()


def test_only_what_could_become_a_match_waits() -> None:
    scan = Scan(nodes_of(r"\bbomba\b"))
    assert scan.feed("La bom") == "La "
    assert scan.feed("billa es") == "bombilla es"
    assert scan.feed(" la bomba") == " la "
    assert scan.hit == ""
    assert scan.feed("s") == "bombas"
    assert scan.feed(" bomba") == " "
    assert scan.feed(".") == ""
    assert scan.hit == "p0"
    assert scan.finish() == ""


def test_a_pattern_without_end_does_not_hold_the_text_for_ever() -> None:
    scan = Scan(nodes_of("a.*z"))
    given = scan.feed("a" + "b" * 5000)
    assert len(given) == 5001 - 400


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*x", "(a{0,9}){0,9}b", "(a?){30}a{30}b"]
)
def test_a_hostile_text_takes_no_longer_than_its_length(pattern: str) -> None:
    nodes = nodes_of(pattern)
    began = time.process_time()
    assert first_match(nodes, ["a" * 4000]) in {"", TOO_MUCH}
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "a{3,2}", "a{999}", "*a", "a**", "a|", "", "x*", r"\b", "\\", r"\q", "(?=a)",
     "[z-a]", "a{x}", "(" * 30 + "a" + ")" * 30, "((a{150}){150}){150}", "(?<n>a)", r"(a)\1"],
)  # fmt: skip
def test_a_pattern_that_cannot_be_run_is_refused_with_the_reason(pattern: str) -> None:
    began = time.process_time()
    with pytest.raises(BadPattern) as refused:
        compile_into(Nodes(), "p", pattern)
    assert refused.value.why
    assert time.process_time() - began < 2


def test_a_file_says_which_side_a_pattern_is_for() -> None:
    filters = read_filters(["# words", "", "in  ask  foo", "out tell bar baz", "both all qux"])
    assert [first_match(filters.asked, [one]) for one in ("foo", "bar baz", "qux")] == [
        "ask",
        "",
        "all",
    ]
    assert [first_match(filters.answered, [one]) for one in ("foo", "bar baz", "qux")] == [
        "",
        "tell",
        "all",
    ]


@pytest.mark.parametrize(("line", "why"), [("in x", "write"), ("up x y", "write"), ("in x (", "(")])
def test_a_bad_line_is_named(line: str, why: str) -> None:
    with pytest.raises(BadPattern, match="line 2: ") as refused:
        read_filters(["in a b", line])
    assert why in refused.value.why
