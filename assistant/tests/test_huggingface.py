"""Hugging Face's provider against a server that speaks its API over real sockets."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from assistant.providers.base import (
    Ask,
    Delta,
    Filtered,
    Found,
    ProviderBusy,
    ProviderFault,
    ProviderRefused,
    Sound,
    Tool,
    ToolUsed,
    Turn,
)
from assistant.providers.faults import ProviderLocked
from assistant.providers.huggingface import HuggingFace
from tests.services.far_server import until
from tests.services.huggingface_server import HuggingFaceServer
from tests.services.openai_server import tone

KEY = "hf_canary0123456789"
PNG = b"\x89PNG\r\n\x1a\n0000"


def provider(far: HuggingFaceServer, model: str = "small") -> HuggingFace:
    return HuggingFace(model, far.url, KEY)


async def text_of(far: HuggingFaceServer, **more: Any) -> str:
    ask = Ask((Turn("user", "hola"),), "es", **more)
    pieces = [one async for one in provider(far).stream(ask)]
    return "".join(one.text for one in pieces if isinstance(one, Delta))


async def test_a_chat_is_streamed_and_the_token_sent(far_huggingface: HuggingFaceServer) -> None:
    assert await text_of(far_huggingface) == far_huggingface.answers[0].full
    path, headers, body = far_huggingface.requests[0]
    assert (path, headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert json.loads(body)["model"] == "small"


@pytest.mark.parametrize("repeats", [False, True])
async def test_a_cut_answer_goes_on(far_huggingface: HuggingFaceServer, repeats: bool) -> None:
    full = await text_of(far_huggingface)
    far_huggingface.behave(repeats=repeats)
    assert full[:50] + await text_of(far_huggingface, said=full[:50]) == full


async def test_a_tool_is_run(far_huggingface: HuggingFaceServer) -> None:
    async def run(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"count": arguments["n"]}

    tool = Tool("count", "How many.", {"type": "object"}, run)
    far_huggingface.behave(calls=[["count", '{"n": 4}']])
    ask = Ask((Turn("user", "hola"),), "es", tools=(tool,))
    pieces = [one async for one in provider(far_huggingface).stream(ask)]
    assert pieces[0] == ToolUsed("count")
    assert json.loads(far_huggingface.answers[0].asked[-1]["content"]) == {"count": 4}


async def test_objects_are_found_with_their_places(far_huggingface: HuggingFaceServer) -> None:
    found = await provider(far_huggingface, "detect").detect(PNG)
    assert found == [Found("dog", 0.97, (10.0, 20.0, 100.0, 200.0))]
    path, headers, body = far_huggingface.requests[0]
    assert (path, headers["content-type"]) == ("/hf-inference/models/detect", "image/png")
    assert body == PNG


async def test_a_picture_is_described(far_huggingface: HuggingFaceServer) -> None:
    assert await provider(far_huggingface, "caption").caption(PNG, language="es") == (
        "a dog on a lawn"
    )


async def test_a_recording_is_written_down(far_huggingface: HuggingFaceServer) -> None:
    sound = Sound("audio/wav", tone())
    heard = await provider(far_huggingface, "hear").transcribe(sound, language="es")
    assert heard.text == "hola mundo"
    assert far_huggingface.requests[0][2] == tone()
    await provider(far_huggingface, "hear-whisper").transcribe(sound, language="es")
    told = json.loads(far_huggingface.requests[1][2])["parameters"]["generate_kwargs"]
    assert told["language"] == "spanish"


async def test_a_text_is_spoken(far_huggingface: HuggingFaceServer) -> None:
    speaker = provider(far_huggingface, "speak")
    sound = await speaker.speak("hola", language="es", voice="", speed=1.0)
    assert sound == Sound("audio/wav", tone())
    far_huggingface.said["speak"] = b"<html>"
    with pytest.raises(ProviderFault):
        await speaker.speak("hola", language="es", voice="", speed=1.0)


CALLS: dict[str, Callable[[HuggingFaceServer], Awaitable[Any]]] = {
    "chat": text_of,
    "detect": lambda far: provider(far, "detect").detect(PNG),
    "caption": lambda far: provider(far, "caption").caption(PNG, language="en"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("switches", "fault"),
    [
        ({"status": 400}, ProviderRefused),
        ({"status": 401}, ProviderLocked),
        ({"status": 404}, ProviderLocked),
        ({"status": 429, "retry_after": "7"}, ProviderBusy),
        ({"status": 503}, ProviderBusy),
        ({"status": 500}, ProviderFault),
        ({"body": '{"a":'}, ProviderFault),
        ({"body": "[]"}, None),
        ({"body": '[{"label": 3}]'}, ProviderFault),
        ({"body": "<html></html>", "content_type": "text/html"}, ProviderFault),
    ],
)
async def test_every_failure_is_one_of_ours_and_says_no_secret(
    far_huggingface: HuggingFaceServer,
    call: str,
    switches: dict[str, Any],
    fault: type[ProviderFault] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    far_huggingface.behave(**switches)
    if fault is None and call == "detect":
        assert await CALLS[call](far_huggingface) == []
        return
    with pytest.raises(ProviderFault) as raised:
        await CALLS[call](far_huggingface)
    assert type(raised.value) is (fault or ProviderFault)
    assert raised.value.__cause__ is None
    assert "canary" not in caplog.text + repr(raised.value) + repr(provider(far_huggingface))


@pytest.mark.parametrize("switches", [{"cut_after": 4}, {"bad_after": 4}])
async def test_a_stream_that_breaks_off_is_a_fault(
    far_huggingface: HuggingFaceServer, switches: dict[str, Any]
) -> None:
    far_huggingface.behave(**switches)
    with pytest.raises(ProviderFault):
        await text_of(far_huggingface)


async def test_its_own_filter_is_a_refusal(far_huggingface: HuggingFaceServer) -> None:
    far_huggingface.behave(filter_after=2)
    with pytest.raises(Filtered):
        await text_of(far_huggingface)


@pytest.mark.parametrize("switches", [{"hang": True}, {"hang_after": 3}])
async def test_the_server_sees_within_200_ms_that_nobody_listens(
    far_huggingface: HuggingFaceServer, switches: dict[str, Any]
) -> None:
    far_huggingface.behave(**switches)
    task = asyncio.create_task(text_of(far_huggingface))
    await until(lambda: bool(far_huggingface.answers))
    await asyncio.sleep(0.1)
    task.cancel()
    at = time.monotonic()
    await asyncio.wait([task])
    await until(lambda: far_huggingface.answers[0].gone_at is not None)
    assert (far_huggingface.answers[0].gone_at or 0) - at < 0.2
