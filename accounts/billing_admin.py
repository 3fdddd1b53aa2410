"""For staff: plans with their limits and prices, what everybody used, and the invoices."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin, ShowFacets, StackedInline, TabularInline
from django.db.models import Sum
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.acts import ACTS
from accounts.models import (
    ErasedUsage,
    Invoice,
    InvoiceLine,
    Plan,
    PlanLimit,
    PlanPrice,
    UsageRow,
    UserLimit,
    UserPlan,
)
from accounts.usage import fold

if TYPE_CHECKING:
    Admin = ModelAdmin[Any]
    Inline = TabularInline[Any, Any]
    Stacked = StackedInline[Any, Any]
else:
    Admin, Inline, Stacked = ModelAdmin, TabularInline, StackedInline

MOST_USERS = 10  # named above the list


class LimitInline(Inline):
    model = PlanLimit
    extra = 0


class PriceInline(Inline):
    model = PlanPrice
    extra = 0


class UserPlanInline(Stacked):
    model = UserPlan
    extra = 0


class UserLimitInline(Inline):
    model = UserLimit
    extra = 0


@admin.register(Plan)
class PlanAdmin(Admin):
    list_display = ["name", "place", "monthly_price"]
    inlines = [LimitInline, PriceInline]


class Written(Admin):
    """Rows that the product writes: looked at, never edited, added or removed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(UsageRow)
class UsageRowAdmin(Written):
    """Above the list: what the rows that are chosen come to, by act and by user."""

    change_list_template = "admin/usage.html"
    list_display = ["at", "user", "what", "quantity", "session", "invoice"]
    list_filter = ["act", "at"]
    show_facets = ShowFacets.ALWAYS
    list_select_related = ["user", "invoice"]
    search_fields = ["user__username", "user__email", "session"]
    date_hierarchy = "at"
    ordering = ["-at"]

    @admin.display(description=_("act"), ordering="act")
    def what(self, row: UsageRow) -> str:
        act = ACTS.get(row.act)
        return str(act.label) if act else row.act

    @admin.display(description=_("quantity"), ordering="amount")
    def quantity(self, row: UsageRow) -> str:
        return _shown(row.act, row.amount)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        fold()
        answer = super().changelist_view(request, extra_context)
        if isinstance(answer, TemplateResponse) and answer.context_data is not None:
            listed = answer.context_data.get("cl")
            if listed is not None:
                answer.context_data["sums"] = _sums(listed.queryset)
        return answer


@admin.register(ErasedUsage)
class ErasedUsageAdmin(Written):
    list_display = ["month", "what", "quantity", "net", "currency"]
    list_filter = ["month", "act"]
    ordering = ["-month", "act"]

    @admin.display(description=_("act"), ordering="act")
    def what(self, row: ErasedUsage) -> str:
        return str(row.get_act_display())

    @admin.display(description=_("quantity"), ordering="amount")
    def quantity(self, row: ErasedUsage) -> str:
        return _shown(row.act, row.amount)


@admin.register(Invoice)
class InvoiceAdmin(Written):
    class Lines(Inline):
        model = InvoiceLine
        extra = 0
        can_delete = False
        readonly_fields = ["act", "quantity", "unit_price", "total"]

        def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
            return False

        def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
            return False

    list_display = ["number", "user", "month", "plan", "total", "currency", "issued_at"]
    list_filter = ["month", "plan", "currency"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "recipient"]
    ordering = ["-year", "-sequence"]
    inlines = [Lines]


def _sums(rows: Any) -> list[dict[str, str]]:
    """(who, what, how much), the sums of everybody first, then of who used most of each act."""
    found = []
    totals = rows.order_by().values("act").annotate(total=Sum("amount")).order_by("act")
    for row in totals:
        label = ACTS[row["act"]].label if row["act"] in ACTS else row["act"]
        by_user = rows.order_by().filter(act=row["act"]).values("user__username")
        most = by_user.annotate(total=Sum("amount")).order_by("-total")[:MOST_USERS]
        people = ", ".join(
            f"{one['user__username']} {_shown(row['act'], one['total'])}" for one in most
        )
        found.append(
            {"what": str(label), "total": _shown(row["act"], row["total"]), "people": people}
        )
    return found


def _shown(act: str, amount: int) -> str:
    known = ACTS.get(act)
    return f"{amount / known.per:.4g} {known.unit}" if known and known.per > 1 else f"{amount}"
