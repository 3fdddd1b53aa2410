"""A server that speaks the OpenAI API, and fails in every way that a test wants to see.

    with OpenAIServer() as far:
        serve(OPENAI_BASE_URL=far.base_url, OPENAI_CHAT_MODEL="small")
        far.behave(cut_after=3, times=1)      # the next chat is cut after three deltas
        ...
        assert far.answers[-1].sent == "what went out"

`POST /control` takes the same names as `behave` in JSON, for a test in another process;
`GET /control` tells the answers.
"""

import asyncio
import io
import json
import re
import struct
import time
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.services.far_server import Cut, Exchange, FarServer

WORDS = ["una", "respuesta", "va", "palabra", "por", "palabra", "y", "se", "corta", "donde", "sea"]


@dataclass
class Behaviour:
    """How the server answers; all as a healthy one when nothing is set."""

    status: int = 200  # 400, 401, 404, 429, 500: an error in the API's own form
    retry_after: str = ""  # header of an error
    body: str | None = None  # sent as it is, such as half a JSON or a page
    content_type: str = "application/json"  # of `body`
    hang: bool = False  # before the first byte
    hang_after: int | None = None  # deltas
    cut_after: int | None = None  # deltas
    bad_after: int | None = None  # deltas; then a line that is no JSON, and the end
    delay_s: float = 0.0  # before each delta
    filter_after: int | None = None  # deltas; then the answer ends as content_filter
    repeats: bool = False  # an answer that is to go on starts again instead
    text: str | None = None  # what is answered; else about sixty numbered words
    calls: list[list[str]] = field(default_factory=list)  # [name, arguments] of tools to call first
    whole: bool = False  # the text in one delta
    times: int | None = None  # chats that it lasts for; none is for ever
    paths: str = ""  # a pattern of the paths that it is for; empty is all


@dataclass
class Answer:
    """One chat answer: what it is as a whole, and what went out before its end."""

    asked: list[dict[str, Any]] = field(repr=False)  # the messages
    model: str
    full: str  # from its first character, even if it goes on after an earlier one
    start: int = 0  # characters of `full` that the client had
    sent: str = ""  # of this request alone
    finished: bool = False
    began_at: float = field(default_factory=time.monotonic)
    gone_at: float | None = None  # time.monotonic() at which the client left early


class OpenAIServer(FarServer):
    """Chat (streamed and whole, tools, pictures), transcription, speech, models."""

    def __init__(self, *, key: str = "") -> None:
        super().__init__()
        self.key = key  # when set, another one is refused with 401
        self.behaviour = Behaviour()
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []  # path, headers, body
        self.heard = "hola mundo"  # what a transcription says

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def behave(self, **switches: Any) -> None:
        """From now on; nothing named is healthy again."""
        self.behaviour = Behaviour(**switches)

    async def handle(self, exchange: Exchange) -> None:
        if exchange.path == "/control":
            await self._control(exchange)
            return
        self.requests.append((exchange.path, exchange.headers, exchange.body))
        now = self._behaviour_now(exchange.path)
        if self.key and exchange.headers.get("authorization") != f"Bearer {self.key}":
            await _refuse(exchange, 401, "Incorrect API key provided", "invalid_api_key")
        elif now.hang:
            await self._hang(exchange)
        elif now.status != 200:
            headers = {"Retry-After": now.retry_after} if now.retry_after else None
            await _refuse(exchange, now.status, "told to fail", "told", headers)
        elif now.body is not None:
            await exchange.answer(now.body, content_type=now.content_type)
        elif exchange.path == "/v1/models":
            data = [{"id": "small", "object": "model", "created": 1, "owned_by": "tests"}]
            await exchange.answer({"object": "list", "data": data})
        elif exchange.path == "/v1/chat/completions":
            await self._chat(exchange, now)
        elif exchange.path == "/v1/audio/transcriptions":
            await exchange.pause(now.delay_s)
            await exchange.answer({"text": self.heard, "language": "spanish", "duration": 1.5})
        elif exchange.path == "/v1/audio/speech":
            await exchange.pause(now.delay_s)
            await exchange.answer(tone(), content_type="audio/wav")
        elif not await self.other(exchange, now):
            await _refuse(exchange, 404, "no such path", "not_found")

    async def other(self, exchange: Exchange, now: Behaviour) -> bool:
        """Whether a path of a subclass was answered."""
        return False

    def _behaviour_now(self, path: str) -> Behaviour:
        now = self.behaviour
        if not re.search(now.paths, path):
            return Behaviour()
        if now.times is not None:
            if now.times <= 0:
                self.behaviour = Behaviour()
                return self.behaviour
            now.times -= 1
        return now

    async def _control(self, exchange: Exchange) -> None:
        if exchange.method == "POST":
            self.behave(**exchange.json())
        await exchange.answer([asdict(answer) for answer in self.answers])

    async def _hang(self, exchange: Exchange) -> None:
        if exchange.path.endswith("/completions"):
            asked = exchange.json()
            answer = Answer(asked["messages"], asked["model"], "")
            self.answers.append(answer)
            await exchange.gone.wait()
            answer.gone_at = exchange.gone_at
        await exchange.hang()

    async def _chat(self, exchange: Exchange, now: Behaviour) -> None:
        asked = exchange.json()
        messages = asked["messages"]
        if now.calls and asked.get("tools") and messages[-1]["role"] == "user":
            await _call_tools(exchange, asked, now)
            return
        answer = self._answer(messages, asked["model"], now)
        self.answers.append(answer)
        try:
            if asked.get("stream"):
                await self._stream(exchange, answer, now)
            else:
                await exchange.pause(now.delay_s)
                answer.sent = answer.full[answer.start :]
                await exchange.answer(_whole(answer, now))
            answer.finished = True
        finally:
            if exchange.gone.is_set() and not answer.finished:
                answer.gone_at = exchange.gone_at

    def _answer(self, messages: list[dict[str, Any]], model: str, now: Behaviour) -> Answer:
        said = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        known = (one.full for one in reversed(self.answers) if said and one.full.startswith(said))
        number = len(self.answers)
        full = next(known, None) or (now.text if now.text is not None else numbered(number))
        start = len(said) if full.startswith(said) and not now.repeats else 0
        return Answer(messages, model, full, start)

    async def _stream(self, exchange: Exchange, answer: Answer, now: Behaviour) -> None:
        await exchange.begin()
        await exchange.chunk(_event(answer.model, {"role": "assistant", "content": ""}))
        for number, piece in enumerate(_pieces(answer.full[answer.start :], whole=now.whole)):
            await self._trouble(exchange, now, number)
            if number == now.filter_after:
                await exchange.chunk(_event(answer.model, {}, finish="content_filter"))
                break
            await exchange.pause(now.delay_s)
            await exchange.chunk(_event(answer.model, {"content": piece}))
            answer.sent += piece
        else:
            await exchange.chunk(_event(answer.model, {}, finish="stop"))
        await exchange.chunk("data: [DONE]\n\n")
        await exchange.end()

    async def _trouble(self, exchange: Exchange, now: Behaviour, number: int) -> None:
        if number == now.hang_after:
            await exchange.hang()
        if number == now.bad_after:
            await exchange.chunk('data: {"choices": [{"delta"\n\n')
        if number in {now.cut_after, now.bad_after}:
            await asyncio.sleep(0.02)  # or the end could overtake what was written before
            raise Cut


async def _refuse(
    exchange: Exchange, status: int, message: str, code: str, headers: dict[str, str] | None = None
) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    await exchange.answer({"error": error}, status=status, headers=headers)


async def _call_tools(exchange: Exchange, asked: dict[str, Any], now: Behaviour) -> None:
    """The calls of `now.calls`, their arguments in two pieces when streamed."""
    calls = [
        {
            "index": number,
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for number, (name, arguments) in enumerate(now.calls)
    ]
    if not asked.get("stream"):
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        await exchange.answer(_completion(asked["model"], message, "tool_calls"))
        return
    await exchange.begin()
    for call in calls:
        function: Any = call["function"]
        first = call | {"function": {"name": function["name"], "arguments": ""}}
        await exchange.chunk(_event(asked["model"], {"role": "assistant", "tool_calls": [first]}))
        text = function["arguments"]
        for part in (text[: len(text) // 2], text[len(text) // 2 :]):
            more = {"index": call["index"], "function": {"arguments": part}}
            await exchange.chunk(_event(asked["model"], {"tool_calls": [more]}))
    await exchange.chunk(_event(asked["model"], {}, finish="tool_calls"))
    await exchange.chunk("data: [DONE]\n\n")
    await exchange.end()


def _whole(answer: Answer, now: Behaviour) -> dict[str, Any]:
    finish = "stop" if now.filter_after is None else "content_filter"
    message = {"role": "assistant", "content": answer.sent}
    return _completion(answer.model, message, finish)


def _completion(model: str, message: dict[str, Any], finish: str) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    return head | {"choices": [choice], "usage": usage}


def _event(model: str, delta: dict[str, Any], *, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return f"data: {json.dumps(head | {'choices': [choice]})}\n\n"


def _pieces(text: str, *, whole: bool) -> Iterator[str]:
    """Words with the white space after them: joined they are the text."""
    yield from [text] if whole else re.findall(r"\s*\S+\s?|\s+", text)


def numbered(number: int) -> str:
    """A text without repetition, so that a loss or a repetition shows; Spanish letters too."""
    words = (f"{word}{number}-{place}" for place, word in enumerate(WORDS * 5))
    return "Respuesta número " + " ".join(words) + ". ¡Fin! 🙂"


def tone() -> bytes:
    """A tenth of a second of sound as WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(struct.pack("<800h", *([0, 9000, 0, -9000] * 200)))
    return out.getvalue()
