"""Pages about what an account used and what it costs."""

from datetime import timedelta
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.acts import ACTS
from accounts.models import Invoice, User
from accounts.usage import month_of
from sessions_app.billing import (
    NotAMonth,
    current_statement,
    find_invoice,
    in_units,
    month_from,
    quantity_of,
    statement_of,
    usage_of,
)

MONTHS_SHOWN = 24


@login_required
@require_GET
def usage(request: HttpRequest) -> HttpResponse:
    """By act and day; the chart draws one act."""
    at = timezone.now()
    try:
        month = month_from(request.GET.get("month", ""), at=at)
    except NotAMonth:
        month = month_of(at)[0]
    found = usage_of(cast("User", request.user), month=month, at=at)
    used = [act for act in ACTS.values() if any(one.act is act for one in found.days)]
    asked = ACTS.get(request.GET.get("act", ""))
    chosen = asked if asked in used else (used[0] if used else None)
    rows = [{"day": one.day, "act": one.act, "quantity": quantity_of(one)} for one in found.days]
    totals = []
    for act in used:
        amount = sum(one.amount for one in found.days if one.act is act)
        totals.append({"act": act, "quantity": in_units(act, amount)})
    facts = {
        "usage": found,
        "totals": totals,
        "chosen": chosen,
        "charted": [row for row in rows if row["act"] is chosen],
        "before": f"{month - timedelta(days=1):%Y-%m}",
        "after": f"{month_of(month)[1]:%Y-%m}" if month_of(month)[1] <= at else "",
    }
    return render(request, "sessions_app/usage.html", facts)


@login_required
@require_GET
def invoices(request: HttpRequest) -> HttpResponse:
    """What the running month has come to, and the invoices of those that are over."""
    user = cast("User", request.user)
    facts = {
        "one": current_statement(user, at=timezone.now()),
        "invoices": Invoice.objects.owned_by(user).order_by("-year", "-sequence")[:MONTHS_SHOWN],
        "file": "/api/v1/invoices/current",
    }
    return render(request, "sessions_app/invoices.html", facts)


@login_required
@require_GET
def invoice(request: HttpRequest, number: str) -> HttpResponse:
    row = find_invoice(cast("User", request.user), number)
    facts = {"one": statement_of(row), "file": f"/api/v1/invoices/{row.number}"}
    return render(request, "sessions_app/invoice.html", facts)
