"""Pages of the assistant."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from assistant.descriptions import COLOUR_WORDS


@require_GET
def objects(request: HttpRequest) -> HttpResponse:
    return render(request, "assistant/objects.html", {"colours": COLOUR_WORDS})
