"""The base of every socket: who is on it, and that it ends with their session.

A message costs no thread hop and no query: `dispatch` leaves out what Channels does for consumers
that use the ORM. The database is asked once at the handshake, once for each new token inside a
message, and when a login comes to a limit; its end arrives through `open_sockets`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import parse_qs

import orjson
from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.utils import timezone

from accounts.models import User
from sessions_app.authentication import sesion_of_token
from sessions_app.client import Client, client_of_scope
from sessions_app.models import Sesion
from sessions_app.open_sockets import Connection, open_sockets
from sessions_app.origins import Trust, header, trust_of
from sessions_app.services import SessionEnded, find_open, idle_limit, note_activity
from visionai.lib.errors import DomainError
from visionai.lib.logs import bind
from visionai.lib.threads import Threads

LOGIN_ENDED = 4401
TOO_MANY = 4429
BEARER = "bearer"
TOKENS_PER_SOCKET = 16
T = TypeVar("T")

_threads = Threads("identity", most=4)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks; all None for an anonymous client."""

    user_id: int | None
    username: str | None
    is_staff: bool
    sesion_id: int | None
    client: Client


@dataclass(slots=True)
class Login:
    """An identity and when it must be looked up again."""

    identity: Identity
    sesion_id: int
    idle: timedelta
    last: datetime  # the absolute limit of the session or the end of the token
    check: datetime


class SessionSocket(AsyncConsumer):
    """A socket of one client; subclasses write `opened`, `text`, `frame` and `closed`.

    A handler holds up the reading of the next message: slow work belongs into a task.
    """

    cookie_allowed: ClassVar[bool] = True

    identity: Identity

    def __init__(self) -> None:
        self._login: Login | None = None
        self._logins: dict[str, Login] = {}  # by token, of those inside messages
        self._connection: Connection
        self._tasks: set[asyncio.Task[None]] = set()
        self._event: Any = None
        self._closing = self._is_open = False

    async def opened(self) -> None:
        """The socket is accepted and `identity` is known."""

    async def text(self, text: str) -> None:
        """A text message arrived."""

    async def frame(self, data: bytes) -> None:
        """A binary message arrived."""

    async def closed(self, code: int) -> None:
        """The socket is gone; called once, and only after `opened`."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one message; silently nothing when the socket is closing."""
        if self._closing:
            return
        text = orjson.dumps(message).decode()
        try:
            await self._event({"type": "websocket.send", "text": text})
        except OSError:  # the client is gone; the server tells us next
            self._closing = True

    async def close(self, code: int) -> None:
        if self._closing:
            return
        self._closing = True
        try:
            await self._event({"type": "websocket.close", "code": code})
        except OSError:
            return

    async def identify(self, token: str) -> Identity:
        """Who the token inside a message stands for; raises `BadToken` or `SessionEnded`."""
        at = timezone.now()
        login = self._logins.get(token)
        if login is None or at >= login.check:
            self._forget(token)
            login = await _threads.do(_login_by_token, token, self.identity.client, at)
            if len(self._logins) >= TOKENS_PER_SOCKET:
                self._forget(next(iter(self._logins)))
            self._logins[token] = login
            if not open_sockets.bind(self._connection, login.sesion_id):
                self._forget(token)
                raise SessionEnded(session=login.sesion_id, reason="")
        _used(login, at)
        return login.identity

    # Between Channels and the above

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self._event = send
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            return
        finally:
            await self._gone(1006)

    async def dispatch(self, message: Any) -> None:
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        trust = trust_of(self.scope)
        if trust is Trust.REFUSED:
            await self._event({"type": "websocket.close"})  # before accept: HTTP 403
            raise StopConsumer
        client = client_of_scope(self.scope)
        try:
            self._login = await self._find_login(trust, client)
        except DomainError:
            await self._accept()
            await self.close(LOGIN_ENDED)
            return
        if self._login:
            self.identity = self._login.identity
        else:
            self.identity = Identity(None, None, is_staff=False, sesion_id=None, client=client)
        await self._open()

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self._closing or not await self._is_signed_in():
            return
        text = message.get("text")
        if text is not None:
            await self.text(text)
        else:
            await self.frame(message["bytes"])

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self._gone(message.get("code") or 1005)
        raise StopConsumer

    async def _open(self) -> None:
        self._connection = Connection(
            loop=asyncio.get_running_loop(),
            end=self._session_ended,
            close=self._close_soon,
            user_id=self.identity.user_id,
            sesion_id=self.identity.sesion_id,
            ip=self.identity.client.ip,
            path=self.scope["path"],
            opened=timezone.now(),
        )
        bind(connection_id=self._connection.name)
        within_limit = open_sockets.add(self._connection)
        await self._accept()
        if not within_limit:
            await self.close(TOO_MANY)
            return
        self._is_open = True
        if self._login and not open_sockets.bind(self._connection, self._login.sesion_id):
            await self.close(LOGIN_ENDED)
            return
        if self._login:
            _used(self._login, timezone.now())
        await self.opened()

    async def _gone(self, code: int) -> None:
        self._closing = True
        if self._is_open:
            self._is_open = False
            open_sockets.remove(self._connection)
            await self.closed(code)

    async def _accept(self) -> None:
        offered = BEARER in self.scope.get("subprotocols", ())
        subprotocol = BEARER if offered else None
        await self._event({"type": "websocket.accept", "subprotocol": subprotocol})

    async def _find_login(self, trust: Trust, client: Client) -> Login | None:
        at = timezone.now()
        token = _token_of(self.scope)
        if token is not None:
            return await _threads.do(_login_by_token, token, client, at)
        if trust is Trust.WITH_COOKIE and self.cookie_allowed:
            key = _session_key(header(self.scope, b"cookie"))
            if key:
                return await _threads.do(_login_by_cookie, key, client, at)
        return None

    async def _is_signed_in(self) -> bool:
        """Note the activity; at a limit ask the database, and close when the login is over."""
        login = self._login
        if login is None:
            return True
        at = timezone.now()
        if at >= login.check:
            try:
                if at >= login.last:
                    raise SessionEnded(session=login.sesion_id, reason="")
                await _threads.do(_check, login, at)
            except DomainError:
                await self.close(LOGIN_ENDED)
                return False
        _used(login, at)
        return True

    def _session_ended(self, sesion_id: int) -> None:
        if self._login and self._login.sesion_id == sesion_id:
            self._close_soon(LOGIN_ENDED)
        for token in [t for t, login in self._logins.items() if login.sesion_id == sesion_id]:
            self._forget(token)

    def _close_soon(self, code: int) -> None:
        task = asyncio.get_running_loop().create_task(self.close(code))
        self._tasks.add(task)  # the loop itself keeps no strong reference
        task.add_done_callback(self._tasks.discard)

    def _forget(self, token: str) -> None:
        login = self._logins.pop(token, None)
        if login is None:
            return
        still = {one.sesion_id for one in self._logins.values()}
        if self._login:
            still.add(self._login.sesion_id)
        if login.sesion_id not in still:
            open_sockets.unbind(self._connection, login.sesion_id)


def _used(login: Login, at: datetime) -> None:
    note_activity(login.sesion_id, at=at)
    login.check = min(at + login.idle, login.last)


def _login_by_token(token: str, client: Client, at: datetime) -> Login:
    sesion, expires_at = sesion_of_token(token, at=at, client=client)
    return _login(sesion, client, at, until=expires_at)


def _login_by_cookie(key: str, client: Client, at: datetime) -> Login | None:
    """The login of Django's cookie session, None for one that is not signed in."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    sid = store.get("sid")
    if sid is None:
        return None
    # Django's own check: the user still exists and the password is the one of the sign-in.
    user = get_user(cast("HttpRequest", SimpleNamespace(session=store)))
    sesion = find_open(sid, at=at)
    if user != sesion.user:
        raise SessionEnded(session=sid, reason="")
    return _login(sesion, client, at, until=sesion.absolute_at)


def _login(sesion: Sesion, client: Client, at: datetime, *, until: datetime) -> Login:
    user = cast("User", sesion.user)
    identity = Identity(user.pk, user.username, user.is_staff, sesion.pk, client)
    last = min(sesion.absolute_at, until)
    idle = idle_limit(sesion.kind)
    return Login(identity, sesion.pk, idle, last, min(at + idle, last))


def _check(login: Login, at: datetime) -> None:
    find_open(login.sesion_id, at=at)


def _token_of(scope: Mapping[str, Any]) -> str | None:
    """The token of the handshake: the sub-protocol after `bearer`, else `?token=`."""
    offered = list(scope.get("subprotocols", ()))
    if BEARER in offered:
        rest = offered[offered.index(BEARER) + 1 :]
        return rest[0] if rest else ""
    if "query_token" in scope:
        return str(scope["query_token"])
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return query["token"][-1] if "token" in query else None


def _session_key(cookies: str) -> str | None:
    return parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME) or None
