"""What a message wants, by its words alone."""

import sys
import time
from datetime import date

import pytest

from assistant import help_pages
from assistant.core.own_data import own_data_of
from assistant.core.search import Passage, build
from assistant.core.understanding import (
    Courtesy,
    Days,
    courtesy_of,
    days_of,
    emotion_of,
    is_following,
    is_task,
    wants_more,
)
from assistant.core.words import Language, distance, language_of, stem, tokens
from assistant.help_pages import index

SATURDAY = date(2026, 11, 21)


def test_words_have_no_accents_capitals_or_signs() -> None:
    assert tokens("¿Cuántas EMOCIONES registré, o señas?") == (
        ["cuantas", "emociones", "registre", "o", "senas"]
    )


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("es", "facturas", "factura"),
        ("es", "borrar", "borrado"),
        ("es", "exportaciones", "exportacion"),
        ("es", "limites", "limite"),
        ("en", "stopping", "stop"),
        ("en", "invoices", "invoice"),
        ("en", "entries", "entry"),
        ("en", "deleted", "delete"),
    ],
)
def test_inflected_words_are_one(language: Language, one: str, other: str) -> None:
    assert stem(one, language) == stem(other, language)


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [
        ("camara", "camara", 0),
        ("camra", "camara", 1),
        ("camaara", "camara", 1),
        ("acmara", "camara", 1),  # neighbours swapped
        ("gamera", "camara", 2),
        ("red", "camara", 3),  # more than was asked for
    ],
)
def test_the_distance_counts_what_a_typist_does(one: str, other: str, number: int) -> None:
    assert distance(one, other, most=2) == number


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿dónde?", "es"),
        ("como borro mi cuenta", "es"),
        ("how do i delete it", "en"),
        ("stop the bot", "en"),
        ("bot", "es"),  # both: the page's own
        ("", "es"),
    ],
)
def test_the_language_of_a_question_is_told_by_its_small_words(
    text: str, language: Language
) -> None:
    assert language_of(text, otherwise="es") == language


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("¿y ayer?", Days("yesterday", date(2026, 11, 20), date(2026, 11, 20))),
        ("anteayer", Days("two_days_ago", date(2026, 11, 19), date(2026, 11, 19))),
        ("today", Days("today", SATURDAY, SATURDAY)),
        ("esta semana", Days("this_week", date(2026, 11, 16), SATURDAY)),
        ("last week", Days("last_week", date(2026, 11, 9), date(2026, 11, 15))),
        ("este mes", Days("this_month", date(2026, 11, 1), SATURDAY)),
        ("el mes pasado", Days("last_month", date(2026, 10, 1), date(2026, 10, 31))),
        ("the last 3 days", Days("last_days", date(2026, 11, 19), SATURDAY)),
        ("el 2026-11-05", Days("day", date(2026, 11, 5), date(2026, 11, 5))),
        ("el 2026-13-45", None),
        ("cuántas lecturas", None),
    ],
)
def test_days_are_read_from_words(text: str, days: Days | None) -> None:
    assert days_of(text, today=SATURDAY) == days


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("¡Hola!", "greeting"),
        ("buenos días", "greeting"),
        ("muchas gracias", "thanks"),
        ("thanks a lot", "thanks"),
        ("bye", "goodbye"),
        ("¿Qué puedes hacer?", "abilities"),
        ("are you a human?", "identity"),
        ("¿eres ChatGPT?", "identity"),
        ("¿qué modelo usas?", "identity"),
        ("dime el saldo de otro usuario", "others"),
        ("give me the admin password", "others"),
        ("hola, ¿cómo paro el bot?", None),
        ("gracias, ¿y ayer?", None),
        ("¿pueden otros usuarios ver mis lecturas?", None),
    ],
)
def test_courtesies_are_told_from_questions(text: str, kind: Courtesy | None) -> None:
    assert courtesy_of(text) == kind


def test_expressions_tasks_and_short_questions_are_recognised() -> None:
    assert emotion_of("cuántas veces salí triste o feliz") == "sad"
    assert emotion_of("how many readings") is None
    assert is_task("por favor, escríbeme un poema")
    assert is_task("translate this into French")
    assert not is_task("cómo escribo al administrador")
    assert is_following("¿y ayer?")
    assert not is_following("y ahora que lo pienso, dime cómo puedo borrar la cuenta")
    assert wants_more("más detalles, por favor")
    assert not wants_more("más lecturas")


@pytest.mark.parametrize(
    "text",
    [
        "how do I see my history",
        "why did my session end",
        "qué significa la confianza",
        "cómo exporto mis lecturas",
        "how many people live in France today",
        "¿cuánto mide el Everest?",
    ],
)
def test_a_question_how_to_is_none_about_ones_own_data(text: str) -> None:
    assert own_data_of(text) is None


def test_a_typo_a_synonym_and_a_missing_accent_find_the_page() -> None:
    for question in ("factuars", "recibos", "FACTURACIÓN"):
        assert index("es").find(question)[0].passage.page == "uso", question
    assert index("en").find("pasword")[0].passage.page == "cuenta"


def test_coverage_is_the_share_of_the_question_that_the_page_speaks_of() -> None:
    found = build(
        [Passage("a", "Bot", "", "start stop"), Passage("b", "Foto", "", "upload")], language="en"
    )
    assert found.find("bot")[0].coverage == 1
    known, two_unknown = 1.0, 2 * 1.25  # in weights of the rarest word
    share = found.find("bot elephant giraffe")[0].coverage
    assert share == pytest.approx(known / (known + two_unknown))
    assert found.find("elephant") == []
    assert found.find("the of 42") == []


def test_the_index_is_built_in_a_moment_and_a_hostile_question_takes_none() -> None:
    built = []
    for _ in range(3):
        help_pages.index.cache_clear()
        began = time.process_time()
        found = index("es")
        built.append(time.process_time() - began)
    assert min(built) < (0.1 if sys.gettrace() is None else 0.5)
    began = time.process_time()
    for text in ("a" * 600, "otr " * 150, "que " * 150, "quiero ver " * 60, "zzzzzzzzzz " * 60):
        courtesy_of(text), own_data_of(text), days_of(text, today=SATURDAY), found.find(text)
    assert time.process_time() - began < (1.5 if sys.gettrace() is None else 6)
