import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from assistant.consumers import ChatSocket, CompatChatSocket
from assistant.listening import listening
from assistant.models import Conversation, Message
from assistant.providers.base import ProviderTimeout, Source
from assistant.tests.scripted import Scripted
from sessions_app.changes import feed
from sessions_app.models import Sesion
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


def a_chat(token: str = "", socket: type[ChatSocket] = ChatSocket) -> Any:
    return a_client(query=f"?token={token}" if token else "", socket=socket)


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
        await send(client, type="text", text="Hola", conversation=None)
        await client.heard()
        answer = (await client.heard())["answer"]
        engine.let(3)
        text = ""
        while text != "Hola, soy ":
            frame = await client.heard()
            text += frame.get("text", "")
        began = asyncio.get_running_loop().time()
        await send(other, type="stop", id=answer)
        last = (await until_last(client))[-1]
        assert asyncio.get_running_loop().time() - began < 0.2
        assert (last["type"], last["state"], last["text"]) == ("text", "stopped", "Hola, soy ")
        assert (await until_last(other))[-1] == last
    row = await Message.objects.aget(pk=answer)
    assert (row.state, row.text, row.owner) == ("stopped", "Hola, soy ", "")
    assert engine.closed == 1


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
