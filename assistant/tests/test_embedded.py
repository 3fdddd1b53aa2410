"""The engine that needs nothing: what it says, cites and declines."""

import json
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from assistant.providers.base import Ask, Attachment, Tool, Turn
from assistant.tests.asking import Heard, asked, hear
from predictions.tests.factories import a_row
from predictions.versions import fill_catalogue


def questions(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        Path(__file__).with_name(name).read_text(encoding="utf-8")
    )
    return found


NOTE = {"es": "No soy un modelo de lenguaje", "en": "I am not a language model"}


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


@pytest.mark.parametrize(
    ("name", "most_missed", "most_not_declined"),
    [
        ("questions.json", 6, 0),  # 80 that were written before the index: 60 and 20
        ("questions_tuning.json", 6, 0),  # what its words were tuned on: 136 and 40
    ],
)
@pytest.mark.django_db(transaction=True)
async def test_nine_questions_in_ten_are_answered_from_what_they_should_and_others_declined(
    name: str, most_missed: int, most_not_declined: int
) -> None:
    user = await User.objects.acreate(username="ada")
    wrong = []
    for row in questions(name):
        heard = await asked(row["question"], user=user, language=row["language"])
        if not fits(heard, row["expect"]):
            wrong.append((row["question"], row["expect"], heard.used, heard.urls))
    missed = [one for one in wrong if one[1]]
    assert len(missed) <= most_missed, missed
    assert len(wrong) - len(missed) <= most_not_declined, wrong


async def test_an_answer_comes_in_pieces_and_says_once_what_it_is() -> None:
    first = await asked("¿Cómo paro el bot?")
    assert len(first.pieces) > 5
    assert first.text.count(NOTE["es"]) == 1
    then = await asked("¿Cómo paro el bot?", first.text, "¿Cómo conecto Exnova?")
    assert NOTE["es"] not in then.text
    english = await asked("¿Cómo paro el bot?", first.text, "how do I start the bot?")
    assert NOTE["en"] not in english.text
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


async def a_user_with(readings: dict[str, int]) -> User:
    """Readings of today, by expression."""
    ada = await User.objects.acreate(username="ada")

    def make() -> None:
        fill_catalogue()  # which the flush of another test took along
        for emotion, number in readings.items():
            for _ in range(number):
                a_row(ada, emotion=emotion, at=timezone.now())

    await database_sync_to_async(make)()
    return ada


@pytest.mark.django_db(transaction=True)
async def test_it_counts_the_readings_of_today_and_follows_up() -> None:
    ada = await a_user_with({"happy": 3, "sad": 1})
    heard = await asked("¿Cuántas emociones registré hoy?", user=ada)
    assert "Hoy (UTC) tienes **4 lecturas**" in heard.text
    assert "más frecuente: **Alegría**" in heard.text
    sad = await asked("¿Cuántas emociones registré hoy?", heard.text, "¿y tristeza?", user=ada)
    assert "1 lectura con la expresión «Tristeza»" in sad.text
    assert sad.text.startswith("Entiendo que sigues con tu pregunta anterior.")
    before = await asked("how many readings today?", heard.text, "and yesterday?", user=ada)
    assert "Yesterday (UTC) I find no readings of yours." in before.text
    other = await asked("how many readings today?", heard.text, "and my bot?", user=ada)
    assert other.used == ["my_trading"]
    alone = await asked("¿y ayer?", user=ada)
    assert alone.used == []


async def test_more_goes_on_to_the_next_section_and_ends_honestly() -> None:
    texts = ["¿cómo borro mi cuenta?"]
    seen = []
    for _ in range(7):
        heard = await asked(*texts)
        seen.append(heard.text)
        texts += [heard.text, "más"]
    assert len({text.split("\n")[0] for text in seen[:4]}) == 4
    assert "No encuentro nada más" in seen[-1]


async def test_a_picture_is_described_by_what_opencv_finds_and_a_text_is_not_read() -> None:
    portrait = (Path(settings.BASE_DIR) / "static/samples/eileen-collins-nasa.jpg").read_bytes()
    files = (
        Attachment("`a`*b*.jpg", "image/jpeg", portrait),
        Attachment("broken.png", "image/png", b"no picture"),
        Attachment("notes.txt", "text/plain", b"hello"),
    )
    ask = Ask((Turn("user", "¿qué ves?", files),), "es")
    heard = await hear(ask)
    assert "- `'a'*b*.jpg`: " in heard.text
    assert "rostro" in heard.text
    assert "No leo archivos de texto" in heard.text
    assert "/ayuda/objetos/" in heard.urls


async def test_a_tool_that_fails_is_said_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run(_arguments: object) -> dict[str, object]:
        raise RuntimeError("secret inside")

    tool = Tool("my_trading", "", {}, run)
    ask = Ask((Turn("user", "is my bot running?"),), "en", (tool, tool))
    heard = await hear(ask)
    assert "I could not read that now" in heard.text
    assert "secret" not in heard.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "???",
        "\x00\x07",
        "🙂" * 300,
        "x" * 5000,
        "<script>alert(1)</script>",
        "%s {0} {x}",
    ],
)
async def test_whatever_is_typed_gets_an_answer_and_is_not_repeated(text: str) -> None:
    heard = await asked(text)
    assert heard.text
    assert "<script>" not in heard.text
