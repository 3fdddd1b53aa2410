"""The emulator's HTTP: login, second factor, logout, and the control for tests."""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

import orjson

from trading.brokers.emulator.faults import Faults
from trading.brokers.emulator.people import PASSWORD, SMS_CODE, People, Person

LARGEST: Final = 2**20
TRIES: Final = 5  # failed logins of one address before it is locked out
LOCKED: Final = 600  # seconds
HTML: Final = b"<!doctype html><title>Just a moment...</title>"
WRONG: Final = {
    "code": "invalid_credentials",
    "message": "You entered the wrong credentials. Please check that the login is correct.",
}
REASONS: Final = {200: "OK", 302: "Found", 401: "Unauthorized", 404: "Not Found"}
Answer = tuple[int, dict[str, Any]]


class Logins:
    """Who is logged in, and who may not be for a while."""

    def __init__(
        self, seed: int, people: People, faults: Faults, clock: Callable[[], float]
    ) -> None:
        self._seed, self._people, self._faults, self._clock = seed, people, faults, clock
        self.ssids: dict[str, Person] = {}
        self._asked: dict[str, tuple[str, Person]] = {}  # token → (what it is good for, whose)
        self._failures = 0
        self._locked_until = 0.0
        self._count = 0
        self.attempts = 0

    def log_in(self, body: dict[str, Any]) -> Answer:
        self.attempts += 1
        if self._faults.login_ttl:
            return _limited(self._faults.login_ttl)
        if (left := self._locked_until - self._clock()) > 0:
            return _limited(int(left) + 1)
        person = self._people.find(body.get("identifier"))
        if person is None or not _same(body.get("password"), PASSWORD):
            self._failures += 1
            if self._failures >= TRIES:
                self._failures, self._locked_until = 0, self._clock() + LOCKED
                return _limited(LOCKED)
            return 401, dict(WRONG)
        if person.is_locked:
            return _limited(LOCKED)
        if person.factor and self._use(body.get("token"), "proof") is not person:
            method = "push" if person.factor == "push" else None
            token = self._token("ask", person)
            return 200, {"code": "verify", "method": method, "token": token}
        self._failures = 0
        return 200, self._success(person)

    def verify(self, body: dict[str, Any]) -> Answer:
        if "method" in body:
            person = self._use(body.get("token"), "ask")
            if person is None or person.factor != body["method"]:
                said = "This verification method is not supported. Choose another method."
                return 400, {"code": "method_not_supported", "message": said}
            return 200, {"code": "success", "token": self._token("answer", person)}
        person = self._owner(body.get("token"), "answer")
        if person is None or body.get("code") != SMS_CODE:
            return 400, {"code": "wrong_code", "message": "The code is wrong."}
        self._use(body.get("token"), "answer")
        return 200, {"code": "success", "token": self._token("proof", person)}

    def log_out(self, ssid: str | None) -> Answer:
        self.ssids.pop(ssid or "", None)
        return 200, {"isSuccessful": True}

    def forgive(self) -> None:
        """As if no login had failed."""
        self._failures, self._locked_until = 0, 0.0

    def _success(self, person: Person) -> dict[str, Any]:
        person.logins += 1
        ssid = self._text("ssid", 16)
        self.ssids[ssid] = person
        return {
            "code": "success",
            "ssid": ssid,
            "user_id": person.user_id,
            "company_id": 15,
            "created_at": int(self._clock()),
            "token": self._text("opaque", 16),
        }

    def _token(self, purpose: str, person: Person) -> str:
        token = self._text(purpose, 12)
        self._asked[token] = (purpose, person)
        return token

    def _owner(self, token: object, purpose: str) -> Person | None:
        found = self._asked.get(token) if isinstance(token, str) else None
        return found[1] if found is not None and found[0] == purpose else None

    def _use(self, token: object, purpose: str) -> Person | None:
        person = self._owner(token, purpose)
        if person is not None:
            del self._asked[str(token)]
        return person

    def _text(self, what: str, size: int) -> str:
        self._count += 1
        return blake2b(f"{self._seed} {what} {self._count}".encode(), digest_size=size).hexdigest()


def _limited(ttl: int) -> Answer:
    said = f"The number of requests has been exceeded. Try again in {ttl // 60} minutes."
    return 429, {"code": "requests_limit_exceeded", "message": said, "ttl": ttl}


def _same(found: object, expected: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode(), expected.encode())


class Web:
    """Just enough of HTTP/1.1 for clients on this machine."""

    def __init__(
        self, logins: Logins, faults: Faults, control: Callable[[dict[str, Any]], Any], key: str
    ) -> None:
        self._logins, self._faults, self._control, self._key = logins, faults, control, key

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            pairs = [line.split(": ", 1) for line in lines if ": " in line]
            headers = {name.lower(): value for name, value in pairs}
            length = min(int(headers.get("content-length", "0")), LARGEST)
            body = await reader.readexactly(length)
            method, path, _ = first.split(" ", 2)
            writer.write(self._answer(method, path, headers, body))
            await writer.drain()
        writer.close()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        logs_in = path in {"/api/v2/login", "/v2/login"}
        if logs_in and self._faults.html_at_login:
            return _response(200, HTML, "text/html")
        found = _object(body)
        status, said = 404, {"code": "not_found"}
        if method == "POST" and logs_in:
            status, said = self._logins.log_in(found)
        elif method == "POST" and path == "/api/v2/verify/2fa":
            status, said = self._logins.verify(found)
        elif method == "POST" and path in {"/api/v1.0/logout", "/api/v2/logout"}:
            ssid = headers.get("cookie", "").partition("ssid=")[2].split(";")[0]
            status, said = self._logins.log_out(ssid)
        elif method == "POST" and path == "/control" and self._is_control(headers):
            status, said = 200, {"answer": self._control(found)}
        return _response(status, orjson.dumps(said), "application/json")

    def _is_control(self, headers: dict[str, str]) -> bool:
        return bool(self._key) and hmac.compare_digest(headers.get("x-control", ""), self._key)


def _response(status: int, body: bytes, kind: str) -> bytes:
    head = (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
