"""Emotions of a picture through the API, and what is known of the model."""

import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from predictions import inference, throttles
from predictions.core.engine import Engine
from predictions.core.reading import Dropped
from predictions.models import ModelVersion, PredictionLog
from predictions.tests.factories import a_face, a_prediction, a_version
from predictions.tests.pictures import COLLINS, encoded, four_corners, png_claiming
from predictions.tests.stand_in import ByBrightness
from predictions.versions import activate_version
from predictions.wire import prediction_body
from sessions_app.models import Sesion

pytestmark = pytest.mark.django_db
BRIGHT_FACE = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")
WALL = encoded(four_corners(200, 120))


def upload(data: bytes, name: str = "photo.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def predict(client: APIClient, data: bytes, **more: str):  # type: ignore[no-untyped-def]
    form = {"file": upload(data), **more}
    return client.post("/api/v1/predict", form, format="multipart")


# predict


@pytest.mark.parametrize("path", ["/api/v1/predict", "/api/v1/predict/"])
def test_a_visitor_gets_the_emotion_of_a_face(
    stranger: APIClient, stand_in: ByBrightness, path: str
) -> None:
    answer = stranger.post(path, {"file": upload(BRIGHT_FACE)}, format="multipart")
    assert answer.status_code == 200
    body = answer.json()
    row = PredictionLog.objects.get()
    assert list(body) == [
        "emotion_name",
        "confidence",
        "model_version_tag",
        "processing_time_ms",
        "probabilities",
        "abstained",
        "threshold",
        "calibrated",
        "faces",
        "width",
        "height",
        "prediction_id",
    ]
    assert (body["emotion_name"], body["confidence"]) == ("happy", 1.0)
    assert (body["model_version_tag"], body["prediction_id"]) == ("test-1", row.pk)
    assert isinstance(body["processing_time_ms"], int)
    assert (body["abstained"], body["threshold"], body["calibrated"]) == (False, 0.0, True)
    assert body["probabilities"]["happy"] == 1.0
    assert list(body["probabilities"]) == [
        "angry",
        "disgust",
        "fear",
        "happy",
        "neutral",
        "sad",
        "surprise",
    ]
    assert body["faces"] == [
        {
            "box": {"x": 0, "y": 0, "width": 96, "height": 96},
            "emotion_name": "happy",
            "confidence": 1.0,
            "abstained": False,
            "probabilities": body["probabilities"],
        }
    ]
    assert (row.user, row.username, row.session, row.source_ip) == (None, None, None, "127.0.0.1")


def test_a_signed_in_users_row_names_them_and_their_session(
    owner: APIClient, ana: User, sesion: Sesion, stand_in: ByBrightness
) -> None:
    assert predict(owner, COLLINS.read_bytes()).status_code == 200
    row = PredictionLog.objects.get()
    assert (row.user, row.username, row.session) == (ana, "ana", sesion)
    assert row.model.version_tag == "test-1"


def test_a_picture_without_a_face_is_an_answer(stranger: APIClient, stand_in: ByBrightness) -> None:
    body = predict(stranger, WALL).json()
    assert (body["emotion_name"], body["confidence"], body["faces"]) == (None, 0.0, [])
    assert (body["probabilities"], body["prediction_id"]) == ({}, None)
    assert predict(stranger, WALL, assume_face="true").json()["emotion_name"] == "happy"
    assert PredictionLog.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"<svg/>", 415, "unsupported_format"),
        (png_claiming(9000, 9000), 422, "too_many_pixels"),
        (COLLINS.read_bytes()[:9000], 422, "broken"),
        (b"\xff\xd8\xff" + bytes(10 * 2**20), 413, "too_large"),
    ],
)
def test_a_bad_file_is_refused_with_a_problem_document(
    stranger: APIClient, stand_in: ByBrightness, data: bytes, status: int, code: str
) -> None:
    answer = predict(stranger, data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert "{" not in answer.json()["detail"]
    assert not PredictionLog.objects.exists()


def test_a_request_without_a_file_is_told_what_to_send(
    stranger: APIClient, stand_in: ByBrightness
) -> None:
    answer = stranger.post(
        "/api/v1/predict", {}, format="multipart", headers={"Accept-Language": "en"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "no_file")
    assert "file" in answer.json()["detail"]


def test_the_operator_may_close_predictions_to_visitors(
    stranger: APIClient, owner: APIClient, stand_in: ByBrightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = settings.ENV.model_copy(update={"anonymous_predict": False})
    monkeypatch.setattr(settings, "ENV", closed)
    answer = predict(stranger, BRIGHT_FACE)
    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")
    assert predict(owner, BRIGHT_FACE).status_code == 200


def test_a_bad_token_is_never_a_visitor(stranger: APIClient, stand_in: ByBrightness) -> None:
    stranger.credentials(HTTP_AUTHORIZATION="Bearer no.such.token")
    assert predict(stranger, BRIGHT_FACE).status_code == 401
    assert not PredictionLog.objects.exists()


def test_a_page_needs_its_csrf_token(ana: User, stand_in: ByBrightness) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(ana)
    answer = browser.post("/api/v1/predict", {"file": upload(BRIGHT_FACE)})
    assert answer.status_code == 403


def test_too_many_pictures_of_visitors_are_refused_by_address(
    stranger: APIClient, owner: APIClient, stand_in: ByBrightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttles.AnonymousPredictions, "rate", "2/min")
    assert [predict(stranger, BRIGHT_FACE).status_code for _ in range(3)] == [200, 200, 429]
    answer = predict(stranger, BRIGHT_FACE)
    assert int(answer["Retry-After"]) > 0
    assert predict(owner, BRIGHT_FACE).status_code == 200


def test_without_an_active_model_pictures_are_refused(stranger: APIClient) -> None:
    ModelVersion.objects.update(active=None)
    answer = predict(stranger, BRIGHT_FACE)
    inference.stop()
    assert (answer.status_code, answer.json()["code"]) == (503, "no_model")


def test_a_server_that_has_too_many_pictures_says_when_to_come_back(
    stranger: APIClient, stand_in: ByBrightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "predict_blocking", lambda _self, _request: Dropped("busy"))
    answer = predict(stranger, BRIGHT_FACE)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer["Retry-After"] == "1"


def test_an_activated_version_answers_the_next_picture(
    stranger: APIClient, stand_in: ByBrightness
) -> None:
    a_version("test-2", active=False)
    activate_version("test-2", by=None, at=timezone.now())
    inference.swap()
    assert predict(stranger, BRIGHT_FACE).json()["model_version_tag"] == "test-2"


# what is known


def test_the_emotions_are_the_seven_in_order(stranger: APIClient) -> None:
    body = stranger.get("/api/v1/emotions").json()
    assert body[0] == {"id": 1, "name": "angry", "description": "Enojo o ira"}
    assert body[3] == {"id": 4, "name": "happy", "description": "Felicidad o alegría"}
    assert [one["id"] for one in body] == [1, 2, 3, 4, 5, 6, 7]


def test_the_model_tells_what_it_is(stranger: APIClient) -> None:
    a_version()
    body = stranger.get("/api/v1/model/info").json()
    assert (body["status"], body["input_shape"], body["num_classes"]) == (
        "loaded",
        "(None, 96, 96, 3)",
        7,
    )
    assert "total_params" in body
    assert body["calibrated"] is True


def test_below_the_threshold_the_answer_is_withheld_and_not_logged(
    stranger: APIClient, stand_in: ByBrightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = settings.ENV.model_copy(update={"abstain_below": 0.6})
    monkeypatch.setattr(settings, "ENV", unsure)
    stand_in.sure = 0.5
    body = predict(stranger, BRIGHT_FACE).json()
    assert (body["emotion_name"], body["confidence"]) == (None, 0.5)
    assert (body["abstained"], body["threshold"], body["prediction_id"]) == (True, 0.6, None)
    assert (body["probabilities"]["happy"], len(body["probabilities"])) == (0.5, 7)
    assert body["faces"][0]["abstained"] is True
    assert not PredictionLog.objects.exists()


def test_a_picture_without_a_face_is_no_abstention(
    stranger: APIClient, stand_in: ByBrightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = settings.ENV.model_copy(update={"abstain_below": 0.6})
    monkeypatch.setattr(settings, "ENV", unsure)
    body = predict(stranger, WALL).json()
    assert (body["emotion_name"], body["abstained"], body["faces"]) == (None, False, [])


def test_an_answer_of_a_file_without_a_fitted_temperature_says_so(stranger: APIClient) -> None:
    prediction = a_prediction([a_face()], version=a_version(temperature=1.0).pk)
    assert prediction_body(prediction)["calibrated"] is False
    assert stranger.get("/api/v1/model/info").json()["calibrated"] is False


def test_health_is_healthy(stranger: APIClient, stand_in: ByBrightness) -> None:
    body = stranger.get("/api/v1/health").json()
    assert (body["status"], body["model_loaded"]) == ("healthy", True)
    assert body["clients_connected"] == 0
