import orjson
import pytest

from predictions.account import erase_predictions
from predictions.log_buffer import Ledger, log_buffer
from predictions.models import PredictionLog
from predictions.services import Source, give_consent, rows_of
from predictions.tests.factories import NOON, a_face, a_prediction, a_row, a_version
from sessions_app.account import export_account
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db


def test_the_export_of_an_account_has_its_predictions_and_consents() -> None:
    ana = a_user()
    row = a_row(ana)
    a_row(a_user())
    give_consent(ana, at=NOON)
    document = orjson.loads(export_account(ana, at=NOON))
    assert [one["id"] for one in document["predictions"]] == [row.pk]
    assert [one["at"] for one in document["camera_consents"]] == ["2026-05-04T12:00:00Z"]


def test_rows_that_wait_for_the_disk_are_forgotten_too() -> None:
    ana = a_user()
    source = Source(ana.pk, ana.username, None, "192.0.2.7")
    prediction = a_prediction([a_face()], version=a_version().pk)
    log_buffer.add(rows_of(prediction, source=source, at=NOON), Ledger(), 1)
    erase_predictions(ana)
    row = PredictionLog.objects.get()
    assert (row.user, row.username, row.source_ip) == (None, None, None)
