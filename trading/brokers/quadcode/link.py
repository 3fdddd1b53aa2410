"""One connection: requests with their answers, events, the broker's time, signs of life."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from trading.brokers.base import BrokerUnreachable, Token, TokenExpired
from trading.brokers.quadcode import wire
from trading.brokers.quadcode.hosts import Hosts, Patience
from trading.brokers.quadcode.login import USER_AGENT
from trading.brokers.quadcode.wire import Frame

log = logging.getLogger(__name__)

LARGEST: Final = 16 * 2**20  # bytes of a frame: a catalogue may exceed the usual 1 MiB
BURST: Final = 10  # requests
EARLIEST, LATEST = 1_500_000_000_000, 4_102_444_800_000  # ms, 2017 to 2100: what a time can be
AUTHENTICATION: Final = "1"  # the request id of the first request


class NotSent(Exception):
    """The request did not leave: nothing can have come of it. Says why: not_connected, late."""


class NoAnswer(Exception):
    """It left, and nothing is known of what came of it."""


class Refused(Exception):
    """The broker said no. `status` is 0 where the request was not even routed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text


class _NoRedirect(connect):
    """A token goes to the host that the settings name, and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Link:
    """`on_event` is told of each event, `on_end` of the end, once, with its reason."""

    def __init__(
        self,
        hosts: Hosts,
        patience: Patience,
        *,
        on_event: Callable[[Frame], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._hosts, self._patience = hosts, patience
        self._on_event, self._on_end = on_event, on_end
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[str, tuple[asyncio.Future[Frame], bool]] = {}
        self._answering: set[asyncio.Task[None]] = set()  # or the loop forgets them
        self._free = 0.0  # when the next request may go
        self._number = 1
        self._offset: float | None = None  # the broker's seconds less our monotonic ones
        self._heard = time.monotonic()
        self._end_reason: str | None = None  # why we end it, if it is us
        self.ended = False

    # Opening

    async def open(self, token: Token) -> None:
        """Connect and authenticate. Raises `BrokerUnreachable` or `TokenExpired`."""
        headers = {"Cookie": f"platform={self._hosts.platform_id}"}
        try:
            self._socket = await _NoRedirect(
                self._hosts.ws_url,
                origin=self._hosts.origin,  # type: ignore[arg-type]
                additional_headers=headers,
                user_agent_header=USER_AGENT,
                max_size=LARGEST,
                compression=None,
                open_timeout=self._patience.opening,
                close_timeout=1,
                ping_interval=20,
                proxy=None,
                ssl=_certificates() if self._hosts.ws_url.startswith("wss:") else None,
                logger=_quiet,
            )
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError, EOFError) as error:
            raise BrokerUnreachable(type(error).__name__) from None
        try:
            await self._authenticate(self._socket, token)
        except BaseException:
            await self._socket.close()
            raise
        self._heard = time.monotonic()
        self._reader = asyncio.create_task(self._read(self._socket), name="quadcode reader")

    async def _authenticate(self, socket: ClientConnection, token: Token) -> None:
        msg = {
            "ssid": token.value.reveal(),
            "protocol": 3,
            "session_id": "",
            "client_session_id": "",
        }
        try:
            async with asyncio.timeout(self._patience.read):
                await socket.send(wire.write("authenticate", AUTHENTICATION, msg))
                async for text in socket:
                    if (frame := wire.read(text)) is None:
                        continue
                    if frame.name in {"authenticated", "authenticate"}:
                        if frame.msg is True:
                            return
                        raise TokenExpired
                    self._dispatch(frame)
        except TimeoutError:
            raise BrokerUnreachable("no answer to the token") from None
        except ConnectionClosed:
            raise BrokerUnreachable("closed before an answer to the token") from None
        raise TokenExpired  # an orderly close instead of an answer

    # Asking

    async def ask(
        self,
        name: str,
        version: str,
        body: object,
        *,
        seconds: float | None = None,
        not_after: float | None = None,
    ) -> Any:
        """The `msg` of the answer. Raises `NotSent`, `NoAnswer` or `Refused`.

        After `not_after` (of `time.monotonic()`) it is not sent; with it, it waits for no turn.
        """
        msg = {"name": name, "version": version, "body": body}
        patience = self._patience.read if seconds is None else seconds
        return await self._request("sendMessage", msg, seconds=patience, not_after=not_after)

    async def tell(self, name: str, version: str, body: object) -> None:
        """Ask for something whose only answer is that it was heard."""
        msg = {"name": name, "version": version, "body": body}
        await self._acknowledged("sendMessage", msg)

    async def subscribe(self, name: str, version: str, filters: dict[str, object]) -> None:
        msg = {"name": name, "version": version, "params": {"routingFilters": filters}}
        await self._acknowledged("subscribeMessage", msg)

    async def want_results(self) -> None:
        """Have the broker say of each request whether it was routed."""
        await self._acknowledged("setOptions", {"sendResults": True})

    async def _acknowledged(self, outer: str, msg: object) -> None:
        await self._request(outer, msg, seconds=self._patience.read, acknowledged=True)

    async def _request(
        self,
        outer: str,
        msg: object,
        *,
        seconds: float,
        acknowledged: bool = False,
        not_after: float | None = None,
    ) -> Any:
        if not_after is None:
            await self._pace()
        if self._socket is None or self.ended:
            raise NotSent("not_connected")
        if not_after is not None and time.monotonic() > not_after:
            raise NotSent("late")  # nothing is awaited from here to the send
        self._number += 1
        number = str(self._number)
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (future, acknowledged)
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send(wire.write(outer, number, msg))
                frame = await future
        except (TimeoutError, ConnectionClosed):
            raise NoAnswer from None
        finally:
            self._waiting.pop(number, None)
            _forget(future)
        if frame.name == "result":
            if not (isinstance(frame.msg, dict) and frame.msg.get("success") is True):
                raise Refused(0, wire.words_of(frame.msg))
        elif frame.status >= wire.REFUSED:
            raise Refused(frame.status, wire.words_of(frame.msg))
        return frame.msg

    async def _pace(self) -> None:
        """Keep to so many requests a second, but for a few at once; orders do not wait."""
        if not self._patience.requests_a_second:
            return
        step, now = 1 / self._patience.requests_a_second, time.monotonic()
        self._free = max(self._free, now - BURST * step) + step
        await asyncio.sleep(max(0.0, self._free - now))

    # Hearing

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                frame = wire.read(text)
                if frame is not None:
                    self._dispatch(frame)
        except ConnectionClosed:
            pass
        except Exception:
            log.exception("The reader of a broker's connection failed")
        finally:
            self._end(self._end_reason or "lost")
            with suppress(Exception):
                await socket.close()

    def _dispatch(self, frame: Frame) -> None:
        if frame.name == "timeSync":
            self._hear_the_time(frame.msg)
        elif frame.name == "heartbeat":
            self._answer_heartbeat(frame.msg)
        elif frame.request_id in self._waiting:
            self._answer(frame)
        elif frame.name in {"authenticated", "authenticate"} and frame.msg is False:
            self.end("token")
        elif not frame.request_id or frame.service:
            try:
                self._on_event(frame)
            except Exception:
                log.exception("An event of a broker was not understood: %s", frame.name)

    def _answer(self, frame: Frame) -> None:
        future, acknowledged = self._waiting[frame.request_id]
        if frame.name == "result" and not acknowledged:
            routed = isinstance(frame.msg, dict) and frame.msg.get("success") is True
            if routed:
                return  # says nothing but that the real answer is to come
        if not future.done():
            future.set_result(frame)

    def _hear_the_time(self, msg: object) -> None:
        moment = wire.money(msg)
        if moment is not None and EARLIEST < moment < LATEST:
            self._heard = time.monotonic()
            self._offset = float(moment) / 1000 - self._heard

    def _answer_heartbeat(self, msg: object) -> None:
        if self._socket is None:
            return
        self._number += 1
        said = {"userTime": int(self.time() * 1000), "heartbeatTime": wire.whole(msg)}
        text = wire.write("heartbeat", str(self._number), said)
        task = asyncio.create_task(self._send_quietly(text))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _send_quietly(self, text: str) -> None:
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(text)

    # Time

    def time(self) -> float:
        """The broker's, in seconds since 1970; ours until it was heard."""
        return time.time() if self._offset is None else time.monotonic() + self._offset

    @property
    def knows_the_time(self) -> bool:
        return self._offset is not None

    @property
    def silent_for(self) -> float:
        """Seconds since the broker last told its time."""
        return time.monotonic() - self._heard

    # Ending

    def end(self, reason: str) -> None:
        """Have it end, for this reason; the reader does it."""
        self._end_reason = self._end_reason or reason
        if self._socket is not None:
            self._socket.transport.abort()

    async def close(self) -> None:
        """End it in good order."""
        self._end_reason = self._end_reason or "closed"
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=5)

    def _end(self, reason: str) -> None:
        if self.ended:
            return
        self.ended = True
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(NoAnswer())
        self._on_end(reason)


def _forget(future: asyncio.Future[Frame]) -> None:
    """Who waited for it knows already: an end that came while it was sent is not told again."""
    if not future.cancel() and not future.cancelled():
        future.exception()


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: that takes longer than to connect."""
    return ssl.create_default_context()


# At DEBUG the library writes whole frames, and those hold tokens.
_quiet = logging.getLogger("trading.brokers.quadcode.frames")
_quiet.setLevel(logging.CRITICAL)
_quiet.propagate = False
