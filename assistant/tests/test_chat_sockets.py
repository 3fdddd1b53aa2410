import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from assistant import pace, services
from assistant.consumers import ChatSocket, CompatChatSocket
from assistant.listening import listening
from assistant.models import Conversation, Message
from assistant.providers.base import ProviderTimeout, Source
from assistant.tests.factories import a_conversation
from assistant.tests.scripted import Scripted
from sessions_app.changes import feed
from sessions_app.models import Sesion
from sessions_app.services import end_session
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import Client, a_client, a_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _connections_close() -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture(autouse=True)
def _served(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["visionai.test"]
    yield
    assert listening.awaited() == 0


@pytest.fixture
def _news(transactional_db: None) -> Iterator[None]:
    feed.start()
    yield
    feed.stop()


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def token(ana: User) -> str:
    return a_token(a_session(ana, kind=Sesion.Kind.API, at=timezone.now()))


@asynccontextmanager
async def a_chat(
    token: str = "", socket: type[ChatSocket] = ChatSocket, chat_id: object = None
) -> AsyncIterator[Client]:
    async with a_client(query=f"?token={token}" if token else "", socket=socket) as client:
        if chat_id is not None:
            route: Any = {"url_route": {"kwargs": {"chat_id": str(chat_id)}}}
            client.scope.update(route)
        yield client


async def send(client: Client, **message: object) -> None:
    await client.send_to(text_data=orjson.dumps(message).decode())


async def until_last(client: Client) -> list[dict[str, Any]]:
    """All frames up to the answer's last."""
    frames = []
    while True:
        frames.append(await client.heard())
        if frames[-1]["type"] in {"text", "error"}:
            return frames


def told(frames: list[dict[str, Any]]) -> str:
    """The deltas together, each where the one before ended."""
    text = ""
    for frame in frames:
        if frame["type"] == "delta":
            assert frame["at"] == len(text)
            text += frame["text"]
    return text


@pytest.mark.parametrize("socket", [ChatSocket, CompatChatSocket])
@pytest.mark.parametrize("text", ['{"message":"Hola"}', '{"type":"text","text":"Hola"}', "Hola"])
async def test_an_original_client_hears_typing_deltas_and_the_text(
    engine: Scripted, token: str, text: str, socket: type[ChatSocket]
) -> None:
    engine.let_all()
    async with a_chat(token, socket) as client:
        hello = await client.hello()
        assert hello["type"] == "connected"
        assert hello["status"] == "connected"
        assert len(hello["client_id"]) == len("chat_12345678")
        await client.send_to(text_data=text)
        assert await client.heard() == {"type": "typing", "is_typing": True}
        frames = await until_last(client)
    assert {frame["type"] for frame in frames[:-1]} == {"delta"}
    assert told(frames) == "Hola, soy yo."
    last = frames[-1]
    assert (last["type"], last["text"], last["is_user"]) == ("text", "Hola, soy yo.", False)
    assert (last["state"], last["engine"], last["model"]) == ("done", "scripted", "words-1")
    ((ask, _user),) = engine.asked
    assert [turn.text for turn in ask.turns] == ["Hola"]


async def test_who_names_the_conversation_hears_of_more(engine: Scripted, token: str) -> None:
    engine.pieces = [Source("Ayuda", "/ayuda/voz")]
    engine.let_all()
    async with a_chat(token) as client:
        await client.hello()
        await send(client, type="text", text="Hola", conversation=None, ref=7)
        assert (await client.heard())["type"] == "typing"
        accepted = await client.heard()
        assert (accepted["type"], accepted["ref"]) == ("accepted", 7)
        frames = await until_last(client)
        kinds = [frame["type"] for frame in frames]
        assert kinds[0] == "began"
        assert "source" in kinds
        assert all(frame["id"] == accepted["answer"] for frame in frames)
        assert frames[-1]["sources"] == [{"title": "Ayuda", "url": "/ayuda/voz"}]
        await send(client, type="text", text="¿Y?", conversation=accepted["conversation"])
        await client.heard()
        assert (await client.heard())["conversation"] == accepted["conversation"]
        await until_last(client)
    ask, _user = engine.asked[-1]
    roles = [turn.role for turn in ask.turns]
    assert roles == ["user", "assistant", "user"]
    assert ask.turns[1].text == "Hola, soy yo."


async def test_a_stop_from_another_socket_keeps_what_was_said(engine: Scripted, token: str) -> None:
    async with a_chat(token) as client, a_chat(token) as other:
        await client.hello()
        await other.hello()
        took = [await stopped_in(engine, client, other) for _ in range(3)]
    assert min(took) < 0.2  # a machine that is held up may take longer now and then
    async with asyncio.timeout(3):
        while engine.closed < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the provider is left each time
    async for row in Message.objects.filter(role="assistant"):
        assert (row.state, row.text, row.owner) == ("stopped", "Hola, soy ", "")


async def stopped_in(engine: Scripted, client: Client, other: Client) -> float:
    """Seconds from the wish of the one to the last frame of the other."""
    await send(client, type="text", text="Hola", conversation=None)
    await client.heard()
    answer = (await client.heard())["answer"]
    engine.let(3)
    text = ""
    while text != "Hola, soy ":
        text += (await client.heard()).get("text", "")
    began = asyncio.get_running_loop().time()
    await send(other, type="stop", id=answer)
    last = (await until_last(client))[-1]
    took = asyncio.get_running_loop().time() - began
    assert (last["type"], last["state"], last["text"]) == ("text", "stopped", "Hola, soy ")
    assert (await until_last(other))[-1] == last
    return took


async def test_a_dropped_client_resumes_where_it_was(engine: Scripted, token: str) -> None:
    async with a_chat(token) as client:
        await client.hello()
        await send(client, type="text", text="Hola", conversation=None)
        await client.heard()
        answer = (await client.heard())["answer"]
        engine.let(2)
        text = ""
        while text != "Hola, ":
            text += (await client.heard()).get("text", "")
    async with a_chat(token) as client:
        await client.hello()
        engine.let(1)
        await send(client, type="resume", id=answer, at=len(text))
        engine.let_all()
        frames = await until_last(client)
    for frame in frames:
        if frame["type"] == "delta":
            assert frame["at"] == len(text)
            text += frame["text"]
    assert text == frames[-1]["text"] == "Hola, soy yo."


async def test_a_provider_s_fault_ends_the_answer_in_words(engine: Scripted, token: str) -> None:
    engine.fault = ProviderTimeout()
    engine.let_all()
    async with a_chat(token) as client:
        await client.hello()
        await client.send_to(text_data="Hola")
        last = (await until_last(client))[-1]
    assert (last["type"], last["code"], last["state"]) == ("error", "provider_timeout", "failed")
    row = await Message.objects.aget(pk=last["id"])
    assert (row.state, row.text) == ("failed", "Hola, soy yo.")


async def test_a_visitor_leaves_nothing_behind(engine: Scripted) -> None:
    async with a_chat() as client:
        await client.hello()
        await client.send_to(text_data="Hola")
        await client.heard()
        engine.let(1)
        assert (await client.heard())["text"] == "Hola"
        assert await Conversation.objects.acount() == 1
    assert await Conversation.objects.acount() == 0
    ((_ask, user),) = engine.asked
    assert user is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("   ", "empty"),
        ('{"type":"text"}', "bad_message"),
        ('{"type":"text","text":7}', "bad_message"),
        ('{"type":"dance"}', "unknown_type"),
        ("[1, 2]", "unknown_type"),
        ("42", "unknown_type"),
        ("null", "unknown_type"),
        ('{"type":["text"],"text":"a"}', "unknown_type"),
        ('{"type":{"a":1}}', "unknown_type"),
        ('{"text":"a","conversation":{},"language":["es"]}', "bad_message"),
        ('{"text":"a","conversation":null,"ref":[1]}', "bad_message"),
        ('{"text":"a","conversation":null,"parent":7}', "bad_message"),
        ('{"type":"resume","id":"00000000-0000-4000-8000-000000000000","at":-1}', "bad_message"),
        ('{"type":"resume","id":"00000000-0000-4000-8000-000000000000","at":true}', "bad_message"),
        ("{}", "unknown_type"),
        ('{"type":"stop","id":"x"}', "bad_message"),
        ('{"type":"stop"}', "bad_message"),
        ('{"type":"resume","id":"00000000-0000-4000-8000-000000000000"}', "not_found"),
        ('{"type":"retry","id":"00000000-0000-4000-8000-000000000000"}', "not_found"),
        ('{"type":"text","text":"a","conversation":"x"}', "bad_message"),
        ('{"type":"text","text":"a","conversation":null,"attachments":7}', "bad_message"),
        ("a" * 16_001, "too_long"),
        ("a" * 100_000, "too_long"),
    ],
)
async def test_nonsense_is_answered_and_the_socket_stays(
    engine: Scripted, token: str, text: str, code: str
) -> None:
    async with a_chat(token) as client:
        await client.hello()
        refused = await client.say(text)
        assert (refused["type"], refused["code"], refused["id"]) == ("error", code, None)
        assert refused["error"]
        assert (await client.say('{"type":"ping"}')) == {"type": "pong"}


async def test_what_is_asked_again_under_its_name_is_asked_once(
    engine: Scripted, token: str
) -> None:
    engine.let_all()
    found = []
    for _ in range(2):
        async with a_chat(token) as client:
            await client.hello()
            await send(client, type="text", text="Hola", conversation=None, ref="a1")
            await client.heard()
            found.append(await client.heard())
            assert (await until_last(client))[-1]["text"] == "Hola, soy yo."
    assert found[0] == found[1]
    assert await Message.objects.acount() == 2
    assert len(engine.asked) == 1


@pytest.mark.usefixtures("_news")
async def test_an_open_conversation_is_heard_in_every_tab(engine: Scripted, token: str) -> None:
    engine.let_all()
    async with a_chat(token) as client, a_chat(token) as other:
        await client.hello()
        await other.hello()
        await send(client, type="text", text="Hola", conversation=None)
        await client.heard()
        talk = (await client.heard())["conversation"]
        await until_last(client)
        await send(other, type="open", conversation=talk)
        assert (await other.heard()) == {"type": "opened", "conversation": talk}
        await send(client, type="text", text="¿Y?", conversation=talk)
        await client.heard()
        accepted = await client.heard()
        assert await other.heard() == accepted
        frames = await until_last(other)
        assert told(frames) == "Hola, soy yo."
        assert (await until_last(client))[-1] == frames[-1]


async def test_a_retry_and_an_edit_stand_beside_what_was_there(
    engine: Scripted, token: str
) -> None:
    engine.let_all()
    async with a_chat(token) as client:
        await client.hello()
        await send(client, type="text", text="Hola", conversation=None)
        await client.heard()
        first = await client.heard()
        await until_last(client)
        await send(client, type="retry", id=first["answer"])
        await client.heard()
        again = await client.heard()
        await until_last(client)
        await send(client, type="edit", id=first["message"], text="Hola a ti", language="en")
        await client.heard()
        edited = await client.heard()
        await until_last(client)
    assert again["message"] == first["message"] != edited["message"]
    rows = {str(row.pk): row async for row in Message.objects.all()}
    assert [row.number for row in rows.values()] == [1, 2, 3, 4, 5]
    assert str(rows[again["answer"]].parent_id) == first["message"]
    assert rows[edited["message"]].parent_id is None
    asks = [ask for ask, _user in engine.asked]
    assert [[turn.text for turn in ask.turns] for ask in asks] == [
        ["Hola"],
        ["Hola"],
        ["Hola a ti"],
    ]
    assert [ask.language for ask in asks] == ["es", "es", "en"]


async def test_a_name_of_one_s_own_leads_back_and_nobody_else_there(
    engine: Scripted, ana: User, token: str
) -> None:
    engine.let_all()
    for who in (token, token, ""):
        async with a_chat(who, chat_id="mi-chat") as client:
            await client.hello()
            await client.send_to(text_data="Hola")
            await until_last(client)
    lengths = [len(ask.turns) for ask, _user in engine.asked]
    assert lengths == [1, 3, 1]
    talk = await Conversation.objects.aget()  # the visitor's is gone
    assert (talk.label, talk.user_id) == ("mi-chat", ana.pk)


async def test_a_conversation_in_the_path_is_one_s_own(
    engine: Scripted, ana: User, token: str
) -> None:
    engine.let_all()
    mine = await sync_to_async(a_conversation)(ana)
    theirs = await sync_to_async(lambda: a_conversation(a_user("eva")))()
    async with a_chat(token, chat_id=mine.pk) as client:
        assert (await client.hello())["conversation"] == str(mine.pk)
        await client.send_to(text_data="Hola")
        await until_last(client)
    assert await Message.objects.filter(conversation=mine).acount() == 2
    for who, which in ((token, theirs), ("", mine)):
        async with a_chat(who, chat_id=which.pk) as client:
            assert (await client.connect())[0]
            assert await client.close_code() == 4404


async def test_a_stranger_hears_and_stops_nothing(engine: Scripted, token: str) -> None:
    eva = await sync_to_async(a_user)("eva")
    session = await sync_to_async(a_session)(eva, kind=Sesion.Kind.API, at=timezone.now())
    async with a_chat(token) as client, a_chat(a_token(session)) as other, a_chat() as visitor:
        for one in (client, other, visitor):
            await one.hello()
        await send(client, type="text", text="Hola", conversation=None)
        await client.heard()
        mine = await client.heard()
        for one in (other, visitor):
            for kind in ("stop", "resume", "retry"):
                await send(one, type=kind, id=mine["answer"])
                assert (await one.heard())["code"] == "not_found"
            await send(one, type="edit", id=mine["message"], text="a")
            assert (await one.heard())["code"] == "not_found"
            await send(one, type="text", text="a", conversation=mine["conversation"])
            assert (await one.heard())["code"] == "not_found"
            await send(one, type="open", conversation=mine["conversation"])
            assert (await one.heard())["code"] == "not_found"
        engine.let_all()
        assert (await until_last(client))[-1]["state"] == "done"


@pytest.mark.usefixtures("_news")
async def test_the_end_of_the_login_ends_the_socket_and_not_the_answer(
    engine: Scripted, ana: User
) -> None:
    session = await sync_to_async(a_session)(ana, kind=Sesion.Kind.API, at=timezone.now())
    async with a_chat(a_token(session)) as client:
        await client.hello()
        await send(client, type="text", text="Hola", conversation=None)
        await client.heard()
        answer = (await client.heard())["answer"]
        await client.heard()  # it began
        reason, at = Sesion.EndReason.LOGOUT, timezone.now()
        await sync_to_async(end_session)(session, reason=reason, at=at)
        assert await client.close_code() == 4401
    engine.let_all()
    assert (await ended(answer)).text == "Hola, soy yo."


async def ended(pk: str) -> Message:
    async with asyncio.timeout(5):
        while True:
            row = await Message.objects.aget(pk=pk)
            if row.has_ended:
                return row
            await asyncio.sleep(0.02)


async def test_visitors_are_let_in_by_setting_and_not_too_often(
    engine: Scripted, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.let_all()
    await sync_to_async(cache.clear)()
    monkeypatch.setattr(pace, "A_MINUTE", 2)
    async with a_chat() as client:
        await client.hello()
        for _ in range(2):
            await client.send_to(text_data="Hola")
            assert (await until_last(client))[-1]["type"] == "text"
        refused = await client.say("Hola")
        assert (refused["code"], refused["id"]) == ("too_fast", None)
        assert 0 < refused["retry_after"] <= 60
        settings.ANONYMOUS_CHAT = False
        assert (await client.say("Hola"))["code"] == "login_required"


async def test_a_flood_of_messages_is_held_back(engine: Scripted, token: str) -> None:
    async with a_chat(token) as client:
        await client.hello()
        for _ in range(30):
            await send(client, type="ping")
        kinds = [(await client.heard())["type"] for _ in range(30)]
    assert kinds[:10] == ["pong"] * 10
    assert "error" in kinds


async def test_a_binary_message_is_none(engine: Scripted, token: str) -> None:
    async with a_chat(token) as client:
        await client.hello()
        await client.send_to(bytes_data=b"\x00")
        assert (await client.heard())["code"] == "unknown_type"
        await send(client, type="typing")
        assert await client.receive_nothing()


async def test_a_plain_client_whose_conversation_was_deleted_begins_anew(
    engine: Scripted, token: str
) -> None:
    engine.let_all()
    async with a_chat(token) as client:
        await client.hello()
        await client.send_to(text_data="Hola")
        await until_last(client)
        await Message.objects.all().adelete()
        await Conversation.objects.all().adelete()
        await client.send_to(text_data="Hola")
        assert (await until_last(client))[-1]["type"] == "text"


async def test_a_connection_is_logged_at_both_ends(
    engine: Scripted, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "assistant")
    engine.let_all()
    async with a_chat(token) as client:
        name = (await client.hello())["client_id"]
        await client.send_to(text_data="Hola")
        await until_last(client)
    opened, closed = (one.getMessage() for one in caplog.records if name in one.getMessage())
    assert opened == f"chat {name} opened from 192.0.2.9"
    assert closed.startswith(f"chat {name} closed, from 192.0.2.9: 1 messages in ")


async def test_an_answer_that_is_deleted_has_an_end_too(
    engine: Scripted, ana: User, token: str
) -> None:
    async with a_chat(token) as client:
        await client.hello()
        await send(client, type="text", text="Hola", conversation=None, language={"a": 1})
        await client.heard()
        accepted = await client.heard()
        await client.heard()  # it began
        talk = uuid.UUID(accepted["conversation"])
        await sync_to_async(services.delete)(services.Speaker(ana.pk), talk)
        last = (await until_last(client))[-1]
    assert (last["type"], last["id"], last["code"]) == ("error", accepted["answer"], "not_found")


async def test_a_database_that_is_away_is_told_and_the_socket_stays(
    engine: Scripted, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object, **_more: object) -> None:
        raise OperationalError("away")

    async with a_chat(token) as client:
        await client.hello()
        with monkeypatch.context() as patch:
            patch.setattr(services, "ask", away)
            refused = await client.say("Hola")
        assert (refused["code"], refused["retry_after"]) == ("unavailable", 5)
        engine.let_all()
        await client.send_to(text_data="Hola")
        assert (await until_last(client))[-1]["type"] == "text"
