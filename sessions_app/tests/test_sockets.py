from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import cast

import pytest
from asgiref.sync import sync_to_async
from channels.consumer import AsyncConsumer
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from sessions_app import services, sockets
from sessions_app.authentication import sesion_of_token
from sessions_app.client import Client
from sessions_app.models import Sesion
from sessions_app.open_sockets import open_sockets
from sessions_app.services import end_session
from sessions_app.sockets import SessionSocket
from sessions_app.tests.echo import Echo, WithoutCookie
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import SERVED, a_client, a_token

pytestmark = pytest.mark.django_db(transaction=True)
Reason = Sesion.EndReason
MINUTE = timedelta(minutes=1)
Later = Callable[[timedelta], None]


@pytest.fixture(autouse=True)
async def _connections_close() -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()  # of the thread of `sync_to_async`


@pytest.fixture(autouse=True)
def _served(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["visionai.test"]
    Echo.codes.clear()
    yield
    assert len(open_sockets) == 0


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Puts the clock forward."""

    def put_forward(by: timedelta) -> None:
        real = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + by)

    return put_forward


@pytest.fixture
def program(ana: User) -> Sesion:
    return a_session(ana, kind=Sesion.Kind.API, at=timezone.now())


@pytest.fixture
def cookie(ana: User) -> str:
    browser = Browser()
    browser.force_login(ana)
    return cast("str", browser.session.session_key)


def end(sesion: Sesion) -> None:
    """What the feed does when it reads the row of the end."""
    end_session(sesion, reason=Reason.LOGOUT, at=timezone.now())
    open_sockets.end_session(str(sesion.pk))


async def off_loop(work: object, *arguments: object) -> None:
    await sync_to_async(cast("type", work))(*arguments)


async def test_a_program_without_origin_is_served_as_anonymous() -> None:
    async with a_client() as client:
        assert await client.hello() == {"hello": None}
        await client.send_to(bytes_data=b"123")
        assert await client.heard() == {"bytes": 3, "user": None}
        assert await client.say("hi") == {"text": "hi", "user": None}


@pytest.mark.parametrize("origin", [b"http://evil.test", b"http://visionai.test:81", b"x", b""])
async def test_a_foreign_origin_is_refused_before_accept(origin: bytes) -> None:
    async with a_client(origin=origin) as client:
        assert (await client.connect())[0] is False


async def test_a_host_that_is_not_ours_is_refused_before_accept() -> None:
    async with a_client(host=b"evil.test") as client:
        assert (await client.connect())[0] is False


async def test_our_own_page_is_known_by_its_cookie(cookie: str) -> None:
    async with a_client(origin=SERVED, cookie=cookie) as client:
        assert await client.hello() == {"hello": "ana"}


@pytest.mark.parametrize("origin", [None, b"http://localhost:3000", b"null"])
async def test_the_cookie_is_ignored_for_other_pages(origin: bytes | None, cookie: str) -> None:
    async with a_client(origin=origin, cookie=cookie) as client:
        assert await client.hello() == {"hello": None}


async def test_a_compatibility_path_ignores_the_cookie(cookie: str) -> None:
    async with a_client(origin=SERVED, cookie=cookie, socket=WithoutCookie) as client:
        assert await client.hello() == {"hello": None}


async def test_a_cookie_that_nobody_signed_in_with_is_anonymous() -> None:
    async with a_client(origin=SERVED, cookie="x" * 32) as client:
        assert await client.hello() == {"hello": None}


async def test_a_cookie_header_that_cannot_be_read_is_anonymous() -> None:
    async with a_client(origin=SERVED, headers=[(b"cookie", b"a]=\x01;;")]) as client:
        assert await client.hello() == {"hello": None}


async def test_a_token_in_the_sub_protocol_is_answered_with_bearer_alone(program: Sesion) -> None:
    async with a_client(subprotocols=["bearer", a_token(program)]) as client:
        assert await client.connect() == (True, "bearer")
        assert await client.heard() == {"hello": "ana"}


async def test_a_token_in_the_query_signs_in(program: Sesion) -> None:
    async with a_client(query=f"?token={a_token(program)}") as client:
        assert await client.hello() == {"hello": "ana"}


@pytest.mark.parametrize("subprotocols", [["bearer"], ["bearer", "no.such.token"]])
async def test_a_bad_token_is_accepted_and_closed(subprotocols: list[str]) -> None:
    async with a_client(subprotocols=subprotocols) as client:
        assert await client.connect() == (True, "bearer")
        assert await client.close_code() == 4401
    assert Echo.codes == []


async def test_the_token_of_an_ended_session_is_accepted_and_closed(program: Sesion) -> None:
    await off_loop(end, program)
    async with a_client(query=f"?token={a_token(program)}") as client:
        assert (await client.connect())[0]
        assert await client.close_code() == 4401


async def test_the_cookie_of_an_ended_session_is_accepted_and_closed(
    cookie: str, ana: User
) -> None:
    await off_loop(end, await Sesion.objects.aget(user=ana))
    async with a_client(origin=SERVED, cookie=cookie) as client:
        assert (await client.connect())[0]
        assert await client.close_code() == 4401


async def test_the_cookie_of_a_changed_password_is_accepted_and_closed(
    cookie: str, ana: User
) -> None:
    ana.set_password("new one")
    await ana.asave(update_fields=["password"])
    async with a_client(origin=SERVED, cookie=cookie) as client:
        assert (await client.connect())[0]
        assert await client.close_code() == 4401


async def test_the_end_of_its_session_closes_the_socket(program: Sesion) -> None:
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        await off_loop(end, program)
        assert await client.close_code() == 4401
        await client.send_to(text_data="still here?")
        assert await client.receive_nothing()
    assert len(Echo.codes) == 1


async def test_the_end_of_another_session_closes_nothing(program: Sesion, ana: User) -> None:
    other = await sync_to_async(a_session)(ana)
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        await off_loop(end, other)
        assert await client.say("hi") == {"text": "hi", "user": "ana"}


async def test_an_end_between_the_look_and_the_registration_closes_the_socket(
    program: Sesion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found_and_ended(text: str, **clock: object) -> object:
        answer = sesion_of_token(text, **clock)  # type: ignore[arg-type]
        end(program)
        return answer

    monkeypatch.setattr(sockets, "sesion_of_token", found_and_ended)
    async with a_client(query=f"?token={a_token(program)}") as client:
        assert (await client.connect())[0]
        assert await client.close_code() == 4401


async def test_an_end_between_the_look_and_the_binding_of_a_token_is_an_error(
    program: Sesion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found_and_ended(text: str, **facts: object) -> object:
        answer = sesion_of_token(text, **facts)  # type: ignore[arg-type]
        end(program)
        return answer

    monkeypatch.setattr(sockets, "sesion_of_token", found_and_ended)
    async with a_client() as client:
        await client.hello()
        assert await client.say(f"as {a_token(program)}") == {"error": "session_ended"}


async def test_a_missed_end_is_found_by_reconciling(program: Sesion) -> None:
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        await off_loop(open_sockets.reconcile)
        await client.say("hi")
        await Sesion.objects.filter(pk=program.pk).aupdate(
            fecha_fin=timezone.now(), end_reason="logout"
        )
        await off_loop(open_sockets.reconcile)
        assert await client.close_code() == 4401


async def test_an_anonymous_socket_speaks_with_tokens_until_they_end(
    program: Sesion, ana: User
) -> None:
    bea = await sync_to_async(a_user)("bea")
    hers = await sync_to_async(a_session)(bea, at=timezone.now())
    async with a_client() as client:
        await client.hello()
        assert (await client.say(f"as {a_token(program)}"))["user"] == "ana"
        assert (await client.say(f"as {a_token(hers)}"))["user"] == "bea"
        await off_loop(end, program)
        assert await client.say(f"as {a_token(program)}") == {"error": "session_ended"}
        assert (await client.say(f"as {a_token(hers)}"))["user"] == "bea"
        assert (await client.say("hi"))["user"] is None
        assert await client.say("as nobody") == {"error": "bad_token"}


async def test_a_token_inside_a_message_costs_one_look(
    program: Sesion, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = a_token(program)
    looks: list[str] = []

    def look(text: str, **facts: object) -> object:
        looks.append(text)
        return sesion_of_token(text, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(sockets, "sesion_of_token", look)
    async with a_client() as client:
        await client.hello()
        for _ in range(5):
            await client.say(f"as {token}")
    assert looks == [token]


async def test_a_socket_remembers_few_tokens_and_keeps_its_own_login(
    program: Sesion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "TOKENS_PER_SOCKET", 1)
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        for jti in ("a", "b"):
            await client.say(f"as {a_token(program, jti=jti)}")
        await off_loop(end, program)
        assert await client.close_code() == 4401


async def test_a_socket_past_its_idle_limit_is_closed_at_its_next_message(
    program: Sesion, settings: Settings, later: Later
) -> None:
    settings.API_SESSION_LIMIT = MINUTE
    await Sesion.objects.filter(pk=program.pk).aupdate(idle_at=program.last_seen + MINUTE)
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        await Sesion.objects.filter(pk=program.pk).aupdate(idle_at=timezone.now())
        services._noted.clear()
        later(MINUTE)
        await client.send_to(text_data="hi")
        assert await client.close_code() == 4401


async def test_a_socket_past_its_limit_here_goes_on_when_it_was_used_elsewhere(
    program: Sesion, settings: Settings, later: Later
) -> None:
    settings.API_SESSION_LIMIT = MINUTE
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        later(MINUTE)
        assert await client.say("hi") == {"text": "hi", "user": "ana"}


async def test_a_socket_is_closed_at_the_absolute_limit(program: Sesion, later: Later) -> None:
    soon = timezone.now() + MINUTE
    await Sesion.objects.filter(pk=program.pk).aupdate(absolute_at=soon)
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        later(MINUTE)
        await client.send_to(text_data="hi")
        assert await client.close_code() == 4401


async def test_a_message_is_activity(program: Sesion) -> None:
    async with a_client(query=f"?token={a_token(program)}") as client:
        await client.hello()
        before = timezone.now()
        await client.say("hi")
        assert services._noted[program.pk][1] >= before


async def test_a_user_and_an_address_have_a_limit(program: Sesion, settings: Settings) -> None:
    settings.SOCKETS_PER_USER = settings.SOCKETS_PER_ADDRESS = 1
    query = f"?token={a_token(program)}"
    async with a_client() as anonymous, a_client(query=query) as signed_in:
        await anonymous.hello()
        await signed_in.hello()
        for one_more in ("", query):
            async with a_client(query=one_more) as client:
                assert (await client.connect())[0]
                assert await client.close_code() == 4429
    async with a_client(query=query) as client:
        assert await client.hello() == {"hello": "ana"}


async def test_a_gone_client_is_told_once() -> None:
    async with a_client() as client:
        await client.hello()
        await client.disconnect(1001)
    assert Echo.codes == [1001]


class Broken(Echo):
    async def text(self, text: str) -> None:
        raise LookupError(text)


async def test_a_handler_that_fails_leaves_no_socket_behind() -> None:
    async def boom() -> None:
        async with a_client(socket=Broken) as client:
            await client.hello()
            await client.say("boom")

    with pytest.raises(LookupError):
        await boom()
    assert Echo.codes == [1006]


async def test_sending_to_a_client_that_is_gone_is_silent() -> None:
    sent: list[object] = []

    async def gone(message: object) -> None:
        sent.append(message)
        raise OSError

    socket = Echo()
    socket._event = gone
    await socket.send_json({})
    await socket.send_json({})
    await socket.close(1000)
    other = Echo()
    other._event = gone
    await other.close(1000)
    assert len(sent) == 2


async def test_an_unknown_message_type_is_an_error_as_in_channels() -> None:
    assert issubclass(SessionSocket, AsyncConsumer)
    with pytest.raises(ValueError, match="No handler"):
        await Echo().dispatch({"type": "websocket.unheard_of"})
    with pytest.raises(ValueError, match="underscore"):
        await Echo().dispatch({"type": "_open"})


def test_a_cookie_session_without_a_login_has_none() -> None:
    store = SessionStore()
    store["color"] = "blue"
    store.save()
    identity = a_session().user
    assert identity
    assert (
        sockets._login_by_cookie(cast("str", store.session_key), Client(None, ""), timezone.now())
        is None
    )
