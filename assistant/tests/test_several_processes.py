"""Two web processes on PostgreSQL and Redis: an answer of one is stopped, heard and taken up by the
other."""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson
import pytest

from assistant.tests.resuming import Listener, Stand
from sessions_app.tests.servers import KEYS, log_in
from tests.services.databases import DatabaseServer
from tests.services.fixtures import Serve
from tests.services.openai_server import OpenAIServer

pytestmark = [pytest.mark.server, pytest.mark.database]


@dataclass
class Pair:
    """The same user at two processes of one product."""

    one: Stand
    other: Stand


@pytest.fixture
def pair(serve: Serve, postgresql: DatabaseServer, redis_url: str) -> Iterator[Pair]:
    with OpenAIServer() as far:
        far.behave(delay_s=0.03)
        common = {"DATABASE_URL": postgresql.create("assistant"), "REDIS_URL": redis_url, **KEYS}
        settings = common | {"OPENAI_BASE_URL": far.base_url, "OPENAI_CHAT_MODEL": "small"}
        first, second = serve(**settings), serve(**settings)
        (login,) = log_in(first)
        one = Stand(first, far, login.token, random.Random(1))
        yield Pair(one, replace(one, server=second))


def test_an_answer_is_heard_stopped_and_taken_up_at_another_process(pair: Pair) -> None:
    heard_where_it_is_not_written(pair)
    assert min(stopped_where_it_is_not_written(pair) for _ in range(3)) < 0.2
    taken_up_after_a_pause(pair)
    taken_up_after_a_kill(pair)


def heard_where_it_is_not_written(pair: Pair) -> None:
    with pair.one.line() as line:
        first = pair.one.ask(line)
        second = Listener(first.answer, first.conversation)
        pair.other.resume(second)
        first.read(line)
    pair.one.check(first, second)
    assert second.deltas > 3  # as it was written, not at its end


def stopped_where_it_is_not_written(pair: Pair) -> float:
    """Seconds from the wish to the last frame at the process that wrote."""
    with pair.one.line() as line, pair.other.line() as far_line:
        heard = pair.one.ask(line)
        began = time.monotonic()
        far_line.send(orjson.dumps({"type": "stop", "id": heard.answer}).decode())
        heard.read(line)
        took = time.monotonic() - began
        other = Listener(heard.answer, heard.conversation)
        while other.last is None:
            frame = orjson.loads(far_line.recv(timeout=10))
            other.last = frame if frame["type"] == "text" else None
    assert heard.last is not None
    assert heard.last["state"] == "stopped"
    assert heard.last == other.last
    assert heard.text == heard.last["text"] == pair.one.kept(heard)["text"]
    full = pair.one.far.answers[-1].full
    assert full.startswith(heard.text)
    assert len(heard.text) < len(full)
    return took


def taken_up_after_a_pause(pair: Pair) -> None:
    """The first process sleeps past its lease, and finds its answer in other hands."""
    process = pair.one.server.process
    assert process is not None
    with pair.one.line() as line:
        first = pair.one.ask(line)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            second = Listener(first.answer, first.conversation)
            pair.other.resume(second)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        first.read(line)
    pair.other.check(first, second)


def taken_up_after_a_kill(pair: Pair) -> None:
    """A process of the same machine is known to be dead before its lease ends."""
    with pair.one.line() as line:
        heard = pair.one.ask(line)
        pair.one.server.kill()
    began = time.monotonic()
    pair.other.resume(heard)
    assert time.monotonic() - began < 8
    pair.other.check(heard)
