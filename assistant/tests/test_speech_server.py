"""A recording that is being heard does not hold up the stop of its server."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from assistant.core.sound import as_pcm, as_wav, read_wav, resampled
from assistant.tests.speech import spoken
from tests.services.network import wait_until
from tests.services.server import Server

pytestmark = pytest.mark.server
PASSWORD = "una-frase-larga-y-rara-42"


def engines_of(pid: int) -> list[int]:
    """The processes of engines that the server's threads began."""
    begun = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for path in begun for child in path.read_text().split()]
    return [
        child
        for child in children
        if b"speech_child" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_a_stop_ends_the_engine_too(server: Server) -> None:
    words = as_pcm(resampled(read_wav(spoken(), most_seconds=9), 16_000))
    long = as_wav(words * (110 * 32_000 // len(words)), 16_000)
    login = {"username": "ana", "password": PASSWORD}
    with httpx2.Client(base_url=server.url, timeout=120, trust_env=False) as http:
        http.post("/api/v1/auth/register", json=login)
        token = http.post("/api/v1/auth/login", json=login).json()["access_token"]

    def transcribe() -> int:
        with httpx2.Client(base_url=server.url, timeout=120, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "audio/wav"}
            path = "/api/v1/assistant/transcribe?language=en"
            return client.post(path, content=long, headers=headers).status_code

    assert server.process
    pid = server.process.pid
    with ThreadPoolExecutor(1) as apart:
        asked = apart.submit(transcribe)
        wait_until(lambda: bool(engines_of(pid)), seconds=30, what="the engine hears")
        (engine,) = engines_of(pid)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 12
        with pytest.raises(ProcessLookupError):
            os.kill(engine, 0)
        assert asked.exception(30) is not None or asked.result() >= 500
