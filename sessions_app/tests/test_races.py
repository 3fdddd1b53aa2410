"""Many at once: one of them ends a session, nobody waits for ever, and no activity is lost.

They mean most on PostgreSQL, where `tests/test_other_databases.py` runs them too.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connections

from sessions_app import services
from sessions_app.models import Change, Sesion
from sessions_app.services import end_session, end_sessions_of, flush_activity, note_activity, sweep
from sessions_app.tests.factories import NOON, a_session, a_user

pytestmark = pytest.mark.django_db(transaction=True)
Reason = Sesion.EndReason
MINUTE = timedelta(minutes=1)
CROWD = 6
ROUNDS = 10
LATE = NOON + 31 * MINUTE


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[object]]]:
    """Run the calls in threads that begin at the same moment; their answers in order."""
    barrier = Barrier(CROWD, timeout=30)
    with ThreadPoolExecutor(max_workers=CROWD) as crowd:

        def run(*works: Callable[[], object]) -> list[object]:
            assert len(works) == CROWD
            return [done.result(60) for done in [crowd.submit(begin, work) for work in works]]

        def begin(work: Callable[[], object]) -> object:
            barrier.wait()
            return work()

        yield run
        run(*[connections.close_all] * CROWD)


def announced(sesion: Sesion) -> int:
    return Change.objects.filter(kind="session_ended", subject=str(sesion.pk)).count()


def test_of_many_ends_one_wins(at_once: Callable[..., list[object]]) -> None:
    reasons = [Reason.LOGOUT, Reason.REVOKED_BY_USER, Reason.REVOKED_BY_STAFF]
    reasons += [Reason.PASSWORD_CHANGED, Reason.TOKEN_REUSE, Reason.ERASED]
    for _ in range(ROUNDS):
        sesion = a_session()
        ends = [NOON + (number + 1) * MINUTE for number in range(CROWD)]
        won = at_once(
            *[_ending(sesion.pk, reason, at) for reason, at in zip(reasons, ends, strict=True)]
        )
        assert won.count(True) == 1
        winner = won.index(True)
        sesion.refresh_from_db()
        assert (sesion.end_reason, sesion.fecha_fin) == (reasons[winner], ends[winner])
        assert announced(sesion) == 1


def _ending(sid: int, reason: Sesion.EndReason, at: object) -> Callable[[], object]:
    sesion = Sesion.objects.get(pk=sid)
    return lambda: end_session(sesion, reason=reason, at=at)  # type: ignore[arg-type]


def test_ends_of_all_sessions_at_once_count_each_one_once(
    at_once: Callable[..., list[object]],
) -> None:
    ana = a_user()
    sesiones = [a_session(ana) for _ in range(8)]
    works: list[Callable[[], object]] = [
        lambda: end_sessions_of(ana, reason=Reason.REVOKED_BY_USER, at=NOON + MINUTE)
    ] * (CROWD - 2)
    works += [lambda: sweep(at=NOON + MINUTE), flush_activity]
    for sesion in sesiones:
        note_activity(sesion.pk, at=NOON + timedelta(seconds=30))
    answers = at_once(*works)
    assert sum(number for number in answers if isinstance(number, int)) == len(sesiones)
    assert [announced(sesion) for sesion in sesiones] == [1] * len(sesiones)


def test_a_session_in_use_does_not_end_as_idle(at_once: Callable[..., list[object]]) -> None:
    chance = random.Random(20261121)
    for _ in range(ROUNDS):
        sesion = a_session()
        note_activity(sesion.pk, at=NOON + 29 * MINUTE)
        looking, sweeping = _looking(sesion.pk, LATE), partial(sweep, at=LATE)
        works: list[Callable[[], object]] = [flush_activity, looking, sweeping] * 2
        chance.shuffle(works)
        at_once(*works)
        sesion.refresh_from_db()
        assert sesion.fecha_fin is None
        assert sesion.last_seen == NOON + 29 * MINUTE


def _looking(sid: int, at: object) -> Callable[[], object]:
    return lambda: services.find_open(sid, at=at)  # type: ignore[arg-type]
