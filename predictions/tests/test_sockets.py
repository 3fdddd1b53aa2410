import asyncio
import base64
from collections.abc import AsyncIterator, Iterator

import numpy as np
import orjson
import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from predictions import consumers
from predictions.consents import forget_consent
from predictions.consumers import CameraSocket, CompatSocket
from predictions.log_buffer import LogBuffer, log_buffer
from predictions.models import PredictionLog
from predictions.services import CONSENT_WITHDRAWN, give_consent, withdraw_consent
from predictions.tests.pictures import encoded, four_corners
from predictions.tests.stand_in import ByBrightness
from sessions_app.changes import feed, listen
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session
from sessions_app.tests.sockets import SERVED, Client, a_client, a_token

pytestmark = pytest.mark.django_db(transaction=True)
BRIGHT = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")
DARK = encoded(np.full((96, 96, 3), 10, np.uint8), "PNG")
TEXT = base64.b64encode(BRIGHT).decode()


@pytest.fixture(autouse=True)
def _served(settings: Settings, stand_in: ByBrightness) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["visionai.test"]
    yield
    log_buffer.flush()


@pytest.fixture
def token(ana: User) -> str:
    return a_token(a_session(ana, kind=Sesion.Kind.API, at=timezone.now()))


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """An anonymous client of `/ws` that has read its welcome."""
    async with a_client(socket=CompatSocket, headers=[(b"accept-language", b"en")]) as one:
        await one.hello()
        yield one


async def send(client: Client, **message: object) -> None:
    await client.send_to(text_data=orjson.dumps(message).decode())


async def ask(client: Client, **message: object) -> dict[str, object]:
    await send(client, **message)
    return await client.heard()


@database_sync_to_async
def rows() -> list[PredictionLog]:
    log_buffer.flush()
    return list(PredictionLog.objects.order_by("pk").select_related("user"))


async def occupied(client: Client, stand_in: ByBrightness) -> None:
    """Hold the worker with one binary frame of this client."""
    stand_in.at_work.clear()
    stand_in.gate.clear()
    await client.send_to(bytes_data=BRIGHT)
    assert await asyncio.to_thread(stand_in.at_work.wait, 5)


async def test_the_welcome_names_the_commands() -> None:
    async with a_client(socket=CompatSocket) as client:
        hello = await client.hello()
    assert (hello["type"], hello["status"]) == ("connection", "connected")
    assert hello["commands"] == ["predict", "emotions", "model_info", "health"]
    assert set(hello) == {"type", "status", "message", "commands", "client_id", "timestamp"}


async def test_a_json_predict_is_answered_as_the_original_did(client: Client) -> None:
    answer = await ask(client, command="predict", image=TEXT)
    expected = {
        "type": "prediction",
        "status": "success",
        "emotion_name": "happy",
        "confidence": 1.0,
        "model_version_tag": "test-1",
        "user": None,
        "user_id": None,
        "frame": 1,
        "logged_through": 0,
    }
    assert expected.items() <= answer.items()
    assert {"processing_time_ms", "timestamp", "probabilities", "faces"} <= set(answer)
    assert "id" not in answer
    (row,) = await rows()
    assert (row.user, row.source_ip) == (None, "192.0.2.9")


async def test_a_data_url_and_an_own_id_are_taken(client: Client) -> None:
    image = f"data:image/png;base64,{TEXT}"
    answer = await ask(client, command="predict", image=image, id="abc")
    assert (answer["type"], answer["id"], answer["frame"]) == ("prediction", "abc", 1)


async def test_the_token_of_a_message_names_its_user(client: Client, token: str, ana: User) -> None:
    answer = await ask(client, command="predict", image=TEXT, token=token)
    assert (answer["user"], answer["user_id"]) == ("ana", ana.pk)
    answer = await ask(client, command="predict", image=TEXT)
    assert answer["user"] is None
    assert [row.username for row in await rows()] == ["ana", None]
    assert (await rows())[0].session_id is not None


async def test_a_bad_token_is_an_error_and_the_socket_stays_open(client: Client) -> None:
    answer = await ask(client, command="predict", image=TEXT, token="no.such.token")
    assert (answer["type"], answer["status"], answer["frame"]) == ("error", "error", 1)
    assert (await ask(client, command="predict", image=TEXT))["frame"] == 2
    assert len(await rows()) == 1


async def test_a_token_at_connect_counts_for_every_frame(token: str) -> None:
    async with a_client(socket=CompatSocket, subprotocols=["bearer", token]) as client:
        await client.hello()
        await client.send_to(bytes_data=BRIGHT)
        assert (await client.heard())["user"] == "ana"


async def test_the_compatibility_socket_ignores_the_cookie(ana: User) -> None:
    async with a_client(socket=CompatSocket, origin=SERVED, cookie=await a_cookie(ana)) as client:
        await client.hello()
        assert (await ask(client, command="predict", image=TEXT))["user"] is None


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"command": "predict"}, "empty"),
        ({"command": "predict", "image": 7}, "empty"),
        ({"command": "predict", "image": "%%%"}, "broken"),
        (
            {"command": "predict", "image": base64.b64encode(b"GIF89a").decode()},
            "unsupported_format",
        ),
        ({"command": "fly"}, "unknown_command"),
        ({"message": "Hola"}, "unknown_command"),
        ({}, "unknown_command"),
    ],
)
async def test_what_cannot_be_done_is_an_error_that_names_the_commands(
    client: Client, message: dict[str, object], code: str
) -> None:
    answer = await ask(client, **message)
    assert (answer["type"], answer["status"], answer["code"]) == ("error", "error", code)
    assert answer["available_commands"] == ["predict", "emotions", "model_info", "health"]
    assert answer["message"]
    assert (await ask(client, command="health"))["type"] == "health"


@pytest.mark.parametrize("text", ["Hola", "[1]", "7", "null", '"x"', "{"])
async def test_text_that_is_no_command_is_an_error(client: Client, text: str) -> None:
    assert (await client.say(text))["code"] == "unknown_command"


async def test_the_other_commands_answer_as_the_original_did(client: Client) -> None:
    emotions = await ask(client, command="emotions")
    assert (emotions["type"], emotions["status"]) == ("emotions", "success")
    assert {"id": 4, "name": "happy", "description": "Felicidad o alegría"} in emotions["emotions"]  # type: ignore[operator]
    info = await ask(client, command="model_info")
    assert info["info"]["status"] == "loaded"  # type: ignore[index]
    assert info["info"]["input_shape"] == "(None, 96, 96, 3)"  # type: ignore[index]
    health = await ask(client, command="health")
    assert (health["status"], health["service"]) == ("healthy", "VisionAI Backend")
    assert health["clients_connected"] == 1


async def test_json_predicts_are_answered_all_and_in_order(client: Client) -> None:
    for number in range(12):
        await send(client, command="predict", image=TEXT, id=number)
    await send(client, command="health")
    answers = [await client.heard() for _ in range(13)]
    assert [answer.get("id") for answer in answers] == [*range(12), None]
    assert {answer["type"] for answer in answers[:12]} == {"prediction"}
    assert len(await rows()) == 12


async def test_of_binary_frames_the_newest_wins(client: Client, stand_in: ByBrightness) -> None:
    await occupied(client, stand_in)
    for _ in range(3):
        await client.send_to(bytes_data=BRIGHT)
    dropped = [await client.heard() for _ in range(2)]
    assert [(one["type"], one["status"], one["frame"], one["reason"]) for one in dropped] == [
        ("dropped", "dropped", 2, "newer"),
        ("dropped", "dropped", 3, "newer"),
    ]
    stand_in.gate.set()
    answers = [await client.heard() for _ in range(2)]
    assert [(one["type"], one["frame"]) for one in answers] == [
        ("prediction", 1),
        ("prediction", 4),
    ]


async def test_an_answer_tells_how_far_the_log_is_durable(client: Client) -> None:
    await client.send_to(bytes_data=BRIGHT)
    assert (await client.heard())["logged_through"] == 0
    assert len(await rows()) == 1
    await client.send_to(bytes_data=BRIGHT)
    assert (await client.heard())["logged_through"] == 1


async def test_a_bad_frame_is_an_error_with_its_number(client: Client) -> None:
    await client.send_to(bytes_data=b"not a picture")
    answer = await client.heard()
    assert (answer["code"], answer["frame"]) == ("unsupported_format", 1)


async def test_a_connection_that_is_too_fast_is_told_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = settings.ENV.model_copy(update={"socket_frames_per_second": 1})
    monkeypatch.setattr(settings, "ENV", slow)
    async with a_client(socket=CameraSocket) as camera:
        await camera.hello()
        await camera.send_to(bytes_data=BRIGHT)
        assert (await camera.heard())["type"] == "prediction"
        await camera.send_to(bytes_data=BRIGHT)
        answer = await camera.heard()
        assert (answer["type"], answer["reason"], answer["frame"]) == ("dropped", "limit", 2)


async def test_when_the_log_is_full_no_prediction_is_given(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "log_buffer", LogBuffer(most_rows=0))
    await client.send_to(bytes_data=BRIGHT)
    answer = await client.heard()
    assert (answer["type"], answer["code"], answer["frame"]) == ("error", "log_unavailable", 1)


async def test_a_fault_of_ours_is_an_answer_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(consumers, "rows_of", fail)
        await client.send_to(bytes_data=BRIGHT)
        answer = await client.heard()
    assert (answer["type"], answer["code"], answer["frame"]) == ("error", "internal", 1)
    await client.send_to(bytes_data=BRIGHT)
    assert (await client.heard())["type"] == "prediction"


async def test_visitors_may_be_shut_out(
    client: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = settings.ENV.model_copy(update={"anonymous_predict": False})
    monkeypatch.setattr(settings, "ENV", closed)
    assert (await ask(client, command="predict", image=TEXT))["code"] == "login_required"
    await client.send_to(bytes_data=BRIGHT)
    assert (await client.heard())["code"] == "login_required"
    answer = await ask(client, command="predict", image=TEXT, token=token)
    assert answer["type"] == "prediction"


async def test_errors_are_spoken_in_the_clients_language() -> None:
    said = {}
    for language in (b"en", b"es"):
        headers = [(b"accept-language", language)]
        async with a_client(socket=CompatSocket, headers=headers) as client:
            said[language] = (await client.hello(), await ask(client, command="fly"))
    assert said[b"en"][0]["message"] == "Connected to VisionAI."
    assert said[b"en"][1]["code"] == said[b"es"][1]["code"]


async def a_cookie(user: User) -> str:
    def sign_in() -> str:
        browser = Browser()
        browser.force_login(user)
        return str(browser.session.session_key)

    return await database_sync_to_async(sign_in)()


async def test_the_camera_asks_a_signed_in_user_for_consent_first(ana: User) -> None:
    async with a_client(socket=CameraSocket, origin=SERVED, cookie=await a_cookie(ana)) as client:
        await client.hello()
        await client.send_to(bytes_data=BRIGHT)
        answer = await client.heard()
        assert (answer["type"], answer["code"], answer["frame"]) == ("error", "consent_required", 1)
        await database_sync_to_async(give_consent)(ana, at=timezone.now())
        await client.send_to(bytes_data=BRIGHT)
        answer = await client.heard()
        assert (answer["type"], answer["user"], answer["user_id"]) == ("prediction", "ana", ana.pk)
    (row,) = await rows()
    assert row.username == "ana"


async def test_a_live_camera_is_not_read_once_the_consent_is_withdrawn(ana: User) -> None:
    listen(CONSENT_WITHDRAWN, forget_consent)
    await database_sync_to_async(give_consent)(ana, at=timezone.now())
    async with a_client(socket=CameraSocket, origin=SERVED, cookie=await a_cookie(ana)) as client:
        await client.hello()
        await client.send_to(bytes_data=BRIGHT)
        assert (await client.heard())["type"] == "prediction"
        await database_sync_to_async(feed.poll)()  # what was told before this test
        await database_sync_to_async(withdraw_consent)(ana)
        await database_sync_to_async(feed.poll)()
        await client.send_to(bytes_data=BRIGHT)
        assert (await client.heard())["code"] == "consent_required"


async def test_on_the_camera_a_json_predict_is_superseded_too(stand_in: ByBrightness) -> None:
    async with a_client(socket=CameraSocket) as client:
        await client.hello()
        await occupied(client, stand_in)
        for number in (2, 3):
            await send(client, command="predict", image=TEXT, id=number)
        assert (await client.heard())["reason"] == "newer"
        stand_in.gate.set()
        assert [(await client.heard()).get("id") for _ in range(2)] == [None, 3]


async def test_a_stream_is_smoothed_beside_what_each_picture_says(client: Client) -> None:
    await client.send_to(bytes_data=BRIGHT)
    await client.heard()
    await client.send_to(bytes_data=DARK)
    answer = await client.heard()
    assert (answer["emotion_name"], answer["probabilities"]["happy"]) == ("sad", 0)
    smoothed = answer["smoothed"]
    assert (smoothed["lag_ms"], smoothed["abstained"]) == (250, False)
    assert 0 < smoothed["probabilities"]["happy"] < 1
    assert answer["faces"][0]["smoothed"] == smoothed
    assert [row.emotion_id for row in await rows()] == [4, 6]  # what the pictures said


async def test_a_request_outside_of_a_stream_is_not_smoothed(client: Client) -> None:
    answer = await ask(client, command="predict", image=TEXT)
    assert "smoothed" not in answer
    assert "smoothed" not in answer["faces"][0]  # type: ignore[index]


async def test_a_withheld_answer_says_so_and_is_not_logged(
    client: Client, stand_in: ByBrightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = settings.ENV.model_copy(update={"abstain_below": 0.6})
    monkeypatch.setattr(settings, "ENV", unsure)
    stand_in.sure = 0.5
    answer = await ask(client, command="predict", image=TEXT)
    assert (answer["type"], answer["emotion_name"], answer["abstained"]) == (
        "prediction",
        None,
        True,
    )
    assert (answer["threshold"], answer["calibrated"], answer["confidence"]) == (0.6, True, 0.5)
    await client.send_to(bytes_data=BRIGHT)
    live = await client.heard()
    assert (live["abstained"], live["smoothed"]["abstained"]) == (True, True)
    assert await rows() == []


async def test_a_picture_without_a_face_is_an_answer_without_a_row(client: Client) -> None:
    wall = base64.b64encode(encoded(four_corners(200, 120))).decode()
    answer = await ask(client, command="predict", image=wall)
    assert (answer["type"], answer["emotion_name"], answer["faces"]) == ("prediction", None, [])
    assert await rows() == []


async def test_a_client_that_leaves_while_its_frame_is_read_costs_nothing(
    stand_in: ByBrightness,
) -> None:
    async with a_client(socket=CompatSocket) as client:
        await client.hello()
        await occupied(client, stand_in)
        await client.send_to(bytes_data=BRIGHT)
    stand_in.gate.set()
    async with a_client(socket=CompatSocket) as other:
        await other.hello()
        assert (await ask(other, command="predict", image=TEXT))["type"] == "prediction"
