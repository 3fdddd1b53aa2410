"""The emulator as a whole: its clock, its connections, what it tells them, and its control."""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

import orjson
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.control import Control
from trading.brokers.emulator.desk import Desk
from trading.brokers.emulator.faults import Faults
from trading.brokers.emulator.ledger import Entry
from trading.brokers.emulator.market import Market
from trading.brokers.emulator.people import Balance, People, Person
from trading.brokers.emulator.services import PRICES, Services, price_frame
from trading.brokers.emulator.session import Session
from trading.brokers.emulator.web import Logins, Web
from trading.core.prices import Prices

HEARTBEAT: Final = 5  # seconds
START: Final = 1_790_000_000.0  # 21 September 2026, 14:13:20 UTC
_quiet = logging.getLogger("trading.brokers.emulator.frames")
_quiet.setLevel(logging.CRITICAL)
_quiet.propagate = False


class Emulator:
    """Start it with `start`; `hosts` then is what a broker's settings need."""

    def __init__(
        self,
        *,
        seed: int = 1,
        clock: ScaledClock | None = None,
        recorded: dict[str, Prices] | None = None,
        control_key: str = "",
    ) -> None:
        self.clock = clock or ScaledClock(START)
        self.faults = Faults()
        self.people = People()
        self.market = Market(seed, recorded)
        self.logins = Logins(seed, self.people, self.faults, self.now)
        self.desk = Desk(
            seed,
            self.market,
            self.faults,
            tell_position=self._tell_position,
            tell_balance=self._tell_balance,
            tell_order=self._tell_order,
        )
        self.control = Control(self)
        self.handlers = Services(self).handlers
        self.sessions: dict[int, set[Session]] = {}  # by user id
        self.leaks: list[str] = []
        self.frames = 0
        self._candles: dict[tuple[int, int], set[Session]] = {}
        self._prices: dict[tuple[int, int], set[Session]] = {}
        self._web = Web(self.logins, self.faults, self.control.do, control_key)
        self._told = int(self.now())
        self._parts: list[asyncio.Server | Server] = []
        self._ticking: asyncio.Task[None] | None = None
        self.hosts: dict[str, str] = {}

    def now(self) -> float:
        return self.clock.time()

    # Life

    async def start(self, *, http_port: int = 0, ws_port: int = 0) -> None:
        http = await asyncio.start_server(self._web.serve, "127.0.0.1", http_port, backlog=1024)
        sockets = await serve(
            self._serve,
            "127.0.0.1",
            ws_port,
            compression=None,
            ping_interval=None,
            max_size=2**20,
            backlog=1024,
            logger=_quiet,
        )
        self._parts = [http, sockets]
        base = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
        port = next(iter(sockets.sockets)).getsockname()[1]
        self.hosts = {
            "login_url": f"{base}/api/v2/login",
            "verify_url": f"{base}/api/v2/verify/2fa",
            "logout_url": f"{base}/api/v1.0/logout",
            "ws_url": f"ws://127.0.0.1:{port}/echo/websocket",
            "origin": base,
            "platform_id": "82",
        }
        self._ticking = asyncio.create_task(self._tick_on(), name="emulator")

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
        self.drop()
        for part in self._parts:
            part.close()
            await part.wait_closed()

    def drop(self, user_id: int | None = None) -> None:
        """Cut the connections of one person, or of all."""
        for number, sessions in list(self.sessions.items()):
            if user_id in {None, number}:
                for session in list(sessions):
                    session.drop()

    # Connections

    async def _serve(self, socket: ServerConnection) -> None:
        if socket.request is None or socket.request.path != "/echo/websocket":
            return
        session = Session(self, socket)
        try:
            await session.run()
        except ConnectionClosed:
            pass
        finally:
            self._left(session)

    def arrived(self, session: Session) -> None:
        assert session.person is not None
        self.sessions.setdefault(session.person.user_id, set()).add(session)
        if not self.faults.stop_time_sync:
            session.send({"name": "timeSync", "msg": int(self.now() * 1000)})

    def _left(self, session: Session) -> None:
        if session.person is not None:
            self.sessions.get(session.person.user_id, set()).discard(session)
        for those in (*self._candles.values(), *self._prices.values()):
            those.discard(session)

    def subscribed(self, session: Session, name: str, filters: dict[str, Any]) -> None:
        if name == "candle-generated":
            key = (filters.get("active_id", 0), filters.get("size", 0))
            if key[0] in self.market.actives and isinstance(key[1], int) and key[1] > 0:
                self._candles.setdefault(key, set()).add(session)
                self._tell_candles({key: {session}}, int(self.now()))
        elif name == PRICES:
            key = (filters.get("asset_id", 0), filters.get("instrument_index", 0))
            self._prices.setdefault(key, set()).add(session)
            self._tell_prices({key: {session}})

    def unsubscribed(self, session: Session, name: str, filters: dict[str, Any]) -> None:
        if name == "candle-generated":
            key = (filters.get("active_id", 0), filters.get("size", 0))
            self._candles.get(key, set()).discard(session)

    def count_frame(self) -> None:
        self.frames += 1

    # Each second

    async def _tick_on(self) -> None:
        while True:
            await self.clock.sleep(1 - self.now() % 1)
            self.tick()

    def tick(self) -> None:
        """Whatever has become due."""
        second = int(self.now())
        if second == self._told:
            return
        beats = second // HEARTBEAT != self._told // HEARTBEAT
        self._told = second
        self.desk.settle(self.now())
        if not self.faults.stop_time_sync:
            self._everybody({"name": "timeSync", "msg": int(self.now() * 1000)})
        if beats:
            for sessions in self.sessions.values():
                for session in sessions:
                    session.heartbeats_sent += 1
            self._everybody({"name": "heartbeat", "msg": int(self.now() * 1000)})
        if self.faults.unknown_frames:
            self._everybody({"name": "never-heard-of", "msg": {"a": [None]}, "more": 1})
            self._everybody_text('{"name":5}')
            self._everybody_text("[" * 2000)
        self._tell_candles(self._candles, second)
        self._tell_prices(self._prices)

    def _everybody(self, frame: dict[str, Any]) -> None:
        self._everybody_text(orjson.dumps(frame).decode())

    def _everybody_text(self, text: str) -> None:
        sockets = [one.socket for those in self.sessions.values() for one in those]
        self.frames += len(sockets)
        broadcast(sockets, text)

    def _tell_candles(self, wanted: dict[tuple[int, int], set[Session]], second: int) -> None:
        for (number, size), sessions in wanted.items():
            if sessions:
                msg = self.market.forming(number, size, second)
                frame = {"name": "candle-generated", "microserviceName": "quotes", "msg": msg}
                self.frames += len(sessions)
                broadcast([one.socket for one in sessions], orjson.dumps(frame).decode())

    def _tell_prices(self, wanted: dict[tuple[int, int], set[Session]]) -> None:
        for (asset, index), sessions in wanted.items():
            for session in sessions:
                msg = price_frame(asset, index, self.now())
                session.event("trading-settings", "digital-option-client-price-generated", msg)

    # What concerns one person

    def _tell_position(self, entry: Entry) -> None:
        closed = entry.reason is not None
        for session in list(self.sessions.get(entry.user_id, ())):
            if closed and self.faults.close_missing:
                continue
            if closed and entry.kind != "digital":
                self._tell_option_closed(session, entry)
            if closed and self.faults.close_only_socket_option:
                continue
            if session.wants("portfolio.position-changed", user_id=entry.user_id):
                self._tell_in_order(session, entry.shown())

    def _tell_in_order(self, session: Session, shown: dict[str, Any]) -> None:
        """Or not, when a fault wants it so: the last first, once a closing comes."""
        if self.faults.reorder_events:
            session.held.append(shown)
            if shown["status"] == "open":
                return
            told, session.held = session.held[::-1], []
        else:
            told = [shown]
        for one in told:
            for _ in range(3 if self.faults.duplicate_events else 1):
                session.event("portfolio", "position-changed", one)

    def _tell_option_closed(self, session: Session, entry: Entry) -> None:
        msg = {
            "id": entry.number,
            "user_id": entry.user_id,
            "win": entry.reason,
            "sum": float(entry.stake),
            "win_amount": float(entry.returned or 0),
        }
        session.event("", "socket-option-closed", msg)

    def _tell_balance(self, balance: Balance) -> None:
        current = balance.shown() | {"new_amount": float(balance.amount), "index": balance.changes}
        msg = {"id": balance.number, "user_id": balance.user_id, "current_balance": current}
        for session in list(self.sessions.get(balance.user_id, ())):
            if session.wants("balances.balance-changed"):
                session.event("balances", "balance-changed", msg)
            elif session.wants("internal-billing.balance-changed"):
                session.event("internal-billing", "balance-changed", msg)

    def _tell_order(self, entry: Entry | None, person: Person, number: int, status: str) -> None:
        msg = {"id": number, "user_id": person.user_id, "status": status}
        if entry is None:
            msg["reject_status"] = "insufficient_funds"
        for session in list(self.sessions.get(person.user_id, ())):
            if session.wants("portfolio.order-changed", user_id=person.user_id):
                session.event("portfolio", "order-changed", msg)
