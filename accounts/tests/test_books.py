"""An erased account leaves sums for the operator's books, and nothing that leads to it."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.test import Client as Browser

from accounts.acts import BOT_TIME, PREDICTION, TRADE
from accounts.invoices import close_month
from accounts.models import ErasedUsage, PlanPrice, UsageRow
from accounts.plans import plan_of
from accounts.services import erase_account
from accounts.tests.factories import NOON, a_user, an_administrator
from accounts.tests.test_invoices import JUNE
from accounts.tests.test_usage import at_once
from accounts.usage import note_readings, record

pytestmark = pytest.mark.django_db


def sums() -> list[tuple[date, str, int, Decimal]]:
    rows = ErasedUsage.objects.order_by("month", "act")
    return list(rows.values_list("month", "act", "amount", "net"))


def test_what_no_invoice_holds_is_added_up_by_month_and_act() -> None:
    ada, eve = a_user(), a_user()
    plan = plan_of(ada)
    PlanPrice.objects.create(plan=plan, act="trade", unit_price=Decimal("0.10"))
    PlanPrice.objects.create(plan=plan, act="bot_time", unit_price=Decimal("2.00"))
    for number in range(3):
        record(ada, act=TRADE, key=f"a{number}", at=NOON)
    record(ada, act=BOT_TIME, key="a", amount=5400, at=NOON)
    record(ada, act=TRADE, key="june", at=JUNE + timedelta(days=2))
    record(eve, act=TRADE, key="e", at=NOON)
    erase_account(ada)
    may, june = date(2026, 5, 1), date(2026, 6, 1)
    assert sums() == [
        (may, "bot_time", 5400, Decimal("3.00")),
        (may, "trade", 3, Decimal("0.30")),
        (june, "trade", 1, Decimal("0.10")),
    ]
    assert UsageRow.objects.get().user_id == eve.pk
    erase_account(eve)
    assert (may, "trade", 4, Decimal("0.40")) in sums()
    assert not UsageRow.objects.exists()


def test_what_an_invoice_holds_is_not_counted_again() -> None:
    ada = a_user()
    record(ada, act=TRADE, key="may", at=NOON)
    close_month(ada, month=NOON, at=JUNE)
    erase_account(ada)
    assert sums() == []


def test_readings_that_a_camera_noted_are_counted_too() -> None:
    ada, eve = a_user(), a_user()
    note_readings([(ada.pk, 1), (ada.pk, 1), (eve.pk, 2)], at=NOON)
    erase_account(ada)
    assert sums() == [(date(2026, 5, 1), PREDICTION.name, 2, Decimal(0))]
    assert UsageRow.objects.get().user_id == eve.pk


def test_the_sums_name_nobody() -> None:
    fields = {one.name for one in ErasedUsage._meta.get_fields()}
    assert fields == {"id", "month", "act", "currency", "amount", "net"}


def test_an_account_that_cannot_be_erased_leaves_no_sum() -> None:
    root = an_administrator()
    record(root, act=TRADE, key="root", at=NOON)
    with pytest.raises(Exception, match="last_administrator"):
        erase_account(root)
    assert sums() == []
    assert UsageRow.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_accounts_that_are_erased_at_once_are_all_counted() -> None:
    users = [a_user() for _ in range(4)]
    for user in users:
        record(user, act=TRADE, key=f"{user.pk}", at=NOON)

    at_once([partial(erase_account, user) for user in users])
    assert sums() == [(date(2026, 5, 1), "trade", 4, Decimal(0))]


def test_staff_reads_the_sums_and_changes_none() -> None:
    ada = a_user("ada")
    record(ada, act=BOT_TIME, key="a", amount=5400, at=NOON)
    erase_account(ada)
    browser = Browser(headers={"Accept-Language": "es"})
    browser.force_login(an_administrator())
    page = browser.get("/admin/accounts/erasedusage/")
    assert "1.5 horas" in page.content.decode()
    assert "ada" not in page.content.decode().split("result_list")[1].split("</table>")[0]
    assert browser.get("/admin/accounts/erasedusage/add/").status_code == 403


def test_the_usage_list_is_in_the_readers_language() -> None:
    record(a_user("ada"), act=TRADE, key="a", at=NOON)
    browser = Browser(headers={"Accept-Language": "es"})
    browser.force_login(an_administrator())
    head = browser.get("/admin/accounts/usagerow/").content.decode().split("<thead>")[-1]
    assert ">Usuario<" in head.split("</thead>")[0]
    assert ">User<" not in head
