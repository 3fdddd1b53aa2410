"""Letters that a Space reads: gradio_client against a server that speaks its protocol."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from assistant.providers import configured
from assistant.providers.base import ProviderFault
from assistant.providers.spaces import LetterSpace, letters_in
from predictions.tests.pictures import encoded, four_corners
from tests.services.gradio_server import LABEL, GradioServer

pytestmark = pytest.mark.django_db(transaction=True)


HAND = encoded(four_corners(200, 200))


@pytest.fixture
def far(settings: Settings) -> Iterator[GradioServer]:
    with GradioServer() as server:
        settings.HF_ASL_SPACE_URL = server.url
        settings.HF_API_KEY = "hf_canary0123456789"
        settings.CHAT_DEADLINE_S = 5.0
        yield server
    configured.clear_guards()


@pytest.mark.parametrize(
    ("answer", "letters"),
    [
        (LABEL, [("L", 0.91), ("D", 0.06)]),
        ({"label": "b"}, [("B", 1.0)]),
        ({"prediction": "A", "confidence": 87.5}, [("A", 0.875)]),
        ("C", [("C", 1.0)]),
        ("Letra: Q (93 %)", [("Q", 1.0)]),
        (("W", 0.5), [("W", 0.5)]),
        ([LABEL, "x"], [("L", 0.91), ("D", 0.06)]),
    ],
)
def test_an_answer_is_read_in_the_forms_that_spaces_give(
    answer: Any, letters: list[tuple[str, float]]
) -> None:
    assert letters_in(answer) == letters


@pytest.mark.parametrize("answer", [None, "", "hola", {}, {"label": "nothing"}, [], 3, [1, 2]])
def test_what_is_no_letter_is_a_fault(answer: Any) -> None:
    with pytest.raises(ProviderFault):
        letters_in(answer)


def pools() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("ThreadPoolExecutor")}


async def test_a_space_reads_a_letter_and_leaves_no_thread(far: GradioServer) -> None:
    before = pools()
    assert await LetterSpace(far.url).letters(HAND) == [("L", 0.91), ("D", 0.06)]
    assert HAND in far.uploaded[0]
    assert "canary" not in str(far.requests)  # no token of ours is shown to a Space
    far.api_name = "leer"
    assert (await LetterSpace(far.url).letters(HAND))[0] == ("L", 0.91)
    limit = time.monotonic() + 5
    while pools() - before:
        assert time.monotonic() < limit
        time.sleep(0.05)  # noqa: ASYNC251 (nothing else runs here)


@pytest.mark.parametrize(
    "switches",
    [{"status": 500}, {"status": 401}, {"status": 429}, {"body": "<html>"}, {"body": "{}"}],
)
async def test_every_failure_is_one_of_ours_and_says_no_secret(
    far: GradioServer, switches: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    far.behave(**switches)
    with pytest.raises(ProviderFault) as raised:
        await LetterSpace(far.url).letters(HAND)
    far.behave()
    far.said = None
    with pytest.raises(ProviderFault):
        await LetterSpace(far.url).letters(HAND)
    assert raised.value.__cause__ is None
    assert "canary" not in caplog.text + repr(LetterSpace(far.url))


def read(client: APIClient) -> dict[str, Any]:
    file = SimpleUploadedFile("a.png", HAND)
    answer = client.post("/asl/analizar", {"file": file}, format="multipart")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def ana() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ana"))
    return client


def test_the_original_s_path_has_the_space_read(far: GradioServer, ana: APIClient) -> None:
    body = read(ana)
    assert (body["prediction"], body["confidence"], body["degraded"]) == ("L", 91.0, False)
    assert body["source"] == f"space {far.url}"
    assert [one["prediction"] for one in body["alternatives"]] == ["L", "D"]
    assert HAND not in far.uploaded[0]  # but the bare picture, encoded anew
    assert b"JFIF" in far.uploaded[0]


def test_a_stranger_s_hand_stays_here(far: GradioServer) -> None:
    body = read(APIClient())
    assert body["source"].startswith("embedded ")
    assert far.requests == []


def test_our_network_stands_in_and_says_so(
    far: GradioServer, ana: APIClient, settings: Settings
) -> None:
    settings.CHAT_DEADLINE_S = 1.0
    far.behave(hang=True, paths="queue/data")
    body = read(ana)
    assert body["source"].startswith("embedded ")
    assert body["degraded"] is True
    settings.HF_ASL_SPACE_URL = None
    assert read(ana)["degraded"] is False
