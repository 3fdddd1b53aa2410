"""Random histories of sessions through the real services and database, against a model."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from sessions_app import services
from sessions_app.models import Change, Sesion
from sessions_app.services import SessionEnded
from sessions_app.tests.factories import HERE, NOON, a_user
from sessions_app.tests.model import MARGIN, Model

SEED = 20261121
HISTORIES = int(os.environ.get("HISTORIES", "1000"))
STEPS = 14
USERS = 2
Reason = Sesion.EndReason

KINDS = st.sampled_from([Sesion.Kind.BROWSER, Sesion.Kind.API])
REASONS = st.sampled_from([Reason.LOGOUT, Reason.REVOKED_BY_USER, Reason.TOKEN_REUSE])
PAUSES = st.one_of(
    st.integers(1, 120).map(lambda s: timedelta(seconds=s)),
    st.integers(1, 60).map(lambda m: timedelta(minutes=m)),
    st.integers(1, 26).map(lambda h: timedelta(hours=h)),
)
INSTANT = timedelta(microseconds=1)
BESIDE = st.one_of(
    st.sampled_from([-INSTANT, timedelta(0), INSTANT, MARGIN - INSTANT, MARGIN]),
    st.integers(-6, 6).map(lambda s: timedelta(seconds=s)),
)
BACK = st.integers(1, 3600).map(lambda s: timedelta(seconds=s))
PICK = st.integers(0, 50)

THREADS = 3
threads = ThreadPoolExecutor(max_workers=THREADS)


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.at = NOON
        self.users: list[User] = []

    @initialize()
    def people(self) -> None:
        self.users = [a_user() for _ in range(USERS)]

    @rule(
        who=st.integers(0, USERS - 1), kind=st.sampled_from([Sesion.Kind.BROWSER, Sesion.Kind.API])
    )
    def login(self, who: int, kind: Sesion.Kind) -> None:
        sesion = services.start_session(self.users[who], kind=kind, client=HERE, at=self.at)
        self.model.start(sesion.pk, self.users[who].pk, kind.value, self.at)

    @rule(pause=PAUSES)
    def wait(self, pause: timedelta) -> None:
        self.at += pause

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICK, beside=BESIDE, sweep=st.booleans())
    def wait_for_a_limit(self, pick: int, beside: timedelta, sweep: bool) -> None:
        self.at = max(self.at, self.model.sessions[self.one_of(pick)].limit()[0] + beside)
        if sweep:
            self.sweep()

    @rule(back=BACK)
    def set_the_clock_back(self, back: timedelta) -> None:
        self.at -= back

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICK)
    def act(self, pick: int) -> None:
        sid = self.one_of(pick)
        if self.model.is_open(sid, self.at):
            services.find_open(sid, at=self.at)
            services.note_activity(sid, at=self.at)
            self.model.act(sid, self.at)
            return
        with pytest.raises(SessionEnded) as refusal:
            services.find_open(sid, at=self.at)
        end = self.model.sessions[sid].end
        assert end
        assert refusal.value.facts["reason"] == end[1]

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICK)
    def frame(self, pick: int) -> None:
        """A socket does not ask the database for each frame."""
        sid = self.one_of(pick)
        self.flush()
        services.note_activity(sid, at=self.at)
        if self.model.sessions[sid].end is None and self.at < self.model.sessions[sid].limit()[0]:
            self.model.act(sid, self.at)
        self.flush()

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICK, reason=REASONS)
    def end(self, pick: int, reason: Sesion.EndReason) -> None:
        sid = self.one_of(pick)
        ended = services.end_session(Sesion.objects.get(pk=sid), reason=reason, at=self.at)
        assert ended == self.model.end(sid, reason.value, self.at)

    @precondition(lambda self: self.model.sessions)
    @rule(pick=PICK)
    def end_in_parallel(self, pick: int) -> None:
        sid = self.one_of(pick)
        reasons = [Reason.LOGOUT, Reason.REVOKED_BY_STAFF, Reason.TOKEN_REUSE]
        won = list(threads.map(lambda reason: _end(sid, reason, self.at), reasons))
        row = Sesion.objects.get(pk=sid)
        ours = reasons[won.index(True)] if any(won) else Reason.LOGOUT
        assert won.count(True) == self.model.end(sid, ours.value, self.at)
        assert not any(won) or row.end_reason == ours

    @rule(who=st.integers(0, USERS - 1), kept=st.none() | PICK, change=st.booleans())
    def end_others(self, who: int, kept: int | None, change: bool) -> None:
        user = self.users[who]
        theirs = self.model.open_of(user.pk)
        keep = None if kept is None or not theirs else theirs[kept % len(theirs)]
        reason = Reason.PASSWORD_CHANGED if change else Reason.REVOKED_BY_USER
        ended = services.end_sessions_of(user, reason=reason, at=self.at, keep=keep)
        assert ended == self.model.end_all(user.pk, reason.value, self.at, keep)

    @rule(who=st.integers(0, USERS - 1), active=st.booleans())
    def switch_account(self, who: int, active: bool) -> None:
        User.objects.filter(pk=self.users[who].pk).update(is_active=active)
        (self.model.disabled.discard if active else self.model.disabled.add)(self.users[who].pk)

    @rule()
    def sweep(self) -> None:
        assert services.sweep(at=self.at) == self.model.sweep(self.at)

    @rule()
    def flush(self) -> None:
        services.flush_activity()
        self.model.flush()

    @rule()
    def crash(self) -> None:
        services._noted.clear()
        services._recent.clear()
        self.model.crash()

    @invariant()
    def the_rows_say_what_the_model_says(self) -> None:
        columns = ("pk", "last_seen", "fecha_fin", "end_reason")
        rows = {row[0]: row[1:] for row in Sesion.objects.values_list(*columns)}
        told = {
            sid: (one.written, *(one.end or (None, ""))) for sid, one in self.model.sessions.items()
        }
        assert rows == told

    @invariant()
    def each_end_is_announced_once(self) -> None:
        news = Change.objects.filter(kind="session_ended").values_list("subject", flat=True)
        assert sorted(map(int, news)) == sorted(
            sid for sid, one in self.model.sessions.items() if one.end
        )

    def teardown(self) -> None:
        Change.objects.all().delete()
        Sesion.objects.all().delete()
        User.objects.all().delete()
        services._noted.clear()
        services._recent.clear()

    def one_of(self, pick: int) -> int:
        return sorted(self.model.sessions)[pick % len(self.model.sessions)]


def _end(sid: int, reason: Sesion.EndReason, at: datetime) -> bool:
    return services._end(sid, reason=reason, at=at)


@pytest.fixture
def _connections_close() -> Iterator[None]:
    yield
    together = Barrier(THREADS, timeout=30)  # so that no thread closes for another

    def close(_number: int) -> None:
        together.wait()
        connection.close()

    list(threads.map(close, range(THREADS)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_connections_close")
def test_no_history_differs_from_the_model() -> None:
    run_state_machine_as_test(
        seed(SEED)(Histories),
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a history is short enough to read as it is
            suppress_health_check=list(HealthCheck),
        ),
    )
