"""The page of a user's own log, over all their sessions."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import User
from trading.log_api import csv_response
from trading.logbook import Asked, events_of, sessions_with_log
from trading.models import TradingSession
from trading.views import user_of
from trading.words import KINDS, LEVELS

A_PAGE = 50
if TYPE_CHECKING:
    ModelChoice = forms.ModelChoiceField[TradingSession]
else:
    ModelChoice = forms.ModelChoiceField


class SessionField(ModelChoice):
    def label_from_instance(self, obj: TradingSession) -> str:
        begun = f"{obj.created_at:%Y-%m-%d %H:%M}"
        return f"{obj.get_broker_display()} {obj.account_type} · {begun} · {str(obj.pk)[:8]}"


class LogForm(forms.Form):
    """Names as the API has them."""

    level = forms.ChoiceField(
        label=_("Level"), required=False, choices=[("", _("Any")), *LEVELS.items()]
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("Any")), *KINDS.items()]
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = sessions_with_log(user)
        self.fields["session"] = SessionField(
            mine, label=_("Session"), required=False, empty_label=_("All")
        )
        for name, label in (("from", _("From")), ("to", _("To"))):
            day = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
            self.fields[name] = forms.DateField(label=label, required=False, widget=day)
        self.order_fields(["session", "level", "kind", "from", "to"])

    def asked(self) -> Asked | None:
        """None where the filter makes no sense, as with somebody else's session."""
        if not self.is_valid():
            return None
        chosen = self.cleaned_data
        session = chosen["session"]
        return Asked(
            session and session.pk, chosen["level"], chosen["kind"], chosen["from"], chosen["to"]
        )

    def query(self) -> str:
        """The filter as `&level=…`, for links; empty where it lets everything through."""
        names = {name: self.data.get(name, "") for name in self.fields}
        chosen = {name: value for name, value in names.items() if value}
        return f"&{urlencode(chosen)}" if chosen and self.is_valid() else ""


@login_required
@require_GET
def log(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = LogForm(user, request.GET)
    asked = form.asked()
    rows = events_of(user, asked) if asked else events_of(user, Asked()).none()
    facts = {
        "form": form,
        "page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
        "any": TradingSession.objects.owned_by(user).exists(),
        "filtered": asked != Asked(),
        "filter_query": form.query(),
    }
    return render(request, "trading/logbook.html", facts)


@login_required
@require_GET
def log_csv(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    asked = LogForm(user, request.GET).asked()
    return csv_response(user, asked) if asked else redirect("trading-logbook")
