"""The entrances for letters: canonical and as the original had them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from predictions import letters, throttles
from predictions.core.letters import LetterReader
from predictions.models import PredictionLog
from predictions.tests.pictures import encoded, four_corners, png_claiming
from predictions.tests.test_letters import Says
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token

pytestmark = pytest.mark.django_db
CANONICAL = "/api/v1/letters/predict"
ORIGINALS = ["/asl/analizar", "/api/image/asl/predict"]
EVERY = [CANONICAL, *ORIGINALS]
CARDS = ["/api/v1/letters/model", "/asl/modelo/info"]
HAND = encoded(four_corners(200, 200))
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    letters.forget_network()


def says(monkeypatch: pytest.MonkeyPatch, **shares: float) -> None:
    card = {"tag": "letters-test"}
    reader = LetterReader(Says(**shares), threshold=0.3)
    monkeypatch.setattr(letters, "_loaded", (reader, card))


@pytest.fixture
def stranger() -> APIClient:
    return APIClient(headers=ENGLISH)


@pytest.fixture
def owner() -> APIClient:
    sesion = a_session(a_user("ana"), kind=Sesion.Kind.API, at=timezone.now())
    return APIClient(headers={**ENGLISH, "Authorization": f"Bearer {a_token(sesion)}"})


def send(client: APIClient, path: str, data: bytes = HAND, **headers: str) -> Any:
    form = {"file": SimpleUploadedFile("hand.jpg", data)}
    return client.post(path, form, format="multipart", headers=headers or None)


def test_a_visitor_reads_a_letter(stranger: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, L=0.7, D=0.2, Z=0.1)
    answer = send(stranger, CANONICAL)
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("processing_time_ms") >= 0
    assert body == {
        "letter": "L",
        "confidence": 0.7,
        "calibrated": True,
        "movement": False,
        "movement_letters": ["J", "Z"],
        "alternatives": [
            {"letter": "L", "confidence": 0.7, "movement": False},
            {"letter": "D", "confidence": 0.2, "movement": False},
            {"letter": "Z", "confidence": 0.1, "movement": True},
        ],
        "abstained": False,
        "threshold": 0.3,
        "message": "The letter L (70 %).",
        "model_version_tag": "letters-test",
    }
    assert not PredictionLog.objects.exists()  # nothing is kept of a hand


@pytest.mark.parametrize("path", [*ORIGINALS, "/asl/analizar/", "/api/image/asl/predict/"])
def test_the_originals_entrances_answer_in_their_words(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    says(monkeypatch, B=0.704, C=0.2)
    body = send(stranger, path).json()
    assert body["success"] is True
    assert (body["prediction"], body["confidence"]) == ("B", 70.4)
    assert body["alternatives"][1] == {"prediction": "C", "confidence": 20.0, "movement": False}
    assert len(body["alternatives"]) == 3
    assert body["source"] == "embedded letters-test"
    assert body["message"] == "The letter B (70 %)."
    assert body["movement_letters"] == ["J", "Z"]


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("letter", ["J", "Z"])
def test_a_movement_letter_is_flagged_and_explained(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, path: str, letter: str
) -> None:
    says(monkeypatch, **{letter: 0.9})
    body = send(stranger, path).json()
    assert (body["movement"], body["alternatives"][0]["movement"]) == (True, True)
    assert "movement" in body["message"]


@pytest.mark.parametrize("path", EVERY)
def test_an_unsure_network_names_no_letter(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    says(monkeypatch, A=0.2, B=0.1)
    body = send(stranger, path).json()
    assert body["abstained"] is True
    assert body.get("letter", body.get("prediction")) == "no letter"
    assert "No letter" in body["message"]
    assert body["alternatives"][0]["confidence"] in {0.2, 20.0}


def test_the_message_is_in_the_callers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, A=0.9)
    spanish = send(APIClient(headers={"Accept-Language": "es"}), CANONICAL)
    assert spanish.json()["message"] == "La letra A (90 %)."
    english = send(APIClient(headers=ENGLISH), CANONICAL)
    assert english.json()["message"] == "The letter A (90 %)."


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("key", ["image", "file"])
@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,"])
def test_a_picture_may_come_as_base64(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, path: str, key: str, prefix: str
) -> None:
    says(monkeypatch, A=0.9)
    body = {key: prefix + base64.b64encode(HAND).decode()}
    assert stranger.post(path, body, format="json").status_code == 200


@pytest.mark.parametrize("path", EVERY)
def test_a_signed_in_user_reads_letters_too(
    owner: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    says(monkeypatch, A=0.9)
    assert send(owner, path).status_code == 200


@pytest.mark.parametrize("path", EVERY)
def test_a_bad_token_is_never_a_visitor(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    says(monkeypatch, A=0.9)
    assert send(stranger, path, Authorization="Bearer no.such.token").status_code == 401


@pytest.mark.parametrize("path", EVERY)
def test_visitors_are_turned_away_where_the_operator_closed_pictures_to_them(
    stranger: APIClient, owner: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    says(monkeypatch, A=0.9)
    closed = settings.ENV.model_copy(update={"anonymous_predict": False})
    monkeypatch.setattr(settings, "ENV", closed)
    answer = send(stranger, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")
    assert send(owner, path).status_code == 200


def test_visitors_are_counted_by_address_over_all_entrances(
    stranger: APIClient, owner: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, A=0.9)
    monkeypatch.setattr(throttles.AnonymousLetters, "rate", "2/min")
    assert [send(stranger, path).status_code for path in EVERY] == [200, 200, 429]
    assert int(send(stranger, CANONICAL)["Retry-After"]) > 0
    assert send(owner, CANONICAL).status_code == 200


REFUSED = [
    (b"", 400, "empty"),
    (b"%PDF-1.7 not a picture", 415, "unsupported_format"),
    (HAND[: len(HAND) // 2], 422, "broken"),
    (png_claiming(30_000, 30_000), 422, "too_many_pixels"),
    (b"\xff" * (10 * 2**20 + 1), 413, "too_large"),
]


@pytest.mark.parametrize("path", [CANONICAL, ORIGINALS[0]])
@pytest.mark.parametrize(("data", "status", "code"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_is_no_picture_is_refused_with_a_reason(
    stranger: APIClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    data: bytes,
    status: int,
    code: str,
) -> None:
    says(monkeypatch, A=0.9)
    answer = send(stranger, path, data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("body", [{}, {"image": 7}, [1, 2], "text"])
def test_a_request_without_a_picture_is_told_so(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, path: str, body: object
) -> None:
    says(monkeypatch, A=0.9)
    answer = stranger.post(path, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_file")
    assert stranger.post(path, {"name": "x"}, format="multipart").status_code == 400


def test_a_large_picture_fits_into_json_too(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, A=0.9)
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), np.uint8)
    picture = encoded(noise, "PNG")
    assert 4_000_000 < len(picture) < 10 * 2**20
    body = {"image": base64.b64encode(picture).decode()}
    assert stranger.post(CANONICAL, body, format="json").status_code == 200
    body["image"] *= 3
    assert stranger.post(CANONICAL, body, format="json").status_code == 413


def test_text_that_is_no_base64_is_refused(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, A=0.9)
    answer = stranger.post(CANONICAL, {"image": "not base64!"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "broken")


@pytest.mark.parametrize("path", EVERY)
def test_only_a_post_reads(stranger: APIClient, path: str) -> None:
    assert stranger.get(path).status_code == 405


@pytest.mark.parametrize("path", [*EVERY, *CARDS])
def test_without_its_network_the_server_says_so(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    letters.forget_network()
    monkeypatch.setattr(letters, "SHIPPED_CARD", tmp_path / "letters-v2.json")
    answer = stranger.get(path) if path in CARDS else send(stranger, path)
    assert (answer.status_code, answer.json()["code"]) == (503, "no_letter_network")
