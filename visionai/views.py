"""The home page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from predictions import selectors
from predictions.models import PredictionLog

RECENT = 5


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What this is, for a stranger; where to go next and the last readings, for a user."""
    mine = PredictionLog.objects.owned_by(request.user)
    return render(request, "home.html", {"recent": selectors.recent(mine, limit=RECENT)})
