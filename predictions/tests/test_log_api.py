"""What was predicted, through the API: counted, listed, exported and deleted."""

import csv
import io
import json
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from openpyxl import load_workbook
from rest_framework.test import APIClient

from accounts.models import User
from predictions.models import CameraConsent, PredictionLog
from predictions.tests.factories import a_row
from predictions.tests.pictures import encoded, four_corners
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db
BRIGHT_FACE = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")
WALL = encoded(four_corners(200, 120))


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
