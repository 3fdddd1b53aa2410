"""Who answers when a provider fails, hangs or is cut: over real sockets, within the deadline."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pytest_django.fixtures import Settings

from assistant import filtering
from assistant.core.filters import first_match
from assistant.filtering import AnswerFiltered
from assistant.providers import chain, configured
from assistant.providers.base import (
    Ask,
    Attachment,
    Began,
    Delta,
    Filtered,
    Piece,
    ProviderFault,
    Sound,
    Turn,
)
from assistant.providers.guard import ProviderResting
from tests.services.far_server import until
from tests.services.openai_server import OpenAIServer, tone
from visionai.lib.errors import ConfigurationError

pytestmark = pytest.mark.django_db(transaction=True)
OWN = "Soy el asistente sin red."


@dataclass
class StandIn:
    """In the place of the embedded engine: says a known sentence, and keeps what it was asked."""

    asked: list[Ask] = field(default_factory=list)
    name: ClassVar[str] = "embedded"
    model = "stand-in"

    async def stream(self, ask: Ask) -> AsyncIterator[Piece]:
        self.asked.append(ask)
        yield Delta(OWN)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    one = StandIn()
    monkeypatch.setitem(configured.MAKERS, ("embedded", "chat"), lambda: one)
    return one


@pytest.fixture
def far(far_openai: OpenAIServer, settings: Settings, stand_in: StandIn) -> Iterator[OpenAIServer]:
    settings.OPENAI_BASE_URL = far_openai.base_url
    settings.OPENAI_CHAT_MODEL = "small"
    settings.OPENAI_TRANSCRIBE_MODEL = "whisper"
    settings.CHAT_DEADLINE_S = 5.0
    yield far_openai
    configured.clear_guards()


def question(text: str = "hola", **more: Any) -> Ask:
    return Ask((Turn("user", text),), "es", **more)


async def heard(ask: Ask | None = None, user_id: int | None = 1) -> tuple[list[Began], str]:
    """Who began, and the whole text."""
    began, text = [], ""
    async for piece in chain.chat(ask or question(), user_id=user_id):
        if isinstance(piece, Began):
            began.append(piece)
        elif isinstance(piece, Delta):
            text += piece.text
    return began, text


async def test_a_provider_that_works_answers_and_is_named(far: OpenAIServer) -> None:
    assert await heard() == ([Began("openai", "small")], far.answers[0].full)


async def test_a_hanging_provider_costs_five_replies_a_deadline_and_no_more(
    far: OpenAIServer, settings: Settings
) -> None:
    await heard()  # the library is loaded
    configured.clear_guards()
    await configured.guard_for("chat", configured.engines_of("chat")[0]).breaker.reset()
    far.answers.clear()
    far.behave(hang=True)
    settings.CHAT_DEADLINE_S = 2.0
    times = []
    for _ in range(100):
        began_at = time.monotonic()
        assert await heard() == ([Began("embedded", "stand-in", degraded=True)], OWN)
        times.append(time.monotonic() - began_at)
    assert len(far.answers) == 5
    assert sorted(times)[98] < 2.0  # p99
    assert max(times[5:]) < 1.0
    assert all(one.gone_at is not None for one in far.answers)


async def test_a_provider_that_is_well_again_is_found_by_one_probe(far: OpenAIServer) -> None:
    far.behave(status=500)
    await asyncio.gather(*(heard() for _ in range(3)))
    assert (await heard())[0] == [Began("embedded", "stand-in", degraded=True)]
    asked = len(far.requests)
    far.behave(text="uno", delay_s=0.8)
    breaker = configured.guard_for("chat", configured.engines_of("chat")[0]).breaker
    breaker.clock = lambda: time.time() + 6
    found = await asyncio.gather(*(heard() for _ in range(6)))
    assert sum(began == [Began("openai", "small")] for began, _text in found) == 1
    assert len(far.requests) == asked + 1
    assert (await heard())[0] == [Began("openai", "small")]


@pytest.mark.parametrize("switches", [{"cut_after": 5}, {"hang_after": 5}, {"bad_after": 5}])
async def test_a_stand_in_goes_on_where_a_provider_broke_off(
    far: OpenAIServer, stand_in: StandIn, settings: Settings, switches: dict[str, int]
) -> None:
    settings.CHAT_DEADLINE_S = 6.0
    await heard()
    far.behave(**switches)
    began_at = time.monotonic()
    began, text = await heard()
    sent = far.answers[-1].sent
    assert began == [Began("openai", "small"), Began("embedded", "stand-in", degraded=True)]
    assert (text, stand_in.asked[-1].said) == (sent + OWN, sent)
    assert len(far.answers) == 2  # what has begun is not asked again
    assert time.monotonic() - began_at < settings.CHAT_DEADLINE_S


@pytest.mark.parametrize(
    ("switches", "asked", "degraded"),
    [
        ({"status": 500, "times": 1}, 2, False),
        ({"status": 500, "times": 2}, 3, False),
        ({"status": 500}, 3, True),
        ({"cut_after": 0, "times": 1}, 2, False),
        ({"body": "<html>", "content_type": "text/html", "times": 1}, 2, False),
        ({"status": 429, "retry_after": "1", "times": 1}, 2, False),
        ({"status": 429, "retry_after": "60"}, 1, True),  # that is after the deadline
        ({"status": 401}, 1, True),
        ({"status": 400}, 1, True),
        ({"text": ""}, 1, True),  # not a word
    ],
)
async def test_what_may_pass_is_asked_again_within_the_deadline(
    far: OpenAIServer, switches: dict[str, Any], asked: int, degraded: bool
) -> None:
    far.behave(**switches)
    began_at = time.monotonic()
    (began,), text = await heard()
    took = time.monotonic() - began_at
    assert (len(far.requests), began.degraded) == (asked, degraded)
    assert text == (OWN if degraded else far.answers[-1].full)
    assert took < 5
    if switches.get("retry_after") == "1":
        assert took >= 1


async def test_questions_at_fault_do_not_open_the_breaker(far: OpenAIServer) -> None:
    far.behave(status=400)
    for _ in range(8):
        await heard()
    assert len(far.requests) == 8


async def test_a_wrong_key_opens_it(far: OpenAIServer) -> None:
    far.behave(status=401)
    for _ in range(8):
        await heard()
    assert len(far.requests) == 5


async def test_who_is_not_signed_in_is_answered_here_alone(far: OpenAIServer) -> None:
    assert await heard(user_id=None) == ([Began("embedded", "stand-in")], OWN)
    assert far.requests == []


async def test_an_operator_may_put_the_embedded_engine_first(
    far: OpenAIServer, settings: Settings
) -> None:
    settings.ASSISTANT_ORDER = ["embedded", "openai"]
    assert await heard() == ([Began("embedded", "stand-in")], OWN)


async def test_leaving_ends_the_far_request_within_200_ms(far: OpenAIServer) -> None:
    far.behave(delay_s=0.05)

    async def listen() -> None:
        async for _piece in chain.chat(question(), user_id=1):
            pass

    task = asyncio.create_task(listen())
    await until(lambda: bool(far.answers and far.answers[0].sent))
    task.cancel()
    at = time.monotonic()
    await asyncio.wait([task])
    await until(lambda: far.answers[0].gone_at is not None)
    assert (far.answers[0].gone_at or 0) - at < 0.2


async def test_stopping_does_not_count_against_a_provider_that_spoke(far: OpenAIServer) -> None:
    for _ in range(7):
        pieces = chain.chat(question(), user_id=1)
        assert await anext(pieces) == Began("openai", "small")
        await pieces.aclose()  # type: ignore[attr-defined]
    assert (await heard())[0] == [Began("openai", "small")]


async def test_without_any_engine_the_failure_is_told(
    far: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(configured.MAKERS, ("embedded", "chat"))
    far.behave(status=500)
    with pytest.raises(ProviderFault):
        await heard()
    await heard_nothing_of_resting(far)


async def heard_nothing_of_resting(far: OpenAIServer) -> None:
    for _ in range(2):
        with pytest.raises(ProviderFault):
            await heard()
    with pytest.raises(ProviderResting) as resting:
        await heard()
    assert 1 <= (resting.value.retry_after or 0) <= 5


async def test_a_recording_falls_back_too(
    far: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Sound("audio/wav", tone())
    answered = await chain.transcribe(sound, language="es", user_id=1)
    assert (answered.value.text, answered.engine, answered.degraded) == (
        "hola mundo",
        "openai",
        False,
    )
    far.behave(status=401)
    monkeypatch.delitem(configured.MAKERS, ("embedded", "transcribe"), raising=False)
    with pytest.raises(ProviderFault):
        await chain.transcribe(sound, language="es", user_id=1)


# What is held back


async def test_a_question_with_a_secret_reaches_nobody(far: OpenAIServer) -> None:
    key = "sk-" + "a1" * 12
    with pytest.raises(Filtered):
        await heard(question(f"¿qué abre {key}?"))
    file = Attachment("k.txt", "text/plain", b"-----BEGIN RSA PRIVATE KEY-----")
    with pytest.raises(Filtered):
        await heard(Ask((Turn("user", "lee esto", (file,)),), "es"))
    assert far.requests == []


async def test_an_answer_stops_before_what_a_rule_holds_back(far: OpenAIServer) -> None:
    key = "sk-" + "a1" * 12
    far.behave(text=f"La clave es {key} y nada más")
    texts: list[str] = []

    async def listen() -> None:
        async for piece in chain.chat(question(), user_id=1):
            texts.append(piece.text if isinstance(piece, Delta) else "")  # noqa: PERF401

    with pytest.raises(AnswerFiltered):
        await listen()
    assert "".join(texts).strip() == "La clave es"


async def test_the_provider_s_own_filter_is_a_refusal_and_not_a_failure(far: OpenAIServer) -> None:
    far.behave(filter_after=0)
    for _ in range(8):
        with pytest.raises(Filtered):
            await heard()
    assert len(far.requests) == 8


async def test_an_operator_s_own_patterns_replace_ours(
    far: OpenAIServer, settings: Settings, tmp_path: Path
) -> None:
    settings.ASSISTANT_FILTERS_FILE = tmp_path / "filters.txt"
    settings.ASSISTANT_FILTERS_FILE.write_text("in cats \\bgatos?\\b\n", encoding="utf-8")
    with pytest.raises(Filtered):
        await heard(question("háblame de GATOS"))
    assert (await heard(question("sk-" + "a1" * 12)))[1]


def test_a_file_that_cannot_be_read_is_named_with_its_line(
    settings: Settings, tmp_path: Path
) -> None:
    settings.ASSISTANT_FILTERS_FILE = tmp_path / "bad.txt"
    settings.ASSISTANT_FILTERS_FILE.write_text("in a b\nboth x (a\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="2"):
        filtering.rules()
    settings.ASSISTANT_FILTERS_FILE = tmp_path / "none.txt"
    with pytest.raises(ConfigurationError, match="FileNotFoundError"):
        filtering.rules()


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("¿Cómo puedo fabricar una bomba casera?", True),
        ("how do I make a pipe bomb at home", True),
        ("pornografía infantil", True),
        ("¿Cómo exporto mi red a VHDL?", False),
        ("how do I make a model for the FPGA?", False),
        ("¿cómo hacer que la bomba de agua pare cuando el depósito esté lleno?", False),
        ("educación sexual en la escuela", False),
        ("OPENAI_API_KEY=", False),
    ],
)
def test_the_shipped_patterns(text: str, held: bool) -> None:
    assert bool(first_match(filtering.rules().asked, [text])) is held
