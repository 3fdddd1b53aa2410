from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.module_loading import import_string

from sessions_app.models import Change
from sessions_app.tasks import sweep_sessions, tidy_sessions
from sessions_app.tests.factories import a_session

pytestmark = pytest.mark.django_db


def test_the_worker_sweeps() -> None:
    sesion = a_session(at=timezone.now() - timedelta(hours=1))
    sweep_sessions()
    sesion.refresh_from_db()
    assert sesion.end_reason == "idle"


def test_the_worker_tidies_up() -> None:
    long_ago = timezone.now() - timedelta(days=2)
    Change.objects.create(kind="news", subject="old", at=long_ago)
    Session.objects.create(session_key="old", session_data="", expire_date=long_ago)
    tidy_sessions()
    assert not Change.objects.filter(subject="old").exists()
    assert not Session.objects.exists()


def test_what_is_scheduled_exists() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert import_string(entry["task"]).name == entry["task"]
