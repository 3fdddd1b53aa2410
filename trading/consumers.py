"""The sockets of trading: the events of one session of the caller's own, in order, and candles.

A candle that is not closed comes as `forming`, twice a second at most and without a number.

A socket waits for news and then reads the rows it has not sent: each event is sent once, in the
order of its number, however the news came. A slow client holds up itself alone.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import parse_qs

import orjson
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from sessions_app.language import language_of_scope
from sessions_app.sockets import LOGIN_ENDED, SessionSocket
from trading import forming, hub, services
from trading.events import text as money
from trading.models import ClosedCandle, Event, TradingSession
from trading.refusals import TooManyRequests
from trading.wire import candle_body, event_frame, moment

log = logging.getLogger(__name__)

NOT_YOURS = 4404
INTERNAL_ERROR = 1011
HEARTBEAT = 30.0  # seconds
WATCH_AGAIN = 120.0  # seconds; the node looks for five minutes at what a page watches
TRY_AGAIN = 5.0  # seconds, while the session is not connected
BATCH = 200
COMMANDS = ["ping", "watch"]
LONGEST_TEXT = 4096
CANDLE_SECONDS = (5, 10, 15, 30, 60, 120, 300, 900)


class TradingSocket(SessionSocket):
    """`/ws/trading?session_id=`: for our own page, signed in by its cookie, and for programs."""

    heartbeat: ClassVar[float] = HEARTBEAT
    _session: TradingSession

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()
        self._sent = 0
        self._candle_news = asyncio.Event()
        self._watched: tuple[str, int] | None = None
        self._newest_candle = 0
        self._watching = asyncio.Event()
        self._watch_again = 0.0  # monotonic
        self._work: list[asyncio.Task[None]] = []

    async def opened(self) -> None:
        if self.identity.user_id is None:
            await self.close(LOGIN_ENDED)
            return
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        found = await hub.read(_own, self.identity.user_id, _one(query, "session_id"))
        if found is None:
            await self.close(NOT_YOURS)
            return
        # Listen first: what happens from here on is heard, and the number is read after.
        self._session = found
        hub.events.join(str(found.pk), self._news)
        await hub.read(found.refresh_from_db)
        after = _one(query, "after")
        newest = found.event_seq
        self._sent = min(int(after), newest) if after.isdecimal() else newest
        await self.send_json(_welcome(found))
        self._news.set()
        self._begin(self._tell_events(), self._beat(), self._tell_candles(), self._tell_forming())

    async def closed(self, code: int) -> None:
        for task in self._work:
            task.cancel()
        if hasattr(self, "_session"):
            hub.events.leave(str(self._session.pk), self._news)
        self._unwatch()

    async def text(self, text: str) -> None:
        try:
            message = orjson.loads(text) if len(text) <= LONGEST_TEXT else None
        except orjson.JSONDecodeError:
            message = None
        message = message if isinstance(message, dict) else {}
        if "ping" in (message.get("command"), message.get("type")):
            await self.send_json({"type": "pong", "timestamp": moment(timezone.now())})
        elif message.get("type") == "heartbeat":
            return  # an answer to ours: activity, and nothing to say about it
        elif message.get("command") == "watch":
            await self._watch(message)
        else:
            await self._refuse("unknown_command")

    async def frame(self, data: bytes) -> None:
        await self._refuse("unknown_command")

    def _begin(self, *works: Coroutine[Any, Any, None]) -> None:
        self._work = [asyncio.get_running_loop().create_task(self._kept(one)) for one in works]

    async def _kept(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception:  # nobody awaits this task; the client opens again and reads the gap
            log.exception("a trading socket failed")
            await self.close(INTERNAL_ERROR)

    async def _tell_events(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while news := await hub.read(_events_after, self._session.pk, self._sent):
                for event in news:
                    await self.send_json(event_frame(self._session, event))
                    self._sent = event.seq

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat)
            await self.send_json(
                {
                    "type": "heartbeat",
                    "session_id": str(self._session.pk),
                    "account_type": self._session.account_type,
                    "seq": self._sent,
                    "timestamp": moment(timezone.now()),
                }
            )
            self._news.set()  # should news ever have been missed

    async def _watch(self, message: Mapping[str, object]) -> None:
        asset, seconds = message.get("asset"), message.get("seconds", 60)
        if not isinstance(asset, str) or not 1 <= len(asset) <= 40:
            await self._refuse("bad_asset")
            return
        if seconds not in CANDLE_SECONDS or not isinstance(seconds, int):
            await self._refuse("bad_seconds")
            return
        self._unwatch()
        self._watched, self._newest_candle = (asset, seconds), 0
        hub.candles.join(_subject(self._session.broker, self._watched), self._candle_news)
        await self.send_json({"type": "watching", "asset": asset, "seconds": seconds})
        self._candle_news.set()
        self._watch_again = 0.0
        self._watching.set()

    def _unwatch(self) -> None:
        self._watching.clear()
        if self._watched is not None:
            hub.candles.leave(_subject(self._session.broker, self._watched), self._candle_news)
            self._watched = None

    async def _tell_forming(self) -> None:
        told: forming.Bar | None = None
        while True:
            await self._watching.wait()
            watched = self._watched
            if watched is not None:
                await self._keep_watching(*watched)
                bar = await forming.looking.newest(_subject(self._session.broker, watched))
                # What closed is told as it closed, and stays.
                is_news = bar is not None and bar != told and bar["start"] > self._newest_candle
                if bar is not None and is_news and self._watched == watched:
                    about = {"type": "forming", "asset": watched[0], "seconds": watched[1]}
                    await self.send_json(about | dict(bar))
                    told = bar
            await asyncio.sleep(forming.PAUSE)

    async def _keep_watching(self, asset: str, seconds: int) -> None:
        """Have the node go on looking for as long as this socket does."""
        if time.monotonic() >= self._watch_again:
            self._watch_again = time.monotonic() + WATCH_AGAIN
            if not await hub.read(_watch_at_node, self._session.pk, asset, seconds):
                self._watch_again = time.monotonic() + TRY_AGAIN

    async def _tell_candles(self) -> None:
        while True:
            await self._candle_news.wait()
            self._candle_news.clear()
            watched = self._watched
            if watched is None:
                continue
            asset, seconds = watched
            news = await hub.read(
                _candles_after, self._session.broker, asset, seconds, self._newest_candle
            )
            for candle in news:
                if self._watched != watched:
                    break
                about = {"type": "candle", "asset": asset, "seconds": seconds}
                await self.send_json(about | candle_body(candle))
                self._newest_candle = candle.start

    async def _refuse(self, code: str) -> None:
        with override(language_of_scope(self.scope)):
            sentence = {
                "unknown_command": _("There is no such command; see `available_commands`."),
                "bad_asset": _("Name the asset, as the list of assets does."),
                "bad_seconds": _("Candles have {sizes} seconds.").format(
                    sizes=", ".join(map(str, CANDLE_SECONDS))
                ),
            }[code]
        await self.send_json(
            {
                "type": "error",
                "status": "error",
                "code": code,
                "message": sentence,
                "available_commands": COMMANDS,
            }
        )


class CompatTradingSocket(TradingSocket):
    """`/ws?session_id=`, as the original's clients use it: by token, the cookie is ignored."""

    cookie_allowed: ClassVar[bool] = False


def _one(query: Mapping[str, list[str]], name: str) -> str:
    return query.get(name, [""])[-1]


def _subject(broker: str, watched: tuple[str, int]) -> str:
    return f"{broker}:{watched[0]}:{watched[1]}"


def _welcome(session: TradingSession) -> dict[str, object]:
    return {
        "type": "connected",
        "status": "connected",
        "session_id": str(session.pk),
        "broker": session.broker,
        "account_type": session.account_type,
        "balance": money(session.balance),
        "currency": session.currency,
        "state": session.state,
        "running": session.bot_running,
        "seq": session.event_seq,
        "heartbeat": HEARTBEAT,
        "commands": COMMANDS,
        "timestamp": moment(timezone.now()),
    }


def _own(user_id: int, text: str) -> TradingSession | None:
    """The session with that id, if it is the user's."""
    try:
        pk = uuid.UUID(text)
    except ValueError:
        return None
    return TradingSession.objects.filter(user_id=user_id, pk=pk).first()


def _events_after(pk: uuid.UUID, seq: int) -> list[Event]:
    return list(Event.objects.filter(session_id=pk, seq__gt=seq).order_by("seq")[:BATCH])


def _watch_at_node(pk: uuid.UUID, asset: str, seconds: int) -> bool:
    """Whether the node was asked."""
    connected = TradingSession.State.CONNECTED
    session = TradingSession.objects.filter(pk=pk, state=connected).first()
    if session is None:
        return False
    with suppress(TooManyRequests):
        services.watch(session, asset=asset, seconds=seconds, at=timezone.now())
        return True
    return False


def _candles_after(broker: str, asset: str, seconds: int, start: int) -> list[ClosedCandle]:
    """The newest few, oldest first: what is older is for the API."""
    rows = ClosedCandle.objects.filter(
        broker=broker, asset=asset, seconds=seconds, start__gt=start
    ).order_by("-start")
    return list(rows[: 3 if start == 0 else BATCH])[::-1]
