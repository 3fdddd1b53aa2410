"""A call of the assistant counts once, whoever repeats it, and never above the day's limit."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.acts import ASSISTANT_CALL
from accounts.invoices import close_months
from accounts.models import Invoice, Plan, PlanLimit, PlanPrice, UsageRow, User
from accounts.plans import DailyLimitReached, standings
from accounts.tests.factories import NOON, a_user
from accounts.usage import month_of
from assistant.metering import check_calls, claim_call, count_call, key_of

DAY = timedelta(days=1)
CROWD = 6


def limited(most: int) -> User:
    Plan.objects.all().delete()
    plan = Plan.objects.create(name="small")
    PlanLimit.objects.create(plan=plan, name="assistant_calls_a_day", most=most)
    return a_user()


def counted(user: User) -> int:
    return UsageRow.objects.filter(user=user, act=ASSISTANT_CALL.name).count()


@transaction.atomic
def count_and_fail(user: User, key: str) -> None:
    count_call(user, key=key, at=NOON)
    raise RuntimeError


calls = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 1), st.booleans(), st.booleans()), max_size=12
)


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=calls, most=st.integers(0, 4))
def test_whatever_is_repeated_fails_or_waits_each_call_counts_once_within_the_limit(
    calls: list[tuple[int, int, bool, bool]], most: int
) -> None:
    """A model: a set of keys for each day; claims stop at the limit, finished answers do not."""
    with transaction.atomic():
        user = limited(most)
        kept: dict[str, int] = {}  # key to day
        for number, day, is_answer, fails in calls:
            key, at = f"{'answer' if is_answer else 'say'}:{number}", NOON + day * DAY
            used = list(kept.values()).count(day)
            new = key not in kept
            if fails:
                with pytest.raises(RuntimeError):
                    count_and_fail(user, key)
            elif is_answer:
                assert count_call(user, key=key, at=at) is new
                kept.setdefault(key, day)
            elif new and used >= most:
                with pytest.raises(DailyLimitReached):
                    claim_call(user, key=key, at=at)
                with pytest.raises(DailyLimitReached):
                    check_calls(user, at=at, key=key)
            else:
                check_calls(user, at=at, key=key)
                assert claim_call(user, key=key, at=at) is new
                kept.setdefault(key, day)
            assert counted(user) == len(kept)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_visitor_is_neither_counted_nor_limited() -> None:
    limited(0)
    for nobody in (None, AnonymousUser()):
        check_calls(nobody, at=NOON)
        assert count_call(nobody, key="answer:1", at=NOON) is False
    assert not UsageRow.objects.exists()


def test_one_name_for_two_calls_is_two_keys() -> None:
    ana, eva = User(pk=1), User(pk=2)
    keys = [
        key_of("say", ana, "x", b"hola"),
        key_of("say", ana, "x", b"hol", b"a"),
        key_of("say", ana, "xh", b"ola"),
        key_of("say", ana, "y", b"hola"),
        key_of("say", eva, "x", b"hola"),
        key_of("hear", ana, "x", b"hola"),
    ]
    assert len(set(keys)) == 6
    assert keys[0] == key_of("say", ana, "x", b"hola")
    assert max(map(len, keys)) < 60


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_are_counted_than_the_limit_allows() -> None:
    user = limited(4)
    count_call(user, key="answer:1", at=NOON)
    barrier = Barrier(CROWD, timeout=30)

    def claim(number: int) -> bool | None:
        barrier.wait()
        try:
            return claim_call(user, key=f"say:{number // 2}", at=NOON)  # each is sent twice
        except DailyLimitReached:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=CROWD) as crowd:
        answers = list(crowd.map(claim, range(CROWD)))
    assert answers.count(True) == 3
    assert answers.count(False) == 3
    assert counted(user) == 4
    barrier.reset()
    with ThreadPoolExecutor(max_workers=CROWD) as crowd:
        answers = list(crowd.map(lambda number: claim(number + 100), range(CROWD)))
    assert answers == [None] * CROWD


@pytest.mark.django_db
def test_calls_stand_on_the_pages_of_usage_and_invoices(client: Client) -> None:
    now = timezone.now()
    last_month = month_of(now)[0] - timedelta(days=3)
    user = limited(50)
    PlanPrice.objects.create(
        plan=Plan.objects.get(), act=ASSISTANT_CALL.name, unit_price=Decimal("0.50")
    )
    for number in range(3):
        count_call(user, key=f"answer:{number}", at=last_month)
        count_call(user, key=f"answer:{number}", at=last_month)
    close_months(at=month_of(now)[0] + timedelta(hours=2))
    claim_call(user, key="say:9", at=now)
    client.force_login(user)
    used = client.get("/cuenta/uso/").content.decode()
    assert '<p class="stat-name">Llamadas al asistente</p><p class="stat">1</p>' in used
    limits = {one.limit.name: (one.used, one.most) for one in standings(user, at=now)}
    assert limits["assistant_calls_a_day"] == (1, 50)
    invoice = Invoice.objects.get()
    page = client.get(f"/cuenta/facturas/{invoice.number}/").content.decode()
    assert "Llamadas al asistente" in page
    assert invoice.total == Decimal("1.50")
