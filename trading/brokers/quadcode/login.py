"""Logging in and out over HTTP. The JSON's `code` decides, never the HTTP status."""

import logging
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import orjson

from trading.brokers.base import (
    BrokerRateLimited,
    BrokerUnreachable,
    InvalidCredentials,
    Password,
    SecondFactor,
    SecondFactorUnsupported,
    Secret,
    Token,
    WrongCode,
)
from trading.brokers.quadcode.hosts import Hosts, Patience
from trading.brokers.quadcode.wire import whole

log = logging.getLogger(__name__)

LARGEST = 2**20  # bytes of an answer
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
LOCKED = 600.0  # seconds, where the broker does not say how long
WRONG_PASSWORD = 202  # codes of the older entrances
TOO_MANY = 301


@dataclass(frozen=True, slots=True)
class Entrance:
    """The HTTP side of one brand."""

    hosts: Hosts
    patience: Patience

    async def log_in(self, who: Password, *, token: Secret | None = None) -> Token:
        """Raises `InvalidCredentials`, `SecondFactor`, `BrokerRateLimited`, `BrokerUnreachable`."""
        body = {"identifier": who.email, "password": who.password.reveal()}
        if token is not None:
            body["token"] = token.reveal()
        answer, cookie = await self._post(self.hosts.login_url, body)
        code = _code(answer)
        if code == "success":
            ssid = answer.get("ssid") or cookie
            if isinstance(ssid, str) and ssid:
                return Token(Secret(ssid))
        if code == "verify" and isinstance(answer.get("token"), str):
            method = answer.get("method")
            raise SecondFactor(str(method) if method else None, Secret(answer["token"]))
        raise _refusal(answer)

    async def send_code(self, state: Secret, *, method: str) -> Secret:
        """Raises `SecondFactorUnsupported` where the account has another factor."""
        body = {"method": method, "token": state.reveal()}
        answer, _ = await self._post(self.hosts.verify_url, body)
        if _code(answer) == "success" and isinstance(answer.get("token"), str):
            return Secret(answer["token"])
        refusal = _refusal(answer)
        if isinstance(refusal, BrokerRateLimited):
            raise refusal
        raise SecondFactorUnsupported

    async def check_code(self, state: Secret, code: str) -> Secret:
        """The token with which the login is repeated. Raises `WrongCode`."""
        body = {"code": code, "token": state.reveal()}
        answer, _ = await self._post(self.hosts.verify_url, body)
        if _code(answer) == "success" and isinstance(answer.get("token"), str):
            return Secret(answer["token"])
        refusal = _refusal(answer)
        if isinstance(refusal, BrokerRateLimited):
            raise refusal
        raise WrongCode

    async def log_out(self, token: Token) -> None:
        """Whatever comes of it: the caller forgets the token in any case."""
        try:
            async with self._client() as client:
                cookie = {"Cookie": f"ssid={token.value.reveal()}"}
                await client.post(self.hosts.logout_url, headers=cookie)
        except httpx2.HTTPError as error:
            log.info("The broker was not told of a logout: %s", type(error).__name__)

    def _client(self) -> httpx2.AsyncClient:
        headers = {
            "Accept": "application/json",
            "Origin": self.hosts.origin,
            "Referer": f"{self.hosts.origin}/",
            "User-Agent": USER_AGENT,
        }
        return httpx2.AsyncClient(
            timeout=self.patience.http,
            follow_redirects=False,
            headers=headers,
            trust_env=False,
            verify=_certificates(),
        )

    async def _post(self, url: str, body: dict[str, str]) -> tuple[dict[str, Any], str | None]:
        """(the answer, the cookie `ssid`). Raises `BrokerUnreachable` for anything but JSON."""
        try:
            async with self._client() as client, client.stream("POST", url, json=body) as answer:
                text = b""
                async for chunk in answer.aiter_bytes():
                    text += chunk
                    if len(text) > LARGEST:
                        raise BrokerUnreachable("the answer does not end")
                found = orjson.loads(text)
                cookie = answer.cookies.get("ssid")
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            # Not chained: what failed may hold the request, and that the password.
            raise BrokerUnreachable(type(error).__name__) from None
        if not isinstance(found, dict):
            raise BrokerUnreachable("the answer is no object")
        return found, cookie


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: that takes longer than a login."""
    return httpx2.create_ssl_context()


def _code(answer: dict[str, Any]) -> object:
    return answer.get("code")


def _refusal(
    answer: dict[str, Any],
) -> InvalidCredentials | BrokerRateLimited | BrokerUnreachable:
    errors = answer.get("errors")
    old = errors[0].get("code") if isinstance(errors, list) and _is_object(errors) else None
    code = _code(answer)
    if code == "requests_limit_exceeded" or old == TOO_MANY:
        data = answer.get("data")
        ttl = whole(answer.get("ttl")) or whole(data.get("ttl") if isinstance(data, dict) else None)
        return BrokerRateLimited(float(ttl) if ttl and ttl > 0 else LOCKED)
    if code == "invalid_credentials" or old == WRONG_PASSWORD:
        return InvalidCredentials()
    return BrokerUnreachable("an answer that is not understood")


def _is_object(found: list[object]) -> bool:
    return bool(found) and isinstance(found[0], dict)
