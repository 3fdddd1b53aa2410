"""The engine that needs nothing: what it says, cites and declines."""

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from assistant.tests.asking import Heard, asked

QUESTIONS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("questions.json").read_text(encoding="utf-8")
)
NOTE = {"es": "No soy un modelo de lenguaje", "en": "I am not a language model"}

pytestmark = pytest.mark.django_db(transaction=True)


def fits(heard: Heard, expect: list[str]) -> bool:
    """Whether the first thing cited is what was expected; for nothing, whether it declined."""
    if not expect:
        return not heard.used and heard.urls in (["/ayuda/", "/contacto/"], ["/ayuda/privacidad/"])
    for one in expect:
        kind, name = one.split(":")
        if kind == "page" and not heard.used and heard.urls[0] == f"/ayuda/{name}/":
            return True
        if kind == "tool" and heard.used == [name] and heard.urls:
            return True
    return False


async def test_of_80_questions_written_before_the_index_nine_in_ten_cite_what_they_should() -> None:
    user = await User.objects.acreate(username="ada")
    wrong = []
    for row in QUESTIONS:
        heard = await asked(row["question"], user=user, language=row["language"])
        if not fits(heard, row["expect"]):
            wrong.append((row["question"], row["expect"], heard.used, heard.urls))
    in_scope = [one for one in wrong if one[1]]
    assert len(in_scope) <= 6, wrong
    assert len(wrong) - len(in_scope) <= 1, wrong


async def test_an_answer_comes_in_pieces_and_says_once_what_it_is() -> None:
    first = await asked("¿Cómo paro el bot?")
    assert len(first.pieces) > 5
    assert first.text.count(NOTE["es"]) == 1
    then = await asked("¿Cómo paro el bot?", first.text, "¿Cómo conecto Exnova?")
    assert NOTE["es"] not in then.text
    whenever = await asked("hola", first.text, "¿eres una persona?")
    assert NOTE["es"] in whenever.text


@pytest.mark.parametrize(("question", "language"), [("stop the bot", "en"), ("parar el bot", "es")])
async def test_the_answer_is_in_the_language_of_the_question(question: str, language: str) -> None:
    other = "es" if language == "en" else "en"
    heard = await asked(question, language=other)  # type: ignore[arg-type]
    assert NOTE[language] in heard.text


async def test_a_stranger_to_the_house_gets_the_help_and_no_data() -> None:
    heard = await asked("¿cuántas emociones registré hoy?")
    assert heard.used == []
    assert heard.urls == ["/cuenta/entrar/", "/ayuda/historial/"]


async def test_an_answer_that_was_cut_is_gone_on_with_and_not_repeated() -> None:
    whole = (await asked("como paro el bot")).text
    for cut in (1, 17, len(whole) // 2, len(whole) - 1, len(whole)):
        rest = await asked("como paro el bot", said=whole[:cut])
        assert whole[:cut] + rest.text == whole


async def test_it_takes_over_from_another_engine_and_says_so_once() -> None:
    whole = (await asked("como paro el bot")).text
    foreign = "Para parar el bot, primero"
    rest = (await asked("como paro el bot", said=foreign)).text
    assert rest.startswith("\n\n_La respuesta de arriba quedó cortada")
    assert rest.endswith(whole)
    for cut in (3, 30, len(rest) - len(whole), len(rest) - 5):  # and is itself cut
        again = (await asked("como paro el bot", said=foreign + rest[:cut])).text
        assert rest[:cut] + again == rest
