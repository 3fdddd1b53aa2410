"""What a month cost: a preview while it runs, an invoice that stays as it is once it is over."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet, Sum

from accounts.acts import ACTS, Act
from accounts.hooks import Rows
from accounts.models import Invoice, InvoiceCounter, InvoiceLine, Plan, PlanPrice, UsageRow, User
from accounts.plans import plan_of
from accounts.usage import fold, month_of

log = logging.getLogger(__name__)

CENT: Final = Decimal("0.01")
SMALLEST: Final = Decimal("0.0001")  # of a quantity
# What was done in the last minutes of a month may still be on its way to its row.
GRACE: Final = timedelta(hours=1)
AT_ONCE: Final = 500  # rows of one statement


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of an act; without an act, the month of the plan."""

    act: Act | None
    quantity: Decimal
    unit_price: Decimal

    @property
    def total(self) -> Decimal:
        return (self.quantity * self.unit_price).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines and what they come to."""

    lines: tuple[Line, ...]
    tax_rate: Decimal  # percent

    @property
    def net(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal("0.00"))

    @property
    def tax(self) -> Decimal:
        return (self.net * self.tax_rate / 100).quantize(CENT, ROUND_HALF_UP)

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


def preview(user: User, *, at: datetime) -> Bill:
    """What the running month has come to, with all that no invoice holds yet."""
    fold()
    _start, end = month_of(at)
    rows = UsageRow.objects.owned_by(user).open().filter(at__lt=end)
    used = rows.order_by().values_list("act").annotate(total=Sum("amount"))
    return bill_of(plan_of(user), dict(used))


def close_months(*, at: datetime) -> int:
    """Issue the invoices of all months that are over; how many were. Safe to run twice, and at
    once: who comes second finds nothing open."""
    fold()
    this_month, _end = month_of(at - GRACE)
    issued = 0
    for user in User.objects.order_by("pk").iterator(chunk_size=200):
        for month in _open_months(user, until=this_month):
            issued += close_month(user, month=month, at=at) is not None
    if issued:
        log.info("%s invoices issued", issued)
    return issued


def close_month(user: User, *, month: datetime, at: datetime) -> Invoice | None:
    """The invoice of one month, with what older months left open; None where there is nothing, or
    where it was issued before."""
    # On its own, or two that make a year's first row would wait for each other (MariaDB).
    InvoiceCounter.objects.get_or_create(year=at.year)
    return _close(user, month=month, at=at)


@transaction.atomic
def _close(user: User, *, month: datetime, at: datetime) -> Invoice | None:
    # One at a time, so that no number is left out and nobody is charged twice.
    counter = InvoiceCounter.objects.select_for_update().get(year=at.year)
    start, end = month_of(month)
    if Invoice.objects.filter(user=user, month=start.date()).exists():
        return None
    rows = UsageRow.objects.owned_by(user).open().filter(at__lt=end).order_by("pk")
    # What is added to one of them now waits, and then finds it taken.
    taken = list(rows.select_for_update().values_list("pk", "act", "amount"))
    used: Counter[str] = Counter()
    for _pk, act, amount in taken:
        used[act] += amount
    plan = plan_of(user)
    bill = bill_of(plan, used)
    if not bill.lines:
        return None
    counter.last += 1
    counter.save(update_fields=["last"])
    invoice = _issue(bill, user=user, plan=plan, month=start.date(), number=counter, at=at)
    pks = [pk for pk, _act, _amount in taken]
    for first in range(0, len(pks), AT_ONCE):
        UsageRow.objects.filter(pk__in=pks[first : first + AT_ONCE]).update(invoice=invoice)
    return invoice


def _issue(
    bill: Bill, *, user: User, plan: Plan, month: date, number: InvoiceCounter, at: datetime
) -> Invoice:
    invoice = Invoice.objects.create(
        year=number.year,
        sequence=number.last,
        user=user,
        recipient="\n".join(filter(None, [user.name or user.username, user.email or ""])),
        issuer=settings.ENV.invoice_issuer,
        month=month,
        plan=plan.name,
        issued_at=at,
        currency=settings.ENV.invoice_currency,
        tax_rate=bill.tax_rate,
        net=bill.net,
        tax=bill.tax,
        total=bill.total,
    )
    for line in bill.lines:
        InvoiceLine.objects.create(
            invoice=invoice,
            act=line.act.name if line.act else "",
            quantity=line.quantity,
            unit_price=line.unit_price,
            total=line.total,
        )
    return invoice


def export_invoices(user: User) -> tuple[str, Rows]:
    rows = Invoice.objects.owned_by(user).order_by("pk")
    fields = ["year", "sequence", "month", "recipient", "currency", "net", "tax", "total"]
    return "invoices", rows.values(*fields).iterator()


def erase_invoices(user: User) -> None:
    """The numbers and sums stay, as the books must; whose they were does not."""
    rows: QuerySet[Invoice] = QuerySet(Invoice).filter(user=user)
    rows.update(recipient="", user=None)


def _open_months(user: User, *, until: datetime) -> list[datetime]:
    """First moments of the months before `until` that the user may owe something for."""
    oldest = UsageRow.objects.owned_by(user).open().aggregate(oldest=Min("at"))["oldest"]
    months = []
    last, _end = month_of(until - timedelta(days=1))
    start = last
    if oldest is not None and oldest < until:
        start, _end = month_of(oldest)
    elif plan_of(user).monthly_price == 0 or user.created_at >= until:
        return []
    while start <= last:
        months.append(start)
        _start, start = month_of(start)
    return months


def bill_of(plan: Plan, used: Mapping[str, int]) -> Bill:
    prices = dict(PlanPrice.objects.filter(plan_id=plan.pk).values_list("act", "unit_price"))
    lines = []
    if plan.monthly_price:
        lines.append(Line(None, Decimal(1), plan.monthly_price))
    for act in ACTS.values():
        if amount := used.get(act.name):
            quantity = (Decimal(amount) / act.per).quantize(SMALLEST, ROUND_HALF_UP)
            lines.append(Line(act, quantity, prices.get(act.name, Decimal(0))))
    return Bill(tuple(lines), settings.ENV.invoice_tax_rate)
