"""`/api/v1/usage` and `/api/v1/invoices`: what I used, and what it costs."""

from typing import Any, Final, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Invoice, User
from sessions_app.billing import (
    Statement,
    current_statement,
    find_invoice,
    month_from,
    quantity_of,
    shown_quantity,
    statement_body,
    statement_of,
    statement_table,
    usage_of,
    usage_table,
)
from visionai.lib.openapi import problems, shows
from visionai.lib.tables import CsvRenderer, XlsxRenderer

TAGS: Final = ["Usage and invoices"]
LINE: Final = {
    "act": "bot_time",
    "quantity": "1.5",
    "unit": "hours",
    "unit_price": "0.100000",
    "total": "0.15",
}
STATEMENT: Final[dict[str, object]] = {
    "number": "2026-00017",
    "month": "2026-11",
    "plan": "lab",
    "recipient": "Ada",
    "issuer": "A laboratory",
    "issued_at": "2026-12-01T01:00:00Z",
    "currency": "EUR",
    "tax_rate": "21.00",
    "net": "0.15",
    "tax": "0.03",
    "total": "0.18",
    "lines": [LINE],
}
SUM: Final = {
    "number": "2026-00017",
    "month": "2026-11",
    "issued_at": "2026-12-01T01:00:00Z",
    "currency": "EUR",
    "total": "0.18",
}
USED: Final[dict[str, object]] = {
    "month": "2026-11",
    "plan": "lab",
    "days": [{"day": "2026-11-21", "act": "trade", "quantity": "12", "unit": "trades"}],
    "limits": [{"name": "trades_a_day", "most": 20000, "used_today": 12}],
}
MONTH: Final = OpenApiParameter("month", str, description="`2026-11`; unset, the running month.")
ALL: Final = OpenApiParameter("all", bool, description="Everybody's; for staff.")
FILES: Final = "`?format=csv` and `?format=xlsx` give the lines as a file."


class UsedOutput(serializers.Serializer[object]):
    day = serializers.DateField()
    act = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField()


class LimitOutput(serializers.Serializer[object]):
    name = serializers.CharField()
    most = serializers.IntegerField(allow_null=True, help_text="Null is no limit.")
    used_today = serializers.IntegerField(allow_null=True, help_text="Of limits a day.")


@shows(USED)
class UsageOutput(serializers.Serializer[object]):
    month = serializers.CharField()
    plan = serializers.CharField()
    days = UsedOutput(many=True)
    limits = LimitOutput(many=True)


class InvoiceLineOutput(serializers.Serializer[object]):
    act = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    unit_price = serializers.CharField()
    total = serializers.CharField()


@shows(STATEMENT)
class InvoiceOutput(serializers.Serializer[object]):
    number = serializers.CharField(allow_null=True, help_text="Null while the month runs.")
    month = serializers.CharField()
    plan = serializers.CharField()
    recipient = serializers.CharField()
    issuer = serializers.CharField(allow_blank=True)
    issued_at = serializers.DateTimeField(allow_null=True)
    currency = serializers.CharField()
    tax_rate = serializers.CharField(help_text="Percent.")
    net = serializers.CharField()
    tax = serializers.CharField()
    total = serializers.CharField()
    lines = InvoiceLineOutput(many=True)


class InvoiceSumOutput(serializers.Serializer[object]):
    number = serializers.CharField()
    month = serializers.CharField()
    issued_at = serializers.DateTimeField()
    currency = serializers.CharField()
    total = serializers.CharField()


@shows({"invoices": [SUM]})
class InvoicesOutput(serializers.Serializer[object]):
    invoices = InvoiceSumOutput(many=True)


@extend_schema(
    tags=TAGS,
    summary="What I used in a month, by act and day, and my limits",
    description="`?format=csv` gives the days as a file.",
    parameters=[MONTH],
    responses={200: UsageOutput, **problems(_400="bad_month", _401="not_authenticated")},
)
@api_view(["GET"])
@renderer_classes([JSONRenderer, CsvRenderer])
def usage(request: Request) -> Response:
    at = timezone.now()
    month = month_from(request.query_params.get("month", ""), at=at)
    found = usage_of(_user(request), month=month, at=at)
    if request.accepted_renderer.format == "csv":
        return Response(usage_table(found))
    days = [
        {
            "day": one.day,
            "act": one.act.name,
            "quantity": shown_quantity(quantity_of(one)),
            "unit": str(one.act.unit),
        }
        for one in found.days
    ]
    limits = [
        {"name": one.limit.name, "most": one.most, "used_today": one.used}
        for one in found.standings
    ]
    return Response({"month": found.month, "plan": found.plan, "days": days, "limits": limits})


@extend_schema(
    tags=TAGS,
    operation_id="api_v1_invoices_list",
    summary="My invoices, the newest first",
    parameters=[ALL],
    responses={200: InvoicesOutput, **problems(_401="not_authenticated")},
)
@api_view(["GET"])
def invoices(request: Request) -> Response:
    user = _user(request)
    everybody = user.is_staff and request.query_params.get("all") in {"1", "true"}
    rows = Invoice.objects.all() if everybody else Invoice.objects.owned_by(user)
    found = [
        {
            "number": row.number,
            "month": f"{row.month:%Y-%m}",
            "issued_at": row.issued_at,
            "currency": row.currency,
            "total": str(row.total),
        }
        for row in rows.order_by("-year", "-sequence")
    ]
    return Response({"invoices": found})


@extend_schema(
    tags=TAGS,
    summary="What the running month has come to",
    description=FILES,
    responses={200: InvoiceOutput, **problems(_401="not_authenticated")},
)
@api_view(["GET"])
@renderer_classes([JSONRenderer, CsvRenderer, XlsxRenderer])
def current(request: Request) -> Response:
    return _answer(request, current_statement(_user(request), at=timezone.now()))


@extend_schema(
    tags=TAGS,
    operation_id="api_v1_invoices_one",
    summary="One of my invoices",
    description=FILES,
    parameters=[OpenApiParameter("number", OpenApiTypes.STR, "path", description="`2026-00017`")],
    responses={200: InvoiceOutput, **problems(_401="not_authenticated", _404="not_found")},
)
@api_view(["GET"])
@renderer_classes([JSONRenderer, CsvRenderer, XlsxRenderer])
def invoice(request: Request, number: str) -> Response:
    return _answer(request, statement_of(find_invoice(_user(request), number)))


def _answer(request: Request, one: Statement) -> Response:
    wants_file = request.accepted_renderer.format in {"csv", "xlsx"}
    body: Any = statement_table(one) if wants_file else statement_body(one)
    return Response(body)


def _user(request: Request) -> User:
    return cast("User", request.user)
