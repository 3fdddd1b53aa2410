"""For staff: every trading session by its state, stopped or halted at once; the switches; who may
trade real money. What was traded is read here and changed nowhere."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.db.models import Count, DecimalField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from sessions_app.admin import ReadOnlyAdmin
from trading import real, services, uptime
from trading.models import BROKERS, KillSwitch, Order, RealGrant, RefusalCount, TradingSession
from trading.switches import EVERYTHING, broker_scope, session_scope, set_switch
from trading.templatetags.trading_words import lasting

if TYPE_CHECKING:
    Admin = ModelAdmin[Any]
    SwitchModelForm = forms.ModelForm[KillSwitch]
else:
    Admin = ModelAdmin
    SwitchModelForm = forms.ModelForm

BY_STAFF = "staff"
MONEY: "DecimalField[Any, Any]" = DecimalField(max_digits=18, decimal_places=2)


@admin.register(TradingSession)
class TradingSessionAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "user",
        "broker",
        "account_type",
        "state",
        "wanted",
        "is_halted",
        "bot_running",
        "strategy",
        "settled",
        "profit",
        "balance",
        "refused",
        "reconnects",
        "up",
        "heartbeat_at",
        "node",
        "last_used_at",
    ]
    list_filter = ["state", "account_type", "broker", "bot_running", "created_at"]
    show_facets = ShowFacets.ALWAYS  # how many are in which state
    list_select_related = ["user"]
    search_fields = ["id", "user__username", "user__email"]
    ordering = ["-last_used_at"]
    actions = ["stop_bots", "halt", "unlock", "disconnect"]
    exclude = ["parameters"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TradingSession]:
        rows: QuerySet[TradingSession] = super().get_queryset(request)
        ended = Q(orders__state=Order.State.SETTLED)
        held_back = RefusalCount.objects.filter(session=OuterRef("pk")).order_by().values("session")
        return rows.annotate(
            held_back=Subquery(held_back.annotate(n=Sum("count")).values("n")),
            settled_orders=Count("orders", filter=ended),
            earned=Coalesce(Sum("orders__profit", filter=ended), 0, output_field=MONEY),
        )

    @admin.display(description=gettext_lazy("settled"), ordering="settled_orders")
    def settled(self, session: TradingSession) -> int:
        return int(session.settled_orders)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("profit"), ordering="earned")
    def profit(self, session: TradingSession) -> str:
        return f"{session.earned:.2f} {session.currency}"  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("held back"), ordering="held_back")
    def refused(self, session: TradingSession) -> int:
        return int(session.held_back or 0)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("connected for"))
    def up(self, session: TradingSession) -> str:
        return lasting(uptime.seconds(session, at=timezone.now()))

    @admin.display(description=gettext_lazy("halted"), boolean=True)
    def is_halted(self, session: TradingSession) -> bool:
        return session_scope(session) in self._halted()

    def _halted(self) -> set[str]:
        on = KillSwitch.objects.filter(is_on=True, scope__startswith="session:")
        return set(on.values_list("scope", flat=True))

    @admin.action(description=gettext_lazy("Stop the bots of the selected sessions"))
    def stop_bots(self, request: HttpRequest, queryset: QuerySet[TradingSession]) -> None:
        for session in queryset:
            services.stop_bot(session, at=timezone.now(), reason=BY_STAFF)
        self._done(request, len(queryset))

    @admin.action(description=gettext_lazy("Halt the selected sessions: no order passes"))
    def halt(self, request: HttpRequest, queryset: QuerySet[TradingSession]) -> None:
        for session in queryset:
            services.halt(session, by=_staff(request), reason=BY_STAFF, at=timezone.now())
        self._done(request, len(queryset))

    @admin.action(description=gettext_lazy("Unlock the selected sessions"))
    def unlock(self, request: HttpRequest, queryset: QuerySet[TradingSession]) -> None:
        for session in queryset:
            services.release(session, by=_staff(request), at=timezone.now())
        self._done(request, len(queryset))

    @admin.action(description=gettext_lazy("End the selected sessions; what is open is settled"))
    def disconnect(self, request: HttpRequest, queryset: QuerySet[TradingSession]) -> None:
        for session in queryset:
            services.disconnect(session, at=timezone.now(), reason=BY_STAFF)
        self._done(request, len(queryset))

    def _done(self, request: HttpRequest, count: int) -> None:
        words = ngettext("Done for %(n)d session.", "Done for %(n)d sessions.", count)
        self.message_user(request, words % {"n": count})


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "session",
        "source",
        "asset",
        "direction",
        "stake",
        "state",
        "outcome",
        "profit",
        "created_at",
    ]
    list_filter = ["state", "outcome", "source", "created_at"]
    show_facets = ShowFacets.ALWAYS
    list_select_related = ["session"]
    search_fields = ["key", "broker_id", "session__id", "session__user__username"]
    ordering = ["-created_at"]


class SwitchForm(SwitchModelForm):
    """One for everything or for a broker; users and sessions are halted from their own rows."""

    scope = forms.ChoiceField(label=gettext_lazy("scope"))

    class Meta:
        model = KillSwitch
        fields = ["scope", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = [(EVERYTHING, _("everything"))]
        scopes += [(broker_scope(name), str(label)) for name, label in BROKERS]
        self.fields["scope"].choices = scopes  # type: ignore[attr-defined]

    def validate_unique(self) -> None:
        """One that is there already is turned on again."""


@admin.register(KillSwitch)
class KillSwitchAdmin(Admin):
    form = SwitchForm
    list_display = ["scope", "is_on", "reason", "changed_by", "changed_at"]
    list_filter = ["is_on", "changed_at"]
    list_select_related = ["changed_by"]
    search_fields = ["scope", "reason"]
    ordering = ["-is_on", "scope"]
    actions = ["turn_on", "turn_off"]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: KillSwitch,
        form: object,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Adding one turns it on."""
        now = timezone.now()
        made = set_switch(obj.scope, on=True, by=_staff(request), reason=obj.reason, at=now)
        obj.pk = made.pk

    @admin.action(description=gettext_lazy("Turn the selected switches on: no order passes"))
    def turn_on(self, request: HttpRequest, queryset: QuerySet[KillSwitch]) -> None:
        self._turn(request, queryset, on=True)

    @admin.action(description=gettext_lazy("Turn the selected switches off"))
    def turn_off(self, request: HttpRequest, queryset: QuerySet[KillSwitch]) -> None:
        self._turn(request, queryset, on=False)

    def _turn(self, request: HttpRequest, queryset: QuerySet[KillSwitch], *, on: bool) -> None:
        for one in queryset:
            set_switch(one.scope, on=on, by=_staff(request), reason=BY_STAFF, at=timezone.now())
        words = ngettext("%(n)d switch turned.", "%(n)d switches turned.", len(queryset))
        self.message_user(request, words % {"n": len(queryset)})


@admin.register(RealGrant)
class RealGrantAdmin(Admin):
    list_display = ["user", "granted_by", "granted_at", "confirmed_at", "revoked_at"]
    list_filter = ["granted_at", "revoked_at"]
    list_select_related = ["user", "granted_by"]
    search_fields = ["user__username", "user__email"]
    ordering = ["-granted_at"]
    fields = ["user"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: RealGrant,
        form: object,
        change: bool,  # noqa: FBT001
    ) -> None:
        obj.pk = real.grant(obj.user, by=_staff(request), at=timezone.now()).pk
        words = _("The user confirms it next, with the password and a daily loss limit.")
        messages.info(request, words)

    @admin.action(description=gettext_lazy("Take the selected rights back now"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[RealGrant]) -> None:
        for one in queryset.select_related("user"):
            real.revoke(one.user, at=timezone.now())
        words = ngettext("%(n)d right taken back.", "%(n)d rights taken back.", len(queryset))
        self.message_user(request, words % {"n": len(queryset)})


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
