"""The provider of the OpenAI API against a server that speaks it over real sockets."""

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from assistant.core.going_on import GoingOn
from assistant.providers.base import (
    Ask,
    Attachment,
    Delta,
    Filtered,
    ProviderBusy,
    ProviderFault,
    ProviderRefused,
    Sound,
    Source,
    Tool,
    ToolUsed,
    Turn,
)
from assistant.providers.faults import ProviderLocked
from assistant.providers.openai import OpenAI
from tests.services.far_server import until
from tests.services.openai_server import OpenAIServer, tone

KEY = "sk-canary-0123456789"


def provider(far: OpenAIServer) -> OpenAI:
    return OpenAI("small", far.base_url, KEY)


def ask(text: str = "hola", **more: Any) -> Ask:
    return Ask((Turn("user", text),), "es", **more)


async def pieces(stream: AsyncIterator[Any]) -> list[Any]:
    return [piece async for piece in stream]


async def text_of(stream: AsyncIterator[Any]) -> str:
    return "".join([piece.text async for piece in stream if isinstance(piece, Delta)])


async def test_an_answer_comes_delta_by_delta_as_the_server_sent_it(
    far_openai: OpenAIServer,
) -> None:
    got = await pieces(provider(far_openai).stream(ask()))
    (answer,) = far_openai.answers
    assert len(got) > 40
    assert "".join(piece.text for piece in got) == answer.sent == answer.full
    assert (answer.model, answer.asked[-1]) == ("small", {"role": "user", "content": "hola"})
    assert "Spanish" in answer.asked[0]["content"]


async def test_a_picture_goes_along_as_a_data_url_and_a_file_as_text(
    far_openai: OpenAIServer,
) -> None:
    picture = Attachment("a.png", "image/png", b"\x89PNG")
    file = Attachment("n.txt", "text/plain", "año".encode())
    turn = Turn("user", "¿qué ves?", (picture, file))
    await pieces(provider(far_openai).stream(Ask((turn,), "es")))
    text, seen, read = far_openai.answers[0].asked[-1]["content"]
    assert text == {"type": "text", "text": "¿qué ves?"}
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert seen == {"type": "image_url", "image_url": {"url": url}}
    assert read == {"type": "text", "text": "File n.txt:\naño"}


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("kept", [1, 17, 200])
async def test_a_cut_answer_goes_on_without_loss_or_repetition(
    far_openai: OpenAIServer, kept: int, repeats: bool
) -> None:
    full = await text_of(provider(far_openai).stream(ask()))
    far_openai.behave(repeats=repeats)
    rest = await text_of(provider(far_openai).stream(ask(said=full[:kept])))
    assert full[:kept] + rest == full
    assert far_openai.answers[-1].start == (0 if repeats else kept)


@pytest.mark.parametrize(
    ("said", "deltas", "new"),
    [
        ("Hola a ", ["todos"], "todos"),
        ("Hola a ", ["Ho", "la", " a ", "to", "dos"], "todos"),
        ("Hola a ", ["Ho", "mbre"], "Hombre"),
        ("Hola a ", ["\nHola a todos"], "todos"),
        ("", ["Hola"], "Hola"),
        ("Hola a ", ["Hola"], "Hola"),  # ended there: too short to be taken for a repetition
        ("Hola a todos los que están", ["Hola a todos los"], ""),
    ],
)
def test_what_is_said_again_is_left_out(said: str, deltas: list[str], new: str) -> None:
    going_on = GoingOn(said)
    assert "".join(map(going_on.feed, deltas)) + going_on.finish() == new


@pytest.mark.parametrize(
    ("switches", "fault"),
    [
        ({"status": 400}, ProviderRefused),
        ({"status": 401}, ProviderLocked),
        ({"status": 404}, ProviderLocked),
        ({"status": 429, "retry_after": "7"}, ProviderBusy),
        ({"status": 500}, ProviderFault),
        ({"body": '{"choices": [', "content_type": "application/json"}, ProviderFault),
        ({"body": "<html><body>Hello</body></html>", "content_type": "text/html"}, ProviderFault),
        ({"body": 'data: {"choices": 3}\n\n', "content_type": "text/event-stream"}, ProviderFault),
        ({"body": "data: [[1]]\n\n", "content_type": "text/event-stream"}, ProviderFault),
        ({"body": 'data: {"error": {"message": "no"}}\n\n'}, ProviderFault),
        ({"cut_after": 0}, ProviderFault),
        ({"cut_after": 5}, ProviderFault),
        ({"bad_after": 5}, ProviderFault),
        ({"filter_after": 2}, Filtered),
    ],
)
async def test_every_failure_is_one_of_ours_and_says_no_secret(
    far_openai: OpenAIServer,
    switches: dict[str, Any],
    fault: type[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    far_openai.behave(**switches)
    with pytest.raises(fault) as raised:
        await pieces(provider(far_openai).stream(ask()))
    assert type(raised.value) is fault
    assert raised.value.__cause__ is None
    assert "canary" not in caplog.text + repr(raised.value) + repr(provider(far_openai))
    if fault is ProviderBusy:
        assert raised.value.retry_after == 7  # type: ignore[attr-defined]


async def test_what_came_before_a_cut_is_kept(far_openai: OpenAIServer) -> None:
    far_openai.behave(cut_after=5)
    got: list[str] = []

    async def listen() -> None:
        async for piece in provider(far_openai).stream(ask()):
            assert isinstance(piece, Delta)
            got.append(piece.text)

    with pytest.raises(ProviderFault):
        await listen()
    assert "".join(got) == far_openai.answers[0].sent
    assert len(got) == 5


@pytest.mark.parametrize("switches", [{"hang": True}, {"hang_after": 3}])
async def test_a_server_sees_within_200_ms_that_nobody_listens_any_more(
    far_openai: OpenAIServer, switches: dict[str, Any]
) -> None:
    far_openai.behave(**switches)
    task = asyncio.create_task(pieces(provider(far_openai).stream(ask())))
    await until(lambda: bool(far_openai.answers))
    await asyncio.sleep(0.1)
    task.cancel()
    at = time.monotonic()
    await asyncio.wait([task])
    await until(lambda: far_openai.answers[0].gone_at is not None)
    assert (far_openai.answers[0].gone_at or 0) - at < 0.2


def a_tool(seen: list[Mapping[str, Any]]) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        seen.append(arguments)
        if "n" not in arguments:
            raise ValueError("n is missing")
        return {"count": 3, "sources": [{"title": "Camera", "url": "/camara/"}]}

    return Tool("count_predictions", "How many.", {"type": "object"}, run)


async def test_a_model_s_call_of_a_tool_is_run_and_told_to_it(far_openai: OpenAIServer) -> None:
    seen: list[Mapping[str, Any]] = []
    far_openai.behave(calls=[["count_predictions", '{"n": 2}']])
    got = await pieces(provider(far_openai).stream(ask(tools=(a_tool(seen),))))
    assert seen == [{"n": 2}]
    assert got[:2] == [ToolUsed("count_predictions"), Source("Camera", "/camara/")]
    asked = far_openai.answers[0].asked
    assert asked[-2]["tool_calls"][0]["function"]["name"] == "count_predictions"
    assert json.loads(asked[-1]["content"])["count"] == 3
    assert asked[-1]["tool_call_id"] == asked[-2]["tool_calls"][0]["id"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (["count_predictions", "{}"], "n is missing"),
        (["count_predictions", "[1]"], "not a JSON object"),
        (["count_predictions", '{"n":'], "Expecting value"),
        (["drop_tables", "{}"], "no tool drop_tables"),
    ],
)
async def test_a_model_that_asks_wrongly_is_told_so(
    far_openai: OpenAIServer, call: list[str], told: str
) -> None:
    far_openai.behave(calls=[call])
    await pieces(provider(far_openai).stream(ask(tools=(a_tool([]),))))
    assert told in json.loads(far_openai.answers[0].asked[-1]["content"])["error"]


async def test_a_tool_s_own_fault_does_not_end_the_answer(far_openai: OpenAIServer) -> None:
    async def run(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("canary")

    far_openai.behave(calls=[["broken", "{}"]])
    tool = Tool("broken", "Breaks.", {"type": "object"}, run)
    assert await text_of(provider(far_openai).stream(ask(tools=(tool,))))
    assert json.loads(far_openai.answers[0].asked[-1]["content"]) == {"error": "the tool failed"}


async def test_a_server_that_knows_no_tools_is_asked_without_them(
    far_openai: OpenAIServer,
) -> None:
    far_openai.behave(status=400, times=1)
    assert await text_of(provider(far_openai).stream(ask(tools=(a_tool([]),))))
    sent = [json.loads(body) for _path, _headers, body in far_openai.requests]
    assert ["tools" in one for one in sent] == [True, False]


async def test_a_recording_is_written_down(far_openai: OpenAIServer) -> None:
    heard = await provider(far_openai).transcribe(Sound("audio/wav", tone()), language="es")
    assert (heard.text, heard.language) == ("hola mundo", "es")
    _path, headers, body = far_openai.requests[0]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert b'filename="sound.wav"' in body


async def test_a_text_is_spoken(far_openai: OpenAIServer) -> None:
    sound = await provider(far_openai).speak("hola", language="es", voice="", speed=1.5)
    assert (sound.media_type, sound.data) == ("audio/wav", tone())
    asked = json.loads(far_openai.requests[0][2])
    assert (asked["input"], asked["voice"], asked["speed"]) == ("hola", "alloy", 1.5)


async def test_a_page_instead_of_speech_is_a_fault(far_openai: OpenAIServer) -> None:
    far_openai.behave(body="<html></html>", content_type="text/html")
    with pytest.raises(ProviderFault):
        await provider(far_openai).speak("hola", language="es", voice="", speed=1.0)
    with pytest.raises(ProviderFault):
        await provider(far_openai).transcribe(Sound("audio/wav", tone()), language="es")
