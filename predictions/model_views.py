"""The page of the networks: what each can do, measured, and what it must not be used for."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from predictions.core.report_charts import matrix, reliability
from predictions.core.report_view import Results, read_results
from predictions.model_cards import (
    EMOTIONS,
    LETTERS,
    emotion_versions,
    find_card,
    letter_cards,
)
from predictions.versions import UnknownVersion

MAY_MISS = {
    "classes": _("each class"),
    "confusion": _("the confusion matrix"),
    "reliability": _("calibration"),
    "coverage": _("coverage"),
    "corruptions": _("poor pictures"),
    "end_to_end": _("whole pictures"),
    "seeds": _("other random beginnings"),
    "latency": _("speed"),
    "provenance": _("what it learnt from"),
}
SURE = 0.8  # the share of answers, the most confident ones, that the summary tells of


@require_GET
def emotions(request: HttpRequest) -> HttpResponse:
    facts = _facts(request, EMOTIONS)
    versions = [{"version": one, "accuracy": _accuracy(one.metrics)} for one in emotion_versions()]
    facts |= {"versions": versions, "abstain_below": settings.ENV.abstain_below}
    return render(request, "predictions/model.html", facts, status=facts["status"])


@require_GET
def letters(request: HttpRequest) -> HttpResponse:
    facts = _facts(request, LETTERS)
    facts |= {"cards": [{"card": one, "accuracy": _accuracy(one.report)} for one in letter_cards()]}
    return render(request, "predictions/model.html", facts, status=facts["status"])


def _facts(request: HttpRequest, network: str) -> dict[str, Any]:
    """What both pages show; an unknown version is a page too, with status 404."""
    asked = request.GET.get("version", "")
    try:
        card, status = find_card(network, asked), 200
    except UnknownVersion:
        card, status = None, 404
    facts: dict[str, Any] = {"network": network, "card": card, "asked": asked, "status": status}
    if card is not None:
        results = read_results(card.report, chosen=request.GET.get("set", ""))
        facts |= {"results": results, "tables": results.tables, **_pictures(results)}
        facts |= {"summary": _summary(results), "missing": _missing(results)}
    return facts


def _pictures(results: Results) -> dict[str, object]:
    tables = results.tables
    confusion, bins = tables.get("confusion"), tables.get("reliability")
    return {
        "matrix": matrix(confusion) if confusion else None,
        "reliability": reliability(bins) if bins else None,
    }


def _summary(results: Results) -> dict[str, Any]:
    """The figures at the head of the page, of the set that is shown."""
    chosen = [one for one in _rows(results, "sets") if one["set"] == results.chosen]
    sure = [one for one in _rows(results, "coverage") if one["share"] == SURE]
    return {"set": chosen[0] if chosen else None, "sure": sure[0] if sure else None}


def _missing(results: Results) -> list[str]:
    """What a report may tell, and this one does not."""
    return [str(word) for name, word in MAY_MISS.items() if name not in results.tables]


def _rows(results: Results, name: str) -> list[Any]:
    return list(results.tables[name].rows) if name in results.tables else []


def _accuracy(report: object) -> object:
    """On the set that the page shows unasked; None where nothing was measured."""
    chosen = _summary(read_results(report))["set"]
    return chosen["accuracy"] if chosen else None
