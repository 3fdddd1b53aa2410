import csv
import io
import json
from datetime import timedelta

import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone
from openpyxl import load_workbook
from rest_framework.test import APIClient

from accounts.models import User
from predictions import inference, throttles
from predictions.core.engine import Engine
from predictions.core.reading import Dropped
from predictions.models import CameraConsent, ModelVersion, PredictionLog
from predictions.tests.factories import a_face, a_prediction, a_row, a_version
from predictions.tests.pictures import COLLINS, encoded, four_corners, png_claiming
from predictions.tests.stand_in import ByBrightness
from predictions.versions import activate_version
from predictions.wire import prediction_body
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token

pytestmark = pytest.mark.django_db
BRIGHT_FACE = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")
WALL = encoded(four_corners(200, 120))


@pytest.fixture
def stranger() -> APIClient:
    return APIClient()


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def sesion(ana: User) -> Sesion:
    return a_session(ana, kind=Sesion.Kind.API, at=timezone.now())


@pytest.fixture
def owner(sesion: Sesion) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {a_token(sesion)}"})


@pytest.fixture
def staff() -> APIClient:
    return signed_in(a_user("root", role=User.Role.ADMIN))


def signed_in(user: User) -> APIClient:
    sesion = a_session(user, kind=Sesion.Kind.API, at=timezone.now())
    return APIClient(headers={"Authorization": f"Bearer {a_token(sesion)}"})


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


# dashboard


def test_stats_count_everything_for_everyone_and_mine_for_me(
    stranger: APIClient, owner: APIClient, ana: User
) -> None:
    a_row(ana)
    a_row(a_user(), emotion="sad")
    for client in (stranger, owner):
        body = client.get("/api/v1/dashboard/stats").json()
        assert body["total_predictions"] == 2
        assert set(body) == {
            "total_predictions",
            "most_common_emotion",
            "average_confidence",
            "predictions_by_emotion",
        }
    mine = owner.get("/api/v1/dashboard/stats?mine=1").json()
    assert mine["predictions_by_emotion"]["sad"] == 0
    assert mine["most_common_emotion"] == {"name": "happy", "count": 1}
    assert stranger.get("/api/v1/dashboard/stats?mine=1").json()["total_predictions"] == 0


def test_recent_shows_staff_all_a_user_their_own_and_a_visitor_nothing(
    stranger: APIClient, owner: APIClient, staff: APIClient, ana: User
) -> None:
    mine, other = a_row(ana), a_row(a_user("eva"))
    assert stranger.get("/api/v1/dashboard/recent").json() == {"count": 0, "predictions": []}
    seen = owner.get("/api/v1/dashboard/recent?limit=100").json()
    assert seen == {
        "count": 1,
        "predictions": [
            {
                "id": mine.pk,
                "timestamp": "2026-05-04T12:00:00+00:00",
                "emotion": "happy",
                "confidence": 0.5,
                "source_ip": None,
                "user": "ana",
            }
        ],
    }
    rows = staff.get("/api/v1/dashboard/recent").json()["predictions"]
    assert [row["id"] for row in rows] == [other.pk, mine.pk]
    assert rows[0]["source_ip"] == "192.0.2.7"


@pytest.mark.parametrize(
    "path", ["recent?limit=0", "recent?limit=101", "timeline?days=0", "timeline?days=31"]
)
def test_parameters_out_of_range_are_refused(stranger: APIClient, path: str) -> None:
    assert stranger.get(f"/api/v1/dashboard/{path}").status_code == 400


def test_the_timeline_ends_today(stranger: APIClient) -> None:
    a_row(at=timezone.now())
    body = stranger.get("/api/v1/dashboard/timeline?days=3").json()
    assert body["period_days"] == 3
    assert [day["count"] for day in body["timeline"]] == [0, 0, 1]


def test_one_emotion_in_detail_and_an_unknown_one(stranger: APIClient) -> None:
    a_row(emotion="sad")
    body = stranger.get("/api/v1/dashboard/emotion/sad").json()
    assert (body["emotion"], body["total_predictions"], body["percentage"]) == ("sad", 1, 100.0)
    assert stranger.get("/api/v1/dashboard/emotion/bored").status_code == 404


@pytest.mark.parametrize("path", ["stats", "recent", "timeline", "emotion/sad"])
def test_each_chart_is_a_csv_too(stranger: APIClient, path: str) -> None:
    answer = stranger.get(f"/api/v1/dashboard/{path}?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content.decode("utf-8-sig").splitlines()


# history


def test_history_has_the_callers_own_rows_by_page_and_filter(owner: APIClient, ana: User) -> None:
    now = timezone.now()
    rows = [a_row(ana, at=now - timedelta(days=day)) for day in range(3)]
    a_row(ana, emotion="sad", at=now)
    a_row(a_user())
    body = owner.get("/api/v1/predictions?emotion=happy").json()
    assert (body["count"], body["page"], body["pages"]) == (3, 1, 1)
    assert [row["id"] for row in body["predictions"]] == [row.pk for row in rows]
    assert "source_ip" not in body["predictions"][0]
    start = (now - timedelta(days=1)).isoformat()
    limits = {"from": start, "to": now.isoformat(), "emotion": "happy"}
    assert owner.get("/api/v1/predictions", limits).json()["count"] == 1
    assert owner.get("/api/v1/predictions?page=2").json()["predictions"] == []
    assert owner.get("/api/v1/predictions?emotion=bored").status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "predictions"),
        ("delete", "predictions"),
        ("delete", "predictions/1"),
        ("get", "predictions/export"),
        ("get", "consent"),
        ("post", "consent"),
        ("delete", "consent"),
    ],
)
def test_a_visitor_has_no_history(stranger: APIClient, method: str, path: str) -> None:
    answer = getattr(stranger, method)(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_one_row_is_deleted_by_its_owner_alone(owner: APIClient, ana: User) -> None:
    mine, other = a_row(ana), a_row(a_user())
    assert owner.delete(f"/api/v1/predictions/{other.pk}").status_code == 404
    assert owner.delete(f"/api/v1/predictions/{mine.pk}").status_code == 204
    assert list(PredictionLog.objects.all()) == [other]


def test_all_or_the_filtered_rows_are_deleted(owner: APIClient, ana: User) -> None:
    for emotion in ("happy", "sad", "sad"):
        a_row(ana, emotion=emotion)
    other = a_row(a_user(), emotion="sad")
    assert owner.delete("/api/v1/predictions?emotion=sad").json() == {"deleted": 2}
    assert owner.delete("/api/v1/predictions").json() == {"deleted": 1}
    assert list(PredictionLog.objects.all()) == [other]


def test_the_export_comes_in_three_formats(owner: APIClient, ana: User) -> None:
    row = a_row(ana)
    a_row(a_user())
    answer = owner.get("/api/v1/predictions/export?format=csv")
    assert answer["Content-Disposition"] == 'attachment; filename="predictions.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    (line,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (line["id"], line["emotion"]) == (str(row.pk), "happy")
    (one,) = json.loads(owner.get("/api/v1/predictions/export?format=json").content)
    assert one["frame_id"] == str(row.frame_id)
    book = load_workbook(io.BytesIO(owner.get("/api/v1/predictions/export?format=xlsx").content))
    assert [cell.value for cell in book.worksheets[0][2]][:3] == [
        row.pk,
        "2026-05-04T12:00:00+00:00",
        "happy",
    ]
    assert owner.get("/api/v1/predictions/export?format=pdf").status_code == 404


def test_consent_is_given_once_and_can_be_asked_for(owner: APIClient, ana: User) -> None:
    assert owner.get("/api/v1/consent").json()["given"] is False
    given = owner.post("/api/v1/consent").json()
    assert given["given"] is True
    assert owner.post("/api/v1/consent").json() == given
    assert owner.get("/api/v1/consent").json() == given
    assert CameraConsent.objects.get().user == ana
    assert owner.delete("/api/v1/consent").json()["given"] is False
    assert owner.get("/api/v1/consent").json()["given"] is False
