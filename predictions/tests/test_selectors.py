from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from predictions.models import EmotionClass, PredictionLog
from predictions.selectors import emotion_detail, exported, recent, stats, timeline
from predictions.tests.factories import NOON, a_row
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db
ALL = PredictionLog.objects.all


def test_stats_count_each_emotion() -> None:
    for emotion, confidence in [("happy", 0.8), ("happy", 0.6), ("sad", 0.1)]:
        a_row(emotion=emotion, confidence=confidence)
    found = stats(ALL())
    assert found.total_predictions == 3
    assert found.most_common_emotion == {"name": "happy", "count": 2}
    assert found.average_confidence == 0.5
    assert found.predictions_by_emotion == {
        "angry": 0,
        "disgust": 0,
        "fear": 0,
        "happy": 2,
        "neutral": 0,
        "sad": 1,
        "surprise": 0,
    }


def test_stats_of_nothing() -> None:
    found = stats(ALL())
    assert (found.total_predictions, found.average_confidence) == (0, 0.0)
    assert found.most_common_emotion is None


def test_the_dashboard_asks_a_fixed_number_of_questions(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for emotion in ("happy", "sad", "angry"):
        a_row(a_user(), emotion=emotion)
    with django_assert_num_queries(3):
        stats(ALL())
    with django_assert_num_queries(1):
        assert [row.emotion.emotion_name for row in recent(ALL(), limit=3)]
    with django_assert_num_queries(1):
        timeline(ALL(), days=30, today=NOON.date())


def test_the_newest_rows_come_first() -> None:
    rows = [a_row(at=NOON + timedelta(minutes=minute)) for minute in (0, 2, 1)]
    assert recent(ALL(), limit=2) == [rows[1], rows[2]]


def test_the_timeline_has_every_day() -> None:
    a_row(at=NOON)
    a_row(at=NOON - timedelta(days=2))
    a_row(at=NOON - timedelta(days=2, hours=12))
    a_row(at=NOON - timedelta(days=3))
    assert timeline(ALL(), days=3, today=NOON.date()) == [
        {"date": "2026-05-02", "count": 2},
        {"date": "2026-05-03", "count": 0},
        {"date": "2026-05-04", "count": 1},
    ]


def test_the_detail_of_an_emotion() -> None:
    a_row(emotion="sad", confidence=0.2)
    a_row(emotion="sad", confidence=0.4)
    a_row()
    found = emotion_detail(ALL(), EmotionClass.objects.get(pk=6), today=NOON.date())
    assert (found.emotion, found.description) == ("sad", "Tristeza o pena")
    assert (found.total_predictions, found.percentage) == (2, 66.67)
    assert (found.average_confidence, found.highest_confidence) == (0.3, 0.4)
    assert found.last_seen == NOON
    assert found.timeline[-1] == {"date": "2026-05-04", "count": 2}


def test_an_export_has_the_oldest_row_first_and_no_address() -> None:
    user = a_user()
    for minute in (5, 0):
        a_row(user, at=NOON + timedelta(minutes=minute))
    rows = list(exported(PredictionLog.objects.owned_by(user)))
    assert [row["timestamp"] for row in rows] == [
        "2026-05-04T12:00:00+00:00",
        "2026-05-04T12:05:00+00:00",
    ]
    assert "source_ip" not in rows[0]
