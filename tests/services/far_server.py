"""A small HTTP server in a thread of the test: real sockets, hangs and cuts whenever it is told.

It sees when its client goes away, even while it says nothing.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self

MOST_BODY = 64 * 2**20


class Cut(Exception):
    """The connection is to be broken now, without an end."""


class Exchange:
    """One request and the ways to answer it; every connection serves one."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes
    ) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _version = first.split(" ", 2)
        self.path = self.target.split("?")[0]
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        self.headers = {name.strip().lower(): value.strip() for name, value in pairs}
        self.body = body
        self.gone_at: float | None = None  # time.monotonic() at which the client left
        self._reader, self._writer = reader, writer
        self._chunked = False
        self._watch = asyncio.create_task(self._notice())
        self.gone = asyncio.Event()

    def json(self) -> Any:
        return json.loads(self.body)

    async def answer(
        self,
        body: bytes | str | Mapping[str, Any] | list[Any],
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        data = body if isinstance(body, bytes) else _text(body).encode()
        more = {"Content-Type": content_type, "Content-Length": str(len(data)), **(headers or {})}
        self._head(status, more)
        self._writer.write(data)
        await self._writer.drain()

    async def begin(self, content_type: str = "text/event-stream") -> None:
        """A body of unknown length follows, chunk by chunk."""
        self._chunked = True
        self._head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})
        await self._writer.drain()

    async def chunk(self, data: str | bytes) -> None:
        """Raises `Cut` when the client has left."""
        if self.gone.is_set():
            raise Cut
        raw = data.encode() if isinstance(data, str) else data
        self._writer.write(b"%x\r\n%s\r\n" % (len(raw), raw))
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def hang(self) -> None:
        """Say nothing until the client leaves."""
        await self.gone.wait()
        raise Cut

    async def pause(self, seconds: float) -> None:
        """Raises `Cut` when the client leaves meanwhile."""
        if seconds <= 0:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.gone.wait(), seconds)
            raise Cut

    def close(self, *, abruptly: bool) -> None:
        self._watch.cancel()
        if abruptly:
            self._writer.transport.abort()
        self._writer.close()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} It", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def _notice(self) -> None:
        with suppress(OSError):
            while await self._reader.read(4096):
                """Nothing more is expected of the client."""
        self.gone_at = time.monotonic()
        self.gone.set()


class FarServer:
    """Answers at `url` from `start` to `stop`; a subclass says how in `handle`."""

    def __init__(self) -> None:
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._up = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, exchange: Exchange) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(10):
            raise TimeoutError("the far server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        for writer in self._writers:
            writer.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
            body = await _body(reader, head)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        exchange = Exchange(reader, writer, head, body)
        abruptly = True
        try:
            with suppress(Cut, OSError):
                await self.handle(exchange)
                abruptly = False
        finally:
            exchange.close(abruptly=abruptly)


async def until(true: Callable[[], bool], *, seconds: float = 5) -> None:
    """Raises `TimeoutError` when it does not come true in time."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit:
            raise TimeoutError
        await asyncio.sleep(0.005)


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readline()
        return b"".join(parts)
    for line in lowered.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(min(int(line.split(b":")[1]), MOST_BODY))
    return b""


def _text(body: str | Mapping[str, Any] | list[Any]) -> str:
    return body if isinstance(body, str) else json.dumps(body)
