"""`/ws`: commands and questions on one line, each answered to its end before the next."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.consumers import EverySocket
from assistant.models import Conversation
from assistant.tests.scripted import Scripted
from predictions.log_buffer import log_buffer
from predictions.tests.pictures import encoded
from predictions.tests.stand_in import ByBrightness
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import Client, a_client, a_token

pytestmark = pytest.mark.django_db(transaction=True)
FRAME = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")


@pytest.fixture(autouse=True)
async def _connections_close() -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture(autouse=True)
def _served(settings: Settings, stand_in: ByBrightness) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["visionai.test"]
    yield
    log_buffer.flush()


@pytest.fixture
async def client(engine: Scripted) -> AsyncIterator[Client]:
    """An anonymous client that has read its welcome."""
    async with a_client(socket=EverySocket, headers=[(b"accept-language", b"en")]) as one:
        hello = await one.hello()
        assert hello["type"] == "connection"
        assert hello["client_id"].startswith("chat_")
        yield one


async def heard(client: Client, count: int) -> list[dict[str, Any]]:
    return [await client.heard() for _ in range(count)]


async def send(client: Client, **message: object) -> None:
    await client.send_to(text_data=orjson.dumps(message).decode())


@pytest.mark.parametrize("text", ['{"message":"Hola"}', '{"type":"text","text":"Hola"}', "Hola"])
async def test_a_question_is_answered_in_deltas(
    client: Client, engine: Scripted, text: str
) -> None:
    engine.let_all()
    await client.send_to(text_data=text)
    assert await client.heard() == {"type": "typing", "is_typing": True}
    said = ""
    while (frame := await client.heard())["type"] == "delta":
        said += frame["text"]
    assert (frame["type"], frame["text"], frame["is_user"]) == ("text", said, False)
    assert said == "Hola, soy yo."
    assert engine.asked[0][1] is None  # a visitor: the embedded engine alone


async def test_nothing_else_is_answered_before_an_answer_s_end(
    client: Client, engine: Scripted
) -> None:
    await client.send_to(text_data="Hola")
    await send(client, command="emotions")
    await client.send_to(text_data="¿Y?")
    assert (await client.heard())["type"] == "typing"
    engine.let(1)
    assert (await client.heard())["text"] == "Hola"
    assert await client.receive_nothing(0.2)
    engine.let_all()
    kinds = [frame["type"] for frame in await heard(client, 3)]
    while "text" not in kinds:
        kinds.append((await client.heard())["type"])
    while kinds[-1] != "typing":
        kinds.append((await client.heard())["type"])
    order = [kind for kind in kinds if kind != "delta"]
    assert order == ["text", "emotions", "typing"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"command":"emotions","message":"Hola"}', "emotions"),
        ('{"message":"Hola","command":"emotions"}', "typing"),
        ('{"id":7,"text":"Hola"}', "typing"),
        ('{"command":"fly"}', "error"),
        ("[1]", "error"),
        ("{}", "error"),
        ('{"message":7}', "error"),
        ("  ", "error"),
        ("a" * 20_000, "error"),
    ],
)
async def test_the_first_key_decides(
    client: Client, engine: Scripted, text: str, kind: str
) -> None:
    assert (await client.say(text))["type"] == kind


async def test_frames_go_on_beside_it(client: Client, engine: Scripted) -> None:
    engine.let_all()
    await client.send_to(bytes_data=FRAME)
    assert (await client.heard())["type"] == "prediction"


async def test_a_token_in_a_question_says_whose_it_is(client: Client, engine: Scripted) -> None:
    engine.let_all()
    ana = await sync_to_async(a_user)("ana")
    session = await sync_to_async(a_session)(ana, kind=Sesion.Kind.API, at=timezone.now())
    await send(client, message="Hola", token=a_token(session))
    assert (await client.heard())["type"] == "typing"
    talk = await Conversation.objects.aget()
    assert (talk.user_id, talk.sesion_number) == (ana.pk, session.pk)
    while (await client.heard())["type"] != "text":
        pass
    await send(client, message="Hola", token="no.such.token")
    refused = await client.heard()
    assert (refused["type"], refused["code"]) == ("error", "bad_token")
