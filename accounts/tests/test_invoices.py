"""Figures worked out by hand. The races mean most on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from accounts.acts import BOT_TIME, PREDICTION, TRADE
from accounts.billing_models import InvoiceClosed
from accounts.invoices import close_month, close_months, preview
from accounts.models import (
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    Plan,
    PlanPrice,
    UsageRow,
    User,
)
from accounts.services import erase_account
from accounts.tests.factories import NOON, a_user
from accounts.tests.test_usage import at_once
from accounts.usage import note_readings, record, tidy

pytestmark = pytest.mark.django_db(transaction=True)
JUNE = datetime(2026, 6, 1, 3, tzinfo=UTC)
JULY = datetime(2026, 7, 1, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def plan(settings: Settings) -> Plan:
    settings.ENV = settings.ENV.model_copy(
        update={"invoice_tax_rate": Decimal("21.00"), "invoice_issuer": "A laboratory"}
    )
    Plan.objects.all().delete()
    plan = Plan.objects.create(name="lab")
    PlanPrice.objects.create(plan=plan, act=TRADE.name, unit_price=Decimal("0.015"))
    PlanPrice.objects.create(plan=plan, act=BOT_TIME.name, unit_price=Decimal("0.10"))
    return plan


def used(user: User, *, trades: int = 3, at: datetime = NOON) -> None:
    for number in range(trades):
        record(user, act=TRADE, key=f"{user.pk}:{at:%m%d}:{number}", at=at)


def test_a_month_comes_to_what_was_used_at_the_plans_prices(plan: Plan) -> None:
    ada = a_user(name="Ada", email="ada@example.org")
    used(ada)
    record(ada, act=BOT_TIME, key="bot", amount=5400, at=NOON)
    record(ada, act=PREDICTION, key="seen", amount=1000, at=NOON)
    plan.monthly_price = Decimal("9.90")
    plan.save()
    assert close_months(at=JUNE) == 1
    invoice = Invoice.objects.get()
    lines = invoice.lines.order_by("pk").values_list("act", "quantity", "unit_price", "total")
    assert list(lines) == [
        ("", Decimal(1), Decimal("9.90"), Decimal("9.90")),
        ("prediction", Decimal(1000), Decimal(0), Decimal(0)),
        ("trade", Decimal(3), Decimal("0.015"), Decimal("0.05")),  # 0.045, half up
        ("bot_time", Decimal("1.5"), Decimal("0.1"), Decimal("0.15")),
    ]
    assert (invoice.net, invoice.tax, invoice.total) == (
        Decimal("10.10"),
        Decimal("2.12"),  # 2.121
        Decimal("12.22"),
    )
    assert (invoice.number, str(invoice.month), invoice.plan) == ("2026-00001", "2026-05-01", "lab")
    assert (invoice.recipient, invoice.issuer) == ("Ada\nada@example.org", "A laboratory")


def test_a_third_of_an_hour_is_charged_as_it_is_shown() -> None:
    ada = a_user()
    record(ada, act=BOT_TIME, key="bot", amount=1200, at=NOON)
    (line,) = preview(ada, at=NOON).lines
    assert (line.quantity, line.total) == (Decimal("0.3333"), Decimal("0.03"))


def test_a_month_is_closed_once_and_only_when_it_is_over() -> None:
    ada = a_user()
    used(ada)
    assert close_months(at=NOON) == 0
    assert close_months(at=JUNE.replace(hour=0, minute=30)) == 0
    assert close_months(at=JUNE) == 1
    assert close_months(at=JUNE) == 0
    assert preview(ada, at=JUNE).lines == ()


def test_a_change_of_price_changes_no_invoice_and_nobody_can_change_one(plan: Plan) -> None:
    ada = a_user()
    used(ada)
    close_months(at=JUNE)
    PlanPrice.objects.update(unit_price=7)
    invoice = Invoice.objects.get()
    line = invoice.lines.get()
    assert (invoice.total, line.unit_price) == (Decimal("0.06"), Decimal("0.015"))
    invoice.total = Decimal(0)
    for change in (
        invoice.save,
        invoice.delete,
        line.delete,
        lambda: Invoice.objects.update(total=0),
        lambda: Invoice.objects.all().delete(),
        lambda: InvoiceLine.objects.update(total=0),
        lambda: Invoice.objects.bulk_update([invoice], ["total"]),
    ):
        with pytest.raises(InvoiceClosed):
            change()
    assert Invoice.objects.get().total == Decimal("0.06")


def test_what_comes_late_is_on_the_next_invoice_and_nothing_on_two() -> None:
    ada = a_user()
    note_readings([(ada.pk, 1)] * 5, at=NOON)
    used(ada)
    close_months(at=JUNE)
    note_readings([(ada.pk, 1)] * 2, at=NOON)
    record(ada, act=TRADE, key="late", at=NOON)
    used(ada, trades=1, at=JUNE)
    close_months(at=JULY)
    first, second = Invoice.objects.order_by("sequence")
    assert [str(first.month), str(second.month)] == ["2026-05-01", "2026-06-01"]
    quantities = [dict(one.lines.values_list("act", "quantity")) for one in (first, second)]
    assert quantities == [{"prediction": 5, "trade": 3}, {"prediction": 2, "trade": 2}]
    assert not UsageRow.objects.open().exists()


def test_months_that_nobody_closed_are_closed_in_order() -> None:
    ada = a_user()
    used(ada)
    used(ada, at=JUNE)
    assert close_months(at=JULY) == 2
    assert [str(one.month) for one in Invoice.objects.order_by("sequence")] == [
        "2026-05-01",
        "2026-06-01",
    ]


def test_many_that_close_at_once_leave_out_no_number_and_repeat_none() -> None:
    users = [a_user() for _ in range(5)]
    for user in users:
        used(user)
    at_once([lambda: close_months(at=JUNE)] * 4)
    numbers = sorted(Invoice.objects.values_list("sequence", flat=True))
    assert numbers == [1, 2, 3, 4, 5]
    assert Invoice.objects.values("user").distinct().count() == 5


def test_a_number_whose_invoice_fails_is_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = a_user()
    used(ada)

    def fails(*_args: object, **_fields: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(InvoiceLine.objects, "create", fails)
        with pytest.raises(RuntimeError):
            close_month(ada, month=NOON, at=JUNE)
    assert not Invoice.objects.exists()
    assert InvoiceCounter.objects.get().last == 0
    assert UsageRow.objects.open().count() == 3
    close_month(ada, month=NOON, at=JUNE)
    assert Invoice.objects.get().sequence == 1


def test_an_erased_account_leaves_its_numbers_and_nothing_of_itself() -> None:
    ada = a_user(name="Ada Lovelace", email="ada@example.org")
    used(ada)
    close_months(at=JUNE)
    erase_account(ada)
    invoice = Invoice.objects.get()
    assert (invoice.user, invoice.recipient, invoice.number) == (None, "", "2026-00001")
    assert invoice.lines.count() == 1
    assert not UsageRow.objects.exists()


def test_rows_charged_long_ago_are_deleted_and_open_ones_kept() -> None:
    ada = a_user()
    used(ada)
    close_months(at=JUNE)
    used(ada, trades=1, at=NOON + timedelta(days=1))
    tidy(at=NOON + timedelta(days=399))
    assert UsageRow.objects.count() == 4
    tidy(at=NOON + timedelta(days=401))
    assert UsageRow.objects.open().count() == UsageRow.objects.count() == 1
