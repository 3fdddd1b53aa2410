"""A user's exports as the assistant may tell them: few plain values, and where they are shown."""

from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import override

from accounts.models import User
from fpga_export.models import ExportSession
from fpga_export.selectors import error_sentence
from visionai.lib.jobs import JobState

LATEST: Final = 5
# What of a result is one value and says something.
FACTS: Final = (
    *("label", "through", "predicted_name", "predicted_class", "confidence", "integer_name"),
    *("integer_class", "float_name", "float_class", "preset", "bits", "cycles", "lanes", "file"),
)


def exports(user: User, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those begun from `start` on and before `end`, where these are given."""
    mine = ExportSession.objects.owned_by(user)
    if arguments["start"] is not None:
        mine = mine.filter(created_at__gte=arguments["start"])
    if arguments["end"] is not None:
        mine = mine.filter(created_at__lt=arguments["end"])
    latest = list(mine[:LATEST])
    links = [{"title": "export", "url": _url(row)} for row in latest[:1]]
    return {
        "total": mine.count(),
        "running": mine.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).count(),
        "latest": [_told(row) for row in latest],
        "links": [*links, {"title": "hardware", "url": reverse("hardware")}],
    }


def _told(row: ExportSession) -> dict[str, Any]:
    body: dict[str, Any] = {
        "kind": row.kind,
        "network": row.network,
        "state": row.state,
        "percent": round(100 * row.progress),
        "created": row.created_at.isoformat(timespec="seconds"),
        "ended": row.ended_at.isoformat(timespec="seconds") if row.ended_at else None,
        "url": _url(row),
    }
    if row.state == JobState.DONE:
        found = {name: row.result.get(name) for name in FACTS}
        body["result"] = {
            name: value
            for name, value in found.items()
            if isinstance(value, str | int | float) and value != ""
        }
        body["files"] = row.artifacts.count()
    if row.error:
        body["error"] = {language: _error(row, language) for language in ("es", "en")}
    return body


def _error(row: ExportSession, language: str) -> str:
    with override(language):
        return error_sentence(row)


def _url(row: ExportSession) -> str:
    return reverse("hardware-export", args=[row.session_id])
