import threading
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.credentials import WrongCredentials
from accounts.models import User
from accounts.tests.factories import PASSWORD
from accounts.tests.factories import a_user as a_user_with_password
from sessions_app.duties import tidy
from sessions_app.models import RefreshUse, Sesion
from sessions_app.passwords import change_password
from sessions_app.services import SessionEnded, end_session
from sessions_app.signin import SignedIn, hold, refresh, sign_in
from sessions_app.tests.factories import HERE, NOON, a_user
from sessions_app.tokens import BadToken

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
GRACE = 30 * SECOND


def ana() -> SignedIn:
    user = a_user_with_password()
    return sign_in(user.username, password=PASSWORD, client=HERE, at=NOON)


def test_a_repeated_refresh_gets_the_same_answer() -> None:
    login = ana()
    first = refresh(login.tokens.refresh, at=NOON + SECOND)
    for later in (SECOND, 2 * SECOND, SECOND + GRACE):
        assert refresh(login.tokens.refresh, at=NOON + later).tokens == first.tokens
    assert first.tokens.refresh != login.tokens.refresh
    second = refresh(first.tokens.refresh, at=NOON + 5 * SECOND)
    assert refresh(login.tokens.refresh, at=NOON + 6 * SECOND).tokens == first.tokens
    assert second.tokens not in (first.tokens, login.tokens)


def test_a_refresh_token_used_late_a_second_time_ends_the_session() -> None:
    login = ana()
    first = refresh(login.tokens.refresh, at=NOON)
    late = NOON + GRACE + timedelta(microseconds=1)
    with pytest.raises(SessionEnded) as refusal:
        refresh(login.tokens.refresh, at=late)
    assert refusal.value.facts["reason"] == "token_reuse"
    sesion = Sesion.objects.get()
    assert (sesion.fecha_fin, sesion.end_reason) == (late, "token_reuse")
    with pytest.raises(SessionEnded):
        refresh(first.tokens.refresh, at=late)


def test_a_token_first_used_late_is_no_reuse() -> None:
    login = ana()
    assert refresh(login.tokens.refresh, at=NOON + timedelta(hours=23)).sesion == login.sesion


def test_a_refresh_is_no_activity_and_lengthens_nothing() -> None:
    login = ana()
    before = Sesion.objects.values().get()
    refresh(login.tokens.refresh, at=NOON + timedelta(hours=1))
    assert Sesion.objects.values().get() == before
    with pytest.raises((SessionEnded, BadToken)):
        refresh(login.tokens.refresh, at=NOON + timedelta(hours=24))


def test_a_refresh_token_of_another_user_is_refused() -> None:
    login = ana()
    Sesion.objects.update(user=a_user())
    with pytest.raises(BadToken):
        refresh(login.tokens.refresh, at=NOON)


def test_a_password_that_changes_during_a_sign_in_refuses_it() -> None:
    user = a_user_with_password()
    stale = User.objects.get()
    change_password(
        user, current=PASSWORD, new="a-warm-evening-in-june", keep=None, ip=None, at=NOON
    )
    with pytest.raises(WrongCredentials):
        hold(stale)
    hold(user)
    User.objects.update(is_active=False)
    with pytest.raises(WrongCredentials):
        hold(user)
    user.delete()
    user.pk = 1
    with pytest.raises(WrongCredentials):
        hold(user)


def test_spent_tokens_of_ended_sessions_are_tidied_away() -> None:
    kept, ended = ana(), ana()
    for login in (kept, ended):
        refresh(login.tokens.refresh, at=NOON)
    end_session(ended.sesion, reason=Sesion.EndReason.LOGOUT, at=NOON)
    tidy()
    assert [use.sesion for use in RefreshUse.objects.all()] == [kept.sesion]
    assert str(RefreshUse.objects.get()) == f"{kept.sesion.pk}/0"


@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=12))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_history_of_refreshes_follows_the_rule(steps: list[tuple[int, int]], db: None) -> None:
    """Each step waits some seconds and presents one of the tokens handed out so far."""
    login = ana()
    tokens, now = [login.tokens], NOON
    first_used: dict[int, int] = {}
    clock, ended = 0, False
    for choice, wait in steps:
        clock += wait
        now = NOON + clock * SECOND
        number = choice % len(tokens)
        late = clock - first_used.get(number, clock) > 30
        if ended or late:
            with pytest.raises(SessionEnded):
                refresh(tokens[number].refresh, at=now)
            ended = True
            continue
        answer = refresh(tokens[number].refresh, at=now).tokens
        if number in first_used:
            assert answer == tokens[number + 1]
        else:
            first_used[number] = clock
            tokens.append(answer)
    assert bool(Sesion.objects.get(pk=login.sesion.pk).end_reason) is ended


@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_get_one_answer() -> None:
    login = ana()
    answers: list[object] = []
    start = threading.Barrier(8)

    def attempt(number: int) -> None:
        start.wait()
        try:
            at = NOON + number * SECOND  # clocks of processes differ
            answers.append(refresh(login.tokens.refresh, at=at).tokens)
        except Exception as error:  # noqa: BLE001
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(map(str, answers))) == 1, answers
    assert RefreshUse.objects.count() == 1
