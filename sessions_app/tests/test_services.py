from datetime import timedelta

import pytest
from django.db import DatabaseError

from sessions_app import services
from sessions_app.models import Change, Sesion
from sessions_app.services import (
    SessionEnded,
    end_session,
    end_sessions_of,
    find_open,
    flush_activity,
    forget_pauses,
    note_activity,
    start_session,
    sweep,
)
from sessions_app.tests.factories import HERE, NOON, a_session, a_user
from visionai.lib.runtime import runtime

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Reason = Sesion.EndReason


def end_of(sesion: Sesion) -> tuple[object, str]:
    sesion.refresh_from_db()
    return sesion.fecha_fin, sesion.end_reason


def test_a_login_opens_a_row_with_its_limits() -> None:
    browser = start_session(a_user(), kind=Sesion.Kind.BROWSER, client=HERE, at=NOON)
    program = start_session(a_user(), kind=Sesion.Kind.API, client=HERE, at=NOON)
    assert (browser.idle_at, browser.absolute_at) == (NOON + 30 * MINUTE, NOON + 12 * HOUR)
    assert (program.idle_at, program.absolute_at) == (NOON + 24 * HOUR, NOON + 24 * HOUR)
    assert (browser.ip, browser.user_agent) == ("192.0.2.7", "Firefox on a laptop")
    assert end_of(browser) == (None, "")


def test_a_session_ends_once() -> None:
    sesion = a_session()
    assert end_session(sesion, reason=Reason.LOGOUT, at=NOON + MINUTE)
    assert not end_session(sesion, reason=Reason.REVOKED_BY_USER, at=NOON + 2 * MINUTE)
    assert end_of(sesion) == (NOON + MINUTE, "logout")
    news = Change.objects.filter(kind="session_ended").values_list("subject", flat=True)
    assert list(news) == [str(sesion.pk)]


def test_an_ended_session_is_not_found_open() -> None:
    sesion = a_session()
    assert find_open(sesion.pk, at=NOON + MINUTE) == sesion
    end_session(sesion, reason=Reason.LOGOUT, at=NOON + MINUTE)
    with pytest.raises(SessionEnded) as refusal:
        find_open(sesion.pk, at=NOON + MINUTE)
    assert refusal.value.facts == {"session": sesion.pk, "reason": "logout"}


def test_an_unknown_session_is_refused_as_an_ended_one() -> None:
    with pytest.raises(SessionEnded):
        find_open(987654, at=NOON)


def test_an_idle_session_ends_at_its_limit_and_not_when_someone_looks() -> None:
    sesion = a_session()
    with pytest.raises(SessionEnded):
        find_open(sesion.pk, at=NOON + 5 * HOUR)
    assert end_of(sesion) == (NOON + 30 * MINUTE, "idle")


def test_the_limit_itself_is_too_late() -> None:
    sesion = a_session()
    assert find_open(sesion.pk, at=NOON + 30 * MINUTE - timedelta(microseconds=1))
    with pytest.raises(SessionEnded):
        find_open(sesion.pk, at=NOON + 30 * MINUTE)


def test_a_busy_session_ends_at_the_absolute_limit() -> None:
    sesion = a_session()
    for minutes in range(20, 12 * 60, 20):
        note_activity(sesion.pk, at=NOON + minutes * MINUTE)
        flush_activity()
    with pytest.raises(SessionEnded):
        find_open(sesion.pk, at=NOON + 12 * HOUR)
    assert end_of(sesion) == (NOON + 12 * HOUR, "absolute")


def test_activity_that_is_not_written_yet_counts() -> None:
    sesion = a_session()
    note_activity(sesion.pk, at=NOON + 29 * MINUTE)
    assert find_open(sesion.pk, at=NOON + 45 * MINUTE).last_seen == NOON + 29 * MINUTE


def test_activity_on_its_way_in_another_thread_counts() -> None:
    sesion = a_session()
    services._flights.append({sesion.pk: (NOON + 20 * MINUTE, NOON + 29 * MINUTE)})
    try:
        assert find_open(sesion.pk, at=NOON + 45 * MINUTE).last_seen == NOON + 29 * MINUTE
    finally:
        services._flights.clear()


def test_activity_after_the_limit_revives_nothing() -> None:
    sesion = a_session()
    note_activity(sesion.pk, at=NOON + 31 * MINUTE)
    flush_activity()
    with pytest.raises(SessionEnded):
        find_open(sesion.pk, at=NOON + 32 * MINUTE)
    assert end_of(sesion) == (NOON + 30 * MINUTE, "idle")


def test_activity_of_an_ended_session_is_not_written() -> None:
    sesion = a_session()
    end_session(sesion, reason=Reason.LOGOUT, at=NOON + MINUTE)
    note_activity(sesion.pk, at=NOON + 2 * MINUTE)
    flush_activity()
    sesion.refresh_from_db()
    assert sesion.last_seen == NOON


def test_activity_that_could_not_be_written_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    sesion = a_session()
    note_activity(sesion.pk, at=NOON + 10 * MINUTE)
    with monkeypatch.context() as patch:
        patch.setattr(services, "_write_activity", _fails)
        with pytest.raises(DatabaseError):
            flush_activity()
    note_activity(sesion.pk, at=NOON + 5 * MINUTE)
    flush_activity()
    sesion.refresh_from_db()
    assert sesion.last_seen == NOON + 10 * MINUTE


def _fails(noted: object) -> None:
    raise DatabaseError


def test_the_first_activity_after_a_pause_is_written_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurried: list[object] = []
    monkeypatch.setattr(runtime, "soon", hurried.append)
    for seconds in (0, 1, 19, 40, 41):
        note_activity(7, at=NOON + timedelta(seconds=seconds))
    assert hurried == [flush_activity, flush_activity]


def test_what_recognises_a_pause_is_forgotten_after_it() -> None:
    note_activity(7, at=NOON)
    note_activity(8, at=NOON + MINUTE)
    forget_pauses()
    assert list(services._recent) == [8]


def test_a_clock_that_was_set_back_does_not_end_a_session_before_its_activity() -> None:
    sesion = a_session()
    note_activity(sesion.pk, at=NOON + 10 * MINUTE)
    assert end_session(sesion, reason=Reason.LOGOUT, at=NOON - HOUR)
    assert end_of(sesion) == (NOON + 10 * MINUTE, "logout")


def test_who_ends_a_session_past_its_limit_comes_too_late() -> None:
    sesion = a_session()
    assert not end_session(sesion, reason=Reason.LOGOUT, at=NOON + HOUR)
    assert (sesion.fecha_fin, sesion.end_reason) == (NOON + 30 * MINUTE, "idle")


def test_all_sessions_of_a_user_end_but_one() -> None:
    ana, bea = a_user(), a_user()
    kept, other, third, foreign = a_session(ana), a_session(ana), a_session(ana), a_session(bea)
    assert end_sessions_of(ana, reason=Reason.PASSWORD_CHANGED, at=NOON, keep=kept.pk) == 2
    assert end_of(other) == end_of(third) == (NOON, "password_changed")
    assert end_of(kept) == end_of(foreign) == (None, "")
    assert end_sessions_of(ana, reason=Reason.ERASED, at=NOON) == 1


def test_the_sweep_ends_what_is_overdue_with_a_margin_for_other_processes() -> None:
    idle, used = a_session(), a_session()
    note_activity(used.pk, at=NOON + 20 * MINUTE)
    assert sweep(at=NOON + 30 * MINUTE + timedelta(seconds=4)) == 0
    assert sweep(at=NOON + 30 * MINUTE + timedelta(seconds=5)) == 1
    assert end_of(idle) == (NOON + 30 * MINUTE, "idle")
    assert end_of(used) == (None, "")


def test_sessions_of_a_disabled_account_end() -> None:
    ana, bea = a_user(), a_user()
    asked, swept = a_session(ana), a_session(bea)
    for user in (ana, bea):
        user.is_active = False
        user.save(update_fields=["is_active"])
    with pytest.raises(SessionEnded):
        find_open(asked.pk, at=NOON + MINUTE)
    assert sweep(at=NOON + MINUTE) == 1
    assert end_of(asked) == end_of(swept) == (NOON + MINUTE, "revoked_by_staff")
