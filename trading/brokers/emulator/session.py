"""One WebSocket of the emulator: envelope, authentication, subscriptions."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson
from websockets.asyncio.server import ServerConnection, broadcast

from trading.brokers.emulator.people import Person

if TYPE_CHECKING:
    from trading.brokers.emulator.server import Emulator

OK: Final = 2000
# Of these the acknowledgement is the whole answer, and their handlers give it.
ACKNOWLEDGED: Final = {
    "internal-billing.reset-training-balance",
    "binary-options.sell-options",
    "digital-options.close-position",
}


class Session:
    def __init__(self, emulator: "Emulator", socket: ServerConnection) -> None:
        self._emulator, self.socket = emulator, socket
        self.person: Person | None = None
        self.ssid = ""
        self.wants_results = False
        self.subscriptions: dict[str, list[dict[str, Any]]] = {}
        self.heartbeats_sent = 0
        self.heartbeats_answered = 0
        self.held: list[dict[str, Any]] = []  # events that a fault keeps back

    # Out

    def send(self, frame: dict[str, Any]) -> None:
        """Sends without waiting, so that one slow client holds up nobody."""
        self._emulator.count_frame()
        broadcast([self.socket], orjson.dumps(frame).decode())

    def answer(self, request_id: str, name: str, msg: object, status: int = OK) -> None:
        frame = {"request_id": request_id, "name": name, "msg": msg, "status": status}
        if self._emulator.faults.unknown_frames:
            frame |= {"surprise": {"deep": [1, 2]}}
        delay = self._emulator.faults.delay_ms
        if delay:
            asyncio.get_running_loop().call_later(delay / 1000, self.send, frame)
        else:
            self.send(frame)

    def event(self, service: str, name: str, msg: dict[str, Any]) -> None:
        """Raises `AssertionError` when it is somebody else's."""
        owner = msg.get("user_id")
        mine = self.person is not None and owner in {None, self.person.user_id}
        if not mine:
            self._emulator.leaks.append(f"{name} of {owner}")
            raise AssertionError("an event reached another person's socket")
        self.send({"name": name, "microserviceName": service, "msg": msg})

    def wants(self, name: str, **filters: object) -> bool:
        """Whether a subscription to this event lets these values through."""
        return any(
            all(asked.get(key, value) == value for key, value in filters.items())
            for asked in self.subscriptions.get(name, ())
        )

    def drop(self) -> None:
        """As when a cable is cut."""
        self.socket.transport.abort()

    # In

    async def run(self) -> None:
        async for text in self.socket:
            try:
                frame = orjson.loads(text)
            except ValueError:
                continue
            if isinstance(frame, dict):
                self._take(frame)

    def _take(self, frame: dict[str, Any]) -> None:
        name, msg = frame.get("name"), frame.get("msg")
        request_id = frame.get("request_id")
        number = request_id if isinstance(request_id, str) else ""
        if self.person is None:
            if name in {"authenticate", "ssid"}:
                self._authenticate(number, msg["ssid"] if isinstance(msg, dict) else msg)
            return
        if name == "heartbeat":
            self.heartbeats_answered += 1
        elif name == "setOptions" and isinstance(msg, dict):
            self.wants_results = msg.get("sendResults") is True
            self.answer(number, "result", {"success": True})
        elif name == "subscribeMessage" and isinstance(msg, dict):
            self._subscribe(number, msg)
        elif name == "unsubscribeMessage" and isinstance(msg, dict):
            self._unsubscribe(number, msg)
        elif name == "sendMessage" and isinstance(msg, dict):
            self._ask(number, msg)

    def _authenticate(self, number: str, ssid: object) -> None:
        person = self._emulator.logins.ssids.get(ssid) if isinstance(ssid, str) else None
        if person is None:
            self.send({"name": "authenticated", "request_id": number, "msg": False})
            return
        self.person, self.ssid = person, str(ssid)
        self.send({"name": "authenticated", "request_id": number, "msg": True})
        self.send({"name": "front", "msg": "ws01.emulator", "session_id": "emulator"})
        self._emulator.arrived(self)

    def _subscribe(self, number: str, msg: dict[str, Any]) -> None:
        name, filters = _subscription(msg)
        self.subscriptions.setdefault(name, []).append(filters)
        self._emulator.subscribed(self, name, filters)
        self.answer(number, "result", {"success": True})

    def _unsubscribe(self, number: str, msg: dict[str, Any]) -> None:
        name, filters = _subscription(msg)
        kept = self.subscriptions.get(name, [])
        if filters in kept:
            kept.remove(filters)
        self._emulator.unsubscribed(self, name, filters)
        self.answer(number, "result", {"success": True})

    def _ask(self, number: str, msg: dict[str, Any]) -> None:
        name = str(msg.get("name"))
        if self.wants_results and name not in ACKNOWLEDGED:
            self.answer(number, "result", {"success": True})
        body = msg.get("body")
        handler: Callable[..., None] | None = self._emulator.handlers.get(name)
        if handler is None:
            self.answer(number, name, {"message": "there is no such method"}, 4040)
            return
        handler(self, number, body if isinstance(body, dict) else {})


def _subscription(msg: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    params = msg.get("params")
    filters = params.get("routingFilters") if isinstance(params, dict) else None
    return str(msg.get("name")), filters if isinstance(filters, dict) else {}
