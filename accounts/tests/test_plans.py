from datetime import timedelta

import pytest
from django.utils.translation import override

from accounts.acts import EXPORTS_A_DAY, LIMITS, STORAGE, TRADE, TRADES_A_DAY
from accounts.models import Plan, PlanLimit, UserLimit
from accounts.plans import (
    DailyLimitReached,
    LimitReached,
    check_quota,
    limit_of,
    plan_of,
    put_on_plan,
    standings,
)
from accounts.tests.factories import NOON, a_user
from accounts.usage import record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plans() -> tuple[Plan, Plan]:
    Plan.objects.all().delete()
    small, large = (
        Plan.objects.create(name="small", place=0),
        Plan.objects.create(name="large", place=1),
    )
    PlanLimit.objects.create(plan=small, name=TRADES_A_DAY.name, most=3)
    PlanLimit.objects.create(plan=small, name=STORAGE.name, most=1000)
    PlanLimit.objects.create(plan=large, name=TRADES_A_DAY.name, most=5)
    return small, large


def test_an_account_starts_on_the_first_plan_and_can_be_put_on_another(
    plans: tuple[Plan, Plan],
) -> None:
    ada = a_user()
    assert plan_of(ada) == plans[0]
    assert limit_of(ada, TRADES_A_DAY.name) == 3
    put_on_plan(ada, plans[1])
    put_on_plan(ada, plans[1])
    assert limit_of(ada, TRADES_A_DAY.name) == 5
    assert limit_of(a_user(), TRADES_A_DAY.name) == 3


def test_an_own_limit_goes_before_the_plans_also_where_it_is_none() -> None:
    ada = a_user()
    own = UserLimit.objects.create(user=ada, name=TRADES_A_DAY.name, most=1)
    assert limit_of(ada, TRADES_A_DAY.name) == 1
    own.most = None
    own.save()
    assert limit_of(ada, TRADES_A_DAY.name) is None
    check_quota(ada, TRADES_A_DAY.name, at=NOON, used=10**12)


def test_without_a_row_or_a_plan_there_is_no_limit() -> None:
    ada = a_user()
    assert limit_of(ada, EXPORTS_A_DAY.name) is None
    Plan.objects.all().delete()
    assert limit_of(ada, TRADES_A_DAY.name) is None
    with pytest.raises(KeyError):
        limit_of(ada, "made up")


def test_the_last_that_fits_passes_and_the_next_waits_for_midnight() -> None:
    ada = a_user()
    for number in range(2):
        record(ada, act=TRADE, key=f"{number}", at=NOON)
    record(ada, act=TRADE, key="yesterday", at=NOON - timedelta(days=1))
    check_quota(ada, TRADES_A_DAY.name, at=NOON)
    with pytest.raises(DailyLimitReached):
        check_quota(ada, TRADES_A_DAY.name, at=NOON, adding=2)
    record(ada, act=TRADE, key="2", at=NOON)
    with pytest.raises(DailyLimitReached) as refusal, override("en"):
        check_quota(ada, TRADES_A_DAY.name, at=NOON)
    assert (refusal.value.status, refusal.value.retry_after) == (429, 12 * 3600 + 1)
    with override("en"):
        assert refusal.value.sentence() == (
            "Trades a day: 3 of 3 in your plan (small). Go on after midnight (UTC), or ask an "
            "administrator for a larger plan."
        )
    check_quota(ada, TRADES_A_DAY.name, at=NOON + timedelta(days=1))


def test_what_stands_at_once_is_refused_with_what_to_do() -> None:
    ada = a_user()
    check_quota(ada, STORAGE.name, at=NOON, used=900, adding=100)
    with pytest.raises(LimitReached) as refusal:
        check_quota(ada, STORAGE.name, at=NOON, used=901, adding=100)
    assert (refusal.value.status, refusal.value.code) == (409, "plan_limit_reached")


def test_standings_name_every_limit() -> None:
    ada = a_user()
    record(ada, act=TRADE, key="1", at=NOON)
    found = {one.limit.name: (one.most, one.used) for one in standings(ada, at=NOON)}
    assert set(found) == set(LIMITS)
    assert found[TRADES_A_DAY.name] == (3, 1)
    assert found[STORAGE.name] == (1000, None)
    assert found[EXPORTS_A_DAY.name] == (None, 0)


def test_the_migration_seeds_three_plans_with_every_limit() -> None:
    from importlib import import_module

    from django.apps import apps

    Plan.objects.all().delete()
    import_module("accounts.migrations.0003_first_plans").seed(apps, None)
    assert [plan.name for plan in Plan.objects.all()] == ["free", "lab", "team"]
    for plan in Plan.objects.all():
        assert set(plan.limits.values_list("name", flat=True)) == set(LIMITS)
