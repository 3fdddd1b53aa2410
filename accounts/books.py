"""What is left for the operator's books when an account is erased."""

from collections import Counter
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import TruncMonth

from accounts.invoices import bill_of
from accounts.models import ErasedUsage, UsageRow, User
from accounts.plans import plan_of
from accounts.usage import fold


def erase_usage(user: User) -> None:
    """Delete the user's rows; what no invoice holds is added to sums that name nobody."""
    fold()
    mine = UsageRow.objects.owned_by(user)
    list(mine.open().order_by("pk").select_for_update().values_list("pk"))  # no more is added
    months: dict[date, Counter[str]] = {}
    sums = mine.open().order_by().annotate(month=TruncMonth("at")).values_list("month", "act")
    for month, act, amount in sums.annotate(total=Sum("amount")):
        months.setdefault(month.date(), Counter())[act] += amount
    for month, used in sorted(months.items()):
        costs = {
            line.act.name: line.total for line in bill_of(plan_of(user), used).lines if line.act
        }
        for act, amount in sorted(used.items()):
            _add(month, act, amount, net=costs.get(act, Decimal(0)))
    mine.delete()


def _add(month: date, act: str, amount: int, *, net: Decimal) -> None:
    """To the one row of its month, act and currency, whoever makes it."""
    which = {"month": month, "act": act, "currency": settings.ENV.invoice_currency}
    # Made or locked in one statement: of two that first look, MariaDB would end one as a deadlock.
    named = connection.features.supports_update_conflicts_with_target
    ErasedUsage.objects.bulk_create(
        [ErasedUsage(**which)],
        update_conflicts=True,
        update_fields=["currency"],
        unique_fields=list(which) if named else None,
    )
    more = {"amount": F("amount") + amount, "net": F("net") + net}
    ErasedUsage.objects.filter(**which).update(**more)
