"""Pages that look at faces, and at what was read before."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.models import User
from predictions import selectors
from predictions.core.labels import EMOTIONS
from predictions.core.smoothing import LAG_MS
from predictions.forms import FilterForm
from predictions.model_cards import letter_cards
from predictions.models import EmotionClass, PredictionLog, PredictionLogQuerySet
from predictions.services import (
    CONSENT_TEXT_VERSION,
    delete_predictions,
    give_consent,
    has_consented,
    withdraw_consent,
)

RANGES = (7, 14, 30)  # days
RECENT = 8
PAGE = 50
EXPORTS = ("csv", "json", "xlsx")


@login_required
def camera(request: HttpRequest) -> HttpResponse:
    """The consent, once; after it the camera."""
    user = cast("User", request.user)
    if request.method == "POST":
        if "withdraw" in request.POST:
            withdraw_consent(user)
        else:
            give_consent(user, at=timezone.now())
        return redirect("camera")
    if not has_consented(user.pk):
        facts: dict[str, object] = {
            "text_version": CONSENT_TEXT_VERSION,
            "retention_days": settings.ENV.prediction_retention_days,
        }
        return render(request, "predictions/camera_consent.html", facts)
    return render(request, "predictions/camera.html", {"emotion_names": EMOTIONS, "lag_ms": LAG_MS})


@require_GET
def photo(request: HttpRequest) -> HttpResponse:
    sign_in_url = f"{reverse('sign-in')}?next={reverse('photo')}"
    facts = {"emotion_names": EMOTIONS, "sign_in_url": sign_in_url}
    return render(request, "predictions/photo.html", facts)


@require_GET
def letters(request: HttpRequest) -> HttpResponse:
    return render(request, "predictions/letters.html", {"installed": bool(letter_cards())})


@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    view = _View(request)
    stats = selectors.stats(view.rows)
    total = stats.total_predictions
    facts = view.facts() | {
        "stats": stats,
        "by_emotion": [
            {"name": name, "count": count, "share": count / total if total else 0.0}
            for name, count in stats.predictions_by_emotion.items()
        ],
        "timeline": selectors.timeline(view.rows, days=view.days, today=timezone.now().date()),
        "recent": selectors.recent(view.rows, limit=RECENT) if view.shows_rows else [],
    }
    return render(request, "predictions/dashboard.html", facts)


@require_GET
def dashboard_emotion(request: HttpRequest, name: str) -> HttpResponse:
    emotion = get_object_or_404(EmotionClass, emotion_name=name)
    view = _View(request)
    today = timezone.now().date()
    detail = selectors.emotion_detail(view.rows, emotion, today=today, days=view.days)
    facts = view.facts() | {
        "name": name,
        "detail": detail,
        "share": detail.percentage / 100,
        "timeline": detail.timeline,
    }
    return render(request, "predictions/dashboard_emotion.html", facts)


class _View:
    """Whose rows a dashboard counts, and how far back."""

    def __init__(self, request: HttpRequest) -> None:
        signed_in = request.user.is_authenticated
        self.mine = signed_in and request.GET.get("mine") != "0"
        everybody = PredictionLog.objects.all()
        self.rows = everybody.owned_by(request.user) if self.mine else everybody
        # Rows of others are for staff alone; everybody may see the counts.
        self.shows_rows = self.mine or (signed_in and cast("User", request.user).is_staff)
        asked = request.GET.get("days", "")
        self.days = int(asked) if asked in map(str, RANGES) else RANGES[0]

    def facts(self) -> dict[str, object]:
        page_mine = "" if self.mine else "&mine=0"
        return {
            "mine": self.mine,
            "days": self.days,
            "ranges": RANGES,
            "query": f"?days={self.days}{page_mine}",
            "page_mine": page_mine,
            "api_mine": "&mine=1" if self.mine else "",
        }


@login_required
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    mine = PredictionLog.objects.owned_by(request.user)
    chosen = FilterForm(request.GET)
    query = chosen.query()
    found = chosen.applied_to(mine).select_related("emotion", "model").order_by("-timestamp", "-pk")
    facts = {
        "any": mine.exists(),
        "filter": chosen,
        "filtered": bool(query) or not chosen.is_valid(),
        "filter_query": query,
        "export_query": chosen.export_query(),
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "export_kinds": EXPORTS,
    }
    return render(request, "predictions/history.html", facts)


@login_required
def history_delete(request: HttpRequest) -> HttpResponse:
    """First a question, then, answered with `sure`, the deletion."""
    if request.method != "POST":  # by the language switch of the question, for one
        return redirect("history")
    data = request.POST.copy()
    if only := data.pop("only", None):
        data["what"] = "selected"
        data.setlist("id", only)
    rows = _rows_to_delete(request, data)
    back = _back(request)
    if not rows.exists():
        messages.warning(request, _("Choose at least one reading."))
        return redirect(back)
    if data.get("sure") == "yes":
        count = delete_predictions(rows)
        message = ngettext("%(count)s reading deleted.", "%(count)s readings deleted.", count)
        messages.success(request, message % {"count": count})
        return redirect(back)
    kept = [
        (name, value) for name in ("what", "id", "filter", "back") for value in data.getlist(name)
    ]
    facts = {"count": rows.count(), "kept": kept, "back": back}
    return render(request, "predictions/history_delete.html", facts)


def _rows_to_delete(request: HttpRequest, data: QueryDict) -> PredictionLogQuerySet:
    mine = PredictionLog.objects.owned_by(request.user)
    match data.get("what"):
        case "all":
            return mine
        case "filtered":
            return FilterForm(QueryDict(str(data.get("filter", "")).lstrip("&"))).applied_to(mine)
        case _:
            asked = [int(text) for text in data.getlist("id") if str(text).isdigit()]
            return mine.filter(pk__in=asked)


def _back(request: HttpRequest) -> str:
    """The history page as it was, if that is where the form says it came from."""
    asked = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    return asked if ours and asked.startswith(reverse("history")) else reverse("history")
