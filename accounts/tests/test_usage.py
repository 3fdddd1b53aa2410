"""The races mean most on PostgreSQL, where `tests/test_other_databases.py` runs them too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from accounts import usage
from accounts.acts import ACTS, BOT_TIME, PREDICTION, TRADE, Act
from accounts.models import UsageRow, UsageTally, User
from accounts.services import erase_account
from accounts.tests.factories import NOON, a_user
from accounts.usage import fold, note_readings, record, used_today

CROWD = 6
DAY = timedelta(days=1)
acts = st.sampled_from(list(ACTS.values()))
tries = st.lists(st.tuples(acts, st.sampled_from("abcd"), st.integers(0, 9)), max_size=25)


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """Run the calls in threads that begin at the same moment; their answers in order."""
    barrier = Barrier(len(works), timeout=30)

    def begin(work: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(works)) as crowd:
        return [done.result(60) for done in [crowd.submit(begin, work) for work in works]]


@pytest.mark.django_db(transaction=True)
@effort(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tries=tries)
def test_whatever_is_repeated_each_act_and_key_counts_once(
    tries: list[tuple[Act, str, int]],
) -> None:
    with transaction.atomic():
        user = a_user()
        first: dict[tuple[str, str], int] = {}
        for act, key, amount in tries:
            new = record(user, act=act, key=key, amount=amount, at=NOON)
            assert new == ((act.name, key) not in first)
            first.setdefault((act.name, key), amount)
        rows = UsageRow.objects.values_list("act", "key", "amount")
        assert {(act, key): amount for act, key, amount in rows} == first
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_counts() -> None:
    user = a_user()
    for number in range(10):
        work = partial(record, user, act=TRADE, key=f"order:{number}", at=NOON)
        assert at_once([work] * CROWD).count(True) == 1
    assert UsageRow.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_an_act_whose_transaction_fails_is_not_counted_and_may_be_tried_again() -> None:
    user = a_user()

    @transaction.atomic
    def fails() -> None:
        assert record(user, act=TRADE, key="order:1", at=NOON)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert not UsageRow.objects.exists()
    assert record(user, act=TRADE, key="order:1", at=NOON)


@pytest.mark.django_db
def test_a_second_count_leaves_the_transaction_usable() -> None:
    user = a_user()
    assert record(user, act=TRADE, key="order:1", at=NOON, session_id="a-session")
    assert not record(user, act=TRADE, key="order:1", amount=5, at=NOON)
    assert record(user, act=BOT_TIME, key="order:1", at=NOON, session_id=7)
    assert [*UsageRow.objects.order_by("pk").values_list("amount", "session")] == [
        (1, "a-session"),
        (1, "7"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("act", "key", "amount"),
    [
        (Act("made up", "", ""), "1", 1),
        (TRADE, "", 1),
        (TRADE, "Order", 1),
        (TRADE, "1", -1),
        (TRADE, "1" * 121, 1),
    ],
)
def test_what_cannot_be_an_act_is_a_fault_of_the_program(act: Act, key: str, amount: int) -> None:
    with pytest.raises(ValueError, match="no act that can be counted"):
        record(a_user(), act=act, key=key, amount=amount, at=NOON)


@pytest.mark.django_db
def test_readings_of_cameras_are_added_up_by_user_session_and_day() -> None:
    ada, eve = a_user(), a_user()
    note_readings([(ada.pk, 1), (ada.pk, 1), (eve.pk, None), (None, 4)], at=NOON)
    note_readings([(ada.pk, 1), (ada.pk, 2)], at=NOON)
    note_readings([(ada.pk, 1)], at=NOON + DAY)
    note_readings([(None, 4)], at=NOON)
    assert UsageTally.objects.count() == 3
    assert fold() == 3
    assert fold() == 0
    found = UsageRow.objects.filter(user=ada).order_by("key").values_list("key", "amount")
    assert list(found) == [
        (f"{ada.pk}:1:2026-05-04", 3),
        (f"{ada.pk}:1:2026-05-05", 1),
        (f"{ada.pk}:2:2026-05-04", 1),
    ]
    note_readings([(ada.pk, 1)] * 4, at=NOON)
    fold()
    assert used_today(ada, PREDICTION, at=NOON) == 8
    assert used_today(eve, PREDICTION, at=NOON) == 1


@pytest.mark.django_db(transaction=True)
def test_many_that_add_up_at_once_lose_and_repeat_nothing() -> None:
    ada = a_user()
    for _round in range(5):
        for _note in range(20):
            note_readings([(ada.pk, 1), (ada.pk, 2)], at=NOON)
        at_once([fold] * 3)
    fold()
    amounts = UsageRow.objects.order_by("key").values_list("key", "amount")
    assert list(amounts) == [(f"{ada.pk}:1:2026-05-04", 100), (f"{ada.pk}:2:2026-05-04", 100)]


@pytest.mark.django_db
def test_readings_that_come_after_an_account_was_erased_are_dropped() -> None:
    ada, eve = a_user(), a_user()
    gone = ada.pk
    erase_account(User.objects.get(pk=ada.pk))
    note_readings([(gone, 1), (eve.pk, 2)], at=NOON)
    assert fold() == 1
    assert (UsageRow.objects.get().user_id, UsageRow.objects.get().amount) == (eve.pk, 1)


@pytest.mark.django_db
def test_erasing_an_account_takes_its_usage_and_no_other() -> None:
    ada, eve = a_user(), a_user()
    for user in (ada, eve):
        record(user, act=TRADE, key=f"order:{user.pk}", at=NOON)
    name, rows = usage.export_usage(ada)
    assert name == "usage"
    assert [row["act"] for row in rows] == ["trade"]
    erase_account(ada)
    assert UsageRow.objects.get().user_id == eve.pk


@pytest.mark.django_db
def test_a_month_is_told_by_act_and_day() -> None:
    ada = a_user()
    for number, at in enumerate([NOON, NOON, NOON + DAY, NOON + 31 * DAY]):
        record(ada, act=TRADE, key=f"{number}", amount=2, at=at)
    start, end = usage.month_of(NOON)
    assert (start.isoformat(), end.isoformat()) == (
        "2026-05-01T00:00:00+00:00",
        "2026-06-01T00:00:00+00:00",
    )
    found = usage.by_day(ada, start=start, end=end)
    assert [(str(one.day), one.act, one.amount) for one in found] == [
        ("2026-05-04", TRADE, 4),
        ("2026-05-05", TRADE, 2),
    ]
