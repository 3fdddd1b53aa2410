"""Answers that are cut at a random delta, by a line, a reload or a killed server, and go on.

Each round asks a real server, which asks a provider over real HTTP; the provider keeps its own
transcript, and what the client put together must be that, character for character.
"""

import contextlib
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sessions_app.tests.servers import call
from tests.services.openai_server import OpenAIServer
from tests.services.server import Server

PATIENCE = 30.0  # seconds without a frame


@dataclass
class Listener:
    """A client's side of one answer: what it heard, put together as a page does."""

    answer: str = ""
    conversation: str = ""
    text: str = ""
    deltas: int = 0
    last: dict[str, Any] | None = None
    kinds: list[str] = field(default_factory=list)

    def hear(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        self.kinds.append(kind)
        if kind == "accepted":
            self.answer, self.conversation = frame["answer"], frame["conversation"]
        elif kind == "delta":
            assert frame["at"] == len(self.text), (frame["at"], len(self.text))
            self.text += frame["text"]
            self.deltas += 1
        elif kind in {"text", "error"}:
            self.last = frame

    def read(self, line: ClientConnection, *, deltas: int | None = None) -> None:
        """To the end of the answer, or until so many deltas more have come."""
        until = None if deltas is None else self.deltas + deltas
        while self.last is None and (until is None or self.deltas < until):
            self.hear(orjson.loads(line.recv(timeout=PATIENCE)))


@dataclass
class Stand:
    """A server, the provider that it asks, and a signed-in client."""

    server: Server
    far: OpenAIServer
    token: str
    chance: random.Random
    asked: int = 0

    @contextlib.contextmanager
    def line(self) -> Iterator[ClientConnection]:
        """A socket that is closed abruptly at the end, as by a lost network."""
        with connect(
            f"{self.server.ws_url}/ws/chat",
            subprotocols=["bearer", self.token],  # type: ignore[list-item]
            close_timeout=0.1,
        ) as made:
            assert orjson.loads(made.recv(timeout=PATIENCE))["type"] == "connected"
            try:
                yield made
            finally:
                with contextlib.suppress(OSError):
                    made.socket.shutdown(socket.SHUT_RDWR)

    def ask(self, line: ClientConnection) -> Listener:
        """Ask, and hear some of the answer: a random number of deltas. On a machine that is held
        up they may be all there are; then nothing is cut, and it is asked again."""
        message = {"type": "text", "text": "Cuéntame algo.", "conversation": None}
        for _ in range(5):
            line.send(orjson.dumps(message).decode())
            self.asked += 1
            heard = Listener()
            heard.read(line, deltas=self.chance.randint(1, 10))
            if heard.last is None:
                return heard
        raise AssertionError("the provider is too quick: nothing can be cut")

    def resume(self, heard: Listener) -> None:
        with self.line() as line:
            message = {"type": "resume", "id": heard.answer, "at": len(heard.text)}
            line.send(orjson.dumps(message).decode())
            heard.read(line)

    def kept(self, heard: Listener) -> dict[str, Any]:
        """The answer's message as the API tells it."""
        path = f"/api/v1/assistant/conversations/{heard.conversation}/messages/{heard.answer}"
        status, body = call(self.server, "GET", path, token=self.token)
        assert status == 200, body
        return dict(body)

    def check(self, *heards: Listener) -> None:
        """All heard, and the row keeps, what the provider says that it said."""
        full = self.far.answers[-1].full
        for heard in heards:
            assert heard.last is not None
            assert heard.last["state"] == "done", heard.last
            assert heard.text == full
            assert heard.last["text"] == full
            assert self.kept(heard)["text"] == full


def dropped(stand: Stand) -> None:
    """The line is lost; the client comes back and asks for the rest."""
    with stand.line() as line:
        heard = stand.ask(line)
    time.sleep(stand.chance.uniform(0, 0.2))
    stand.resume(heard)
    stand.check(heard)


def reloaded(stand: Stand) -> None:
    """The page is loaded anew, or a second tab opens: both begin with what the API tells."""
    with stand.line() as line:
        first = stand.ask(line)
        if stays := stand.chance.random() < 0.5:
            second = Listener(first.answer, first.conversation, stand.kept(first)["text"])
            assert second.text.startswith(first.text) or first.text.startswith(second.text)
            stand.resume(second)
            first.read(line)
    if not stays:
        second = Listener(first.answer, first.conversation, stand.kept(first)["text"])
        assert second.text.startswith(first.text)
        stand.resume(second)
    stand.check(*([first, second] if stays else [second]))


def restarted(stand: Stand, *, kill: bool = True) -> None:
    """The server dies in mid-answer and starts again; nobody asks for the answer meanwhile."""
    stand.far.behave(delay_s=0.02, repeats=stand.chance.random() < 0.5)
    with stand.line() as line:
        heard = stand.ask(line)
        _ = stand.server.kill() if kill else stand.server.stop()
        with contextlib.suppress(ConnectionClosed):
            while True:  # what was on its way counts as heard
                heard.hear(orjson.loads(line.recv(timeout=PATIENCE)))
    assert heard.last is None
    before = len(stand.far.answers)
    stand.server.start()
    stand.resume(heard)
    assert len(stand.far.answers) == before + 1  # taken up once
    stand.far.behave(delay_s=0.02)
    stand.check(heard)
