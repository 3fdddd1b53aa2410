"""A client for the echoing socket, inside the test's own event loop."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.utils import timezone

from sessions_app.models import Sesion
from sessions_app.sockets import SessionSocket
from sessions_app.tests.echo import Echo

SERVED = b"http://visionai.test"


def a_token(sesion: Sesion, *, expires_at: datetime | None = None, **claims: object) -> str:
    expires_at = expires_at or datetime.now(UTC) + timedelta(hours=1)
    facts = {"user_id": sesion.user_id, "sid": sesion.pk, "jti": "1", "token_type": "access"}
    facts |= {"gen": 0}
    facts |= {"exp": int(expires_at.timestamp()), "iat": int(timezone.now().timestamp())}
    return jwt.encode(facts | claims, settings.JWT_SECRET_KEY, algorithm="HS256")


@asynccontextmanager
async def a_client(
    *,
    origin: bytes | None = None,
    host: bytes = b"visionai.test",
    cookie: str = "",
    query: str = "",
    subprotocols: Sequence[str] = (),
    socket: type[SessionSocket] = Echo,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> AsyncIterator["Client"]:
    sent = [(b"host", host), *headers]
    if origin is not None:
        sent.append((b"origin", origin))
    if cookie:
        name = settings.SESSION_COOKIE_NAME
        sent.append((b"cookie", f"{name}={cookie}".encode()))
    client = Client(socket.as_asgi(), f"/ws{query}", sent, list(subprotocols))
    client.scope["client"] = ("192.0.2.9", 5000)
    try:
        yield client
    finally:
        await client.disconnect()


class Client(WebsocketCommunicator):
    async def hello(self) -> dict[str, Any]:
        accepted, _ = await self.connect()
        assert accepted
        return await self.heard()

    async def heard(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads(await self.receive_from(timeout=3))
        return message

    async def say(self, text: str) -> dict[str, Any]:
        await self.send_to(text_data=text)
        return await self.heard()

    async def close_code(self) -> int:
        event = await self.receive_output(timeout=3)
        assert event["type"] == "websocket.close", event
        code: int = event["code"]
        return code
