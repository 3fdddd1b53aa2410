from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import UsageRow
from accounts.usage import fold
from predictions.models import CameraConsent, PredictionLog
from predictions.services import (
    Source,
    delete_old_predictions,
    delete_predictions,
    forget_user,
    give_consent,
    has_consented,
    log_prediction,
    rows_of,
    save_rows,
)
from predictions.tasks import delete_old
from predictions.tests.factories import NOON, a_face, a_prediction, a_row, a_version
from sessions_app.tests.factories import a_session, a_user

pytestmark = pytest.mark.django_db


def test_each_classified_face_is_one_row_of_the_same_picture() -> None:
    sesion = a_session()
    user = sesion.user
    assert user is not None
    source = Source(user.pk, user.username, sesion.pk, "192.0.2.9")
    faces = [a_face("happy", 0.9), a_face("sad", 0.6)]
    rows = log_prediction(a_prediction(faces, version=a_version().pk), source=source, at=NOON)
    largest, other = PredictionLog.objects.order_by("face")
    assert [row.pk for row in rows] == [largest.pk, other.pk]
    assert largest.frame_id == other.frame_id
    assert (largest.emotion.emotion_name, other.emotion.emotion_name) == ("happy", "sad")
    assert largest.confidence == pytest.approx(0.9)
    assert (largest.user, largest.username, largest.session) == (user, user.username, sesion)
    assert (largest.source_ip, largest.processing_time_ms) == ("192.0.2.9", 12)


def test_a_picture_without_a_face_makes_no_row() -> None:
    assert log_prediction(a_prediction(version=a_version().pk), source=Source(), at=NOON) == []


def test_an_abstention_makes_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    unsure = settings.ENV.model_copy(update={"abstain_below": 0.7})
    monkeypatch.setattr(settings, "ENV", unsure)
    faces = [a_face("happy", 0.6), a_face("sad", 0.8)]
    (row,) = rows_of(a_prediction(faces, version=1), source=Source(), at=NOON)
    assert (row.emotion_id, row.face) == (6, 1)


def test_saving_the_same_rows_twice_keeps_them_once() -> None:
    prediction = a_prediction([a_face(), a_face()], version=a_version().pk)
    rows = rows_of(prediction, source=Source(), at=NOON)
    save_rows(rows)
    save_rows(rows)
    assert PredictionLog.objects.count() == 2


@pytest.mark.django_db(transaction=True)  # foreign keys are checked at the commit
def test_rows_of_a_user_who_is_gone_are_saved_without_the_person() -> None:
    prediction = a_prediction([a_face()], version=a_version().pk)
    (row,) = rows_of(prediction, source=Source(99_999, "gone", 99_999, None), at=NOON)
    (other,) = rows_of(prediction, source=Source(), at=NOON)
    save_rows([row, other])
    saved = PredictionLog.objects.get(frame_id=row.frame_id)
    assert (saved.user_id, saved.username, saved.session_id) == (None, None, None)
    assert PredictionLog.objects.count() == 2


def test_only_the_rows_at_hand_are_deleted() -> None:
    ana, eva = a_user(), a_user()
    a_row(ana)
    a_row(ana, emotion="sad")
    kept = [a_row(eva), a_row()]
    assert delete_predictions(PredictionLog.objects.owned_by(ana)) == 2
    assert set(PredictionLog.objects.all()) == set(kept)


def test_retention_deletes_what_is_too_old() -> None:
    days = settings.ENV.prediction_retention_days
    old = a_row(at=NOON - timedelta(days=days, seconds=1))
    a_row(at=NOON - timedelta(days=days))
    assert delete_old_predictions(at=NOON) == 1
    assert not PredictionLog.objects.filter(pk=old.pk).exists()


def test_the_worker_keeps_the_retention() -> None:
    a_row(at=timezone.now() - timedelta(days=settings.ENV.prediction_retention_days + 1))
    kept = a_row(at=timezone.now())
    delete_old()
    assert list(PredictionLog.objects.all()) == [kept]


def test_a_forgotten_user_leaves_rows_without_a_person() -> None:
    ana, eva = a_user(), a_user()
    mine, other = a_row(ana), a_row(eva)
    give_consent(ana, at=NOON)
    assert forget_user(ana) == 1
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.user, mine.username, mine.source_ip) == (None, None, None)
    assert (other.user, other.username) == (eva, eva.username)
    assert not CameraConsent.objects.exists()


def test_consent_is_noted_once() -> None:
    ana = a_user()
    assert not has_consented(ana.pk)
    give_consent(ana, at=NOON)
    give_consent(ana, at=NOON + timedelta(days=1))
    assert has_consented(ana.pk)
    assert CameraConsent.objects.get().at == NOON


def test_a_consent_to_an_older_text_does_not_count() -> None:
    ana = a_user()
    CameraConsent.objects.create(user=ana, text_version="older", at=NOON)
    assert not has_consented(ana.pk)


PRINTED = {
    "of one user": "SELECT * FROM predictions_log WHERE {user} = 'ana' ORDER BY timestamp DESC",
    "by user": "SELECT {user}, COUNT(*) as total, AVG(confidence) as confianza_promedio "
    "FROM predictions_log WHERE {user} IS NOT NULL GROUP BY {user} ORDER BY total DESC",
    "by user and emotion": "SELECT pl.{user}, ec.emotion_name, COUNT(*) as veces, "
    "AVG(pl.confidence) as confianza FROM predictions_log pl "
    "JOIN emotion_class ec ON pl.emotion_id = ec.emotion_id WHERE pl.{user} = 'ana' "
    "GROUP BY pl.{user}, ec.emotion_name ORDER BY veces DESC",
    "history": "SELECT timestamp, {user}, emotion_name, confidence FROM predictions_log pl "
    "JOIN emotion_class ec ON pl.emotion_id = ec.emotion_id WHERE {user} IS NOT NULL "
    "ORDER BY timestamp DESC LIMIT 50",
}


@pytest.mark.parametrize("sql", PRINTED.values(), ids=PRINTED)
def test_the_sql_printed_for_the_original_finds_the_rows(sql: str) -> None:
    a_row(a_user("ana"))
    quoted = sql.format(user=connection.ops.quote_name("user"))
    with connection.cursor() as cursor:
        cursor.execute(quoted)
        assert len(cursor.fetchall()) == 1


def test_readings_count_for_their_user_once_however_often_they_are_written() -> None:
    ada, sesion = a_user(), a_session()
    source = Source(ada.pk, ada.username, sesion.pk, None)
    version = a_version().pk
    log_prediction(
        a_prediction([a_face(), a_face("sad", 0.6)], version=version), source=source, at=NOON
    )
    rows = rows_of(a_prediction([a_face()], version=version), source=source, at=NOON)
    rows += rows_of(a_prediction([a_face()], version=version), source=Source(), at=NOON)
    save_rows(rows)
    for row in rows:
        row.pk = None
    save_rows(rows)  # after an outage that hid that it had worked
    fold()
    usage = UsageRow.objects.get()
    assert (usage.user, usage.act, usage.amount, usage.session) == (
        ada,
        "prediction",
        3,
        str(sesion.pk),
    )
