import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.folding import fold, words_of
from assistant.core.seam import Letters, Seam, clean, overlap

SAID = "Sube la red en Hardware y elige «Red entera»"


def joined(said: str, *pieces: str) -> str:
    seam = Seam(said)
    return said + "".join(map(seam.take, pieces)) + seam.end()


@pytest.mark.parametrize("size", [1, 3, 7, 200])
@pytest.mark.parametrize(
    "again",
    [
        "; luego espera.",  # goes on
        SAID + "; luego espera.",  # begins anew
        "y elige «Red entera»; luego espera.",  # repeats its last twenty characters
    ],
)
def test_what_is_said_again_is_left_out(again: str, size: int) -> None:
    pieces = [again[at : at + size] for at in range(0, len(again), size)]
    assert joined(SAID, *pieces) == SAID + "; luego espera."


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("ja ", "ja ja"),  # too short to be a repetition
        ("una tabla\n| --- | --- | --- | --- ", "| --- | --- |"),  # long, and of four characters
        ("x = 1\n                    ", "                    y = 2"),  # an indentation
        ("elige «Red entera»", "Red entera» es"),  # less than twenty characters
        ("", "Hola"),
        ("Hola", ""),
        ("Hola", "la"),
    ],
)
def test_what_only_looks_alike_stays(said: str, more: str) -> None:
    assert joined(said, *more) == said + more


def test_an_answer_that_only_repeats_adds_nothing() -> None:
    assert joined(SAID, SAID) == SAID
    assert joined("Hola", "Ho", "la") == "Hola"


def test_half_a_repetition_at_the_end_is_no_repetition() -> None:
    assert joined(SAID, "Sube la") == SAID + "Sube la"


@given(said=st.text(max_size=60), more=st.text(max_size=60), cut=st.integers(0, 60))
def test_nothing_but_a_repetition_is_ever_left_out(said: str, more: str, cut: int) -> None:
    whole = joined(said, more[:cut], more[cut:])
    shared = overlap(said, more)
    assert whole == said + more[shared:]
    assert said.endswith(more[:shared])


@given(text=st.text(max_size=80), cut=st.integers(0, 80))
def test_a_text_of_different_words_survives_any_cut(text: str, cut: int) -> None:
    said = "".join(f"{text}{number} " for number in range(3))[: 3 * cut]
    assert joined(said, f"fin {text}").startswith(said)


def test_halves_of_a_letter_find_each_other() -> None:
    letters = Letters()
    assert letters.take("a\ud83d") == "a"
    assert letters.take("\ude42b") == "🙂b"
    assert letters.take("\ude42") == "\ufffd"
    assert clean("a\0b\ud83dc") == "ab\ufffdc"


def test_a_search_sees_no_accents_and_no_capitals() -> None:
    assert fold("  Añádelo  YA\n") == "anadelo ya"
    assert words_of("Á b C d e f g h i j") == ["a", "b", "c", "d", "e", "f", "g", "h"]
