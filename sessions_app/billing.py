"""What an account used and owes, as the API and the pages show it. Money is text."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from accounts.acts import ACTS, Act
from accounts.invoices import SMALLEST, preview
from accounts.models import Invoice, User
from accounts.plans import Standing, plan_of, standings
from accounts.usage import DayOfAct, by_day, fold, month_of
from visionai.lib.errors import DomainError
from visionai.lib.tables import Row, Table

USAGE_COLUMNS: Final = ("day", "act", "quantity", "unit")
BILL_COLUMNS: Final = (
    "invoice",
    "month",
    "recipient",
    "act",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "total",
    "currency",
)
MONTHLY: Final = "plan"


class NotAMonth(DomainError):
    status, code, title = 400, "bad_month", _("Not a month")
    detail = _("Write the month as 2026-11.")


@dataclass(frozen=True, slots=True)
class Usage:
    """A month of one account."""

    start: datetime
    days: list[DayOfAct]
    plan: str
    standings: list[Standing]

    @property
    def month(self) -> str:
        return f"{self.start:%Y-%m}"


@dataclass(frozen=True, slots=True)
class BillLine:
    act: Act | None  # None is the month of the plan, or an act that is no more
    name: str
    quantity: Decimal
    unit_price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """An invoice, or what the running month has come to (no number then)."""

    number: str
    month: date
    plan: str
    recipient: str
    issuer: str
    issued_at: datetime | None
    currency: str
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    total: Decimal
    lines: list[BillLine]


def month_from(text: str, *, at: datetime) -> datetime:
    """The first moment of `2026-11`; of the running month where nothing is asked for. Raises
    `NotAMonth`."""
    if not text:
        return month_of(at)[0]
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise NotAMonth from error


def usage_of(user: User, *, month: datetime, at: datetime) -> Usage:
    fold()
    start, end = month_of(month)
    days = by_day(user, start=start, end=end)
    return Usage(start, days, plan_of(user).name, standings(user, at=at))


def usage_table(usage: Usage) -> Table:
    rows = (
        {
            "day": one.day.isoformat(),
            "act": one.act.name,
            "quantity": quantity_of(one),
            "unit": str(one.act.unit),
        }
        for one in usage.days
    )
    return Table(f"usage-{usage.month}", USAGE_COLUMNS, rows)


def quantity_of(one: DayOfAct) -> Decimal:
    return in_units(one.act, one.amount)


def in_units(act: Act, amount: int) -> Decimal:
    """As an invoice counts it: 5400 seconds are 1.5 hours."""
    if act.per == 1:
        return Decimal(amount)
    return (Decimal(amount) / act.per).quantize(SMALLEST, ROUND_HALF_UP)


def current_statement(user: User, *, at: datetime) -> Statement:
    bill, env = preview(user, at=at), settings.ENV
    lines = [
        BillLine(
            line.act,
            line.act.name if line.act else MONTHLY,
            line.quantity,
            line.unit_price,
            line.total,
        )
        for line in bill.lines
    ]
    return Statement(
        number="",
        month=month_of(at)[0].date(),
        plan=plan_of(user).name,
        recipient=user.name or user.username,
        issuer=env.invoice_issuer,
        issued_at=None,
        currency=env.invoice_currency,
        tax_rate=bill.tax_rate,
        net=bill.net,
        tax=bill.tax,
        total=bill.total,
        lines=lines,
    )


def statement_of(invoice: Invoice) -> Statement:
    lines = [
        BillLine(
            ACTS.get(line.act), line.act or MONTHLY, line.quantity, line.unit_price, line.total
        )
        for line in invoice.lines.order_by("pk")
    ]
    same = {
        name: getattr(invoice, name)
        for name in (
            "number",
            "month",
            "plan",
            "recipient",
            "issuer",
            "issued_at",
            "currency",
            "tax_rate",
            "net",
            "tax",
            "total",
        )
    }
    return Statement(**same, lines=lines)


def find_invoice(user: User, number: str) -> Invoice:
    """One of the user's own, of staff anybody's; 404 for all else."""
    rows = Invoice.objects.all() if user.is_staff else Invoice.objects.owned_by(user)
    year, _dash, sequence = number.partition("-")
    found: Invoice = get_object_or_404(rows, year=int(year), sequence=int(sequence))
    return found


def statement_body(one: Statement) -> dict[str, Any]:
    return {
        "number": one.number or None,
        "month": f"{one.month:%Y-%m}",
        "plan": one.plan,
        "recipient": one.recipient,
        "issuer": one.issuer,
        "issued_at": one.issued_at,
        "currency": one.currency,
        "tax_rate": str(one.tax_rate),
        "net": str(one.net),
        "tax": str(one.tax),
        "total": str(one.total),
        "lines": [
            {
                "act": line.name,
                "quantity": shown_quantity(line.quantity),
                "unit": str(line.act.unit) if line.act else "",
                "unit_price": str(line.unit_price),
                "total": str(line.total),
            }
            for line in one.lines
        ],
    }


def statement_table(one: Statement) -> Table:
    """Its lines, then what they come to."""
    name = one.number or f"preview-{one.month:%Y-%m}"
    return Table(f"invoice-{name}", BILL_COLUMNS, _statement_rows(one))


def _statement_rows(one: Statement) -> Iterator[Row]:
    same: dict[str, object] = {
        "invoice": one.number,
        "month": f"{one.month:%Y-%m}",
        "recipient": ", ".join(one.recipient.splitlines()),
        "currency": one.currency,
    }
    for line in one.lines:
        yield same | {
            "act": line.name,
            "description": str(line.act.label) if line.act else one.plan,
            "quantity": line.quantity.quantize(SMALLEST),
            "unit": str(line.act.unit) if line.act else "",
            "unit_price": line.unit_price,
            "total": line.total,
        }
    empty: dict[str, object] = {"quantity": "", "unit": "", "unit_price": ""}
    for name, words, money in (
        ("net", _("Net"), one.net),
        ("tax", _("Tax"), one.tax),
        ("total", _("Total"), one.total),
    ):
        yield same | empty | {"act": name, "description": str(words), "total": money}


def shown_quantity(number: Decimal) -> str:
    """1.5000 as 1.5."""
    return f"{number.quantize(SMALLEST):f}".rstrip("0").rstrip(".")
