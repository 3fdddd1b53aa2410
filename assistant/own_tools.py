"""Looks at a user's own readings, logins and usage."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from assistant.hooks import SPAN, Result, UserTool
from predictions import selectors
from predictions.core.labels import EMOTIONS
from predictions.models import PredictionLog
from sessions_app import billing
from sessions_app.models import Sesion

LATEST: Final = 5
SESSIONS: Final = 20


def predictions(user: User, arguments: Mapping[str, Any]) -> Result:
    first, last = arguments["first"], arguments["last"]
    rows = PredictionLog.objects.owned_by(user).between(arguments["start"], arguments["end"])
    emotion = arguments.get("emotion")
    if emotion:
        rows = rows.of_emotion(emotion)
    counted = selectors.stats(rows)
    by_emotion = sorted(counted.predictions_by_emotion.items(), key=lambda item: -item[1])
    days = [one for one in selectors.timeline(rows, days=7, today=_today()) if one["count"]]
    latest = [
        {
            "at": row.timestamp.isoformat(timespec="seconds"),
            "emotion": row.emotion.emotion_name,
            "confidence": round(row.confidence, 3),
        }
        for row in selectors.recent(rows, limit=LATEST)
    ]
    return {
        "from_day": first.isoformat() if first else None,
        "to_day": last.isoformat() if last else None,
        "emotion": emotion,
        "total": counted.total_predictions,
        "by_emotion": {name: count for name, count in by_emotion if count},
        "average_confidence": counted.average_confidence,
        "by_day_of_last_7": days,
        "latest": latest,
        "links": [{"title": "history", "url": _history(first, last, emotion)}],
    }


def _history(start: date | None, end: date | None, emotion: str | None) -> str:
    asked = {"emotion": emotion, "from": start, "to": end}
    query = "&".join(f"{name}={value}" for name, value in asked.items() if value)
    return reverse("history") + (f"?{query}" if query else "")


def logins(user: User, _arguments: Mapping[str, Any]) -> Result:
    now = timezone.now()
    mine = Sesion.objects.owned_by(user).open_at(now).order_by("-last_seen")
    rows = [
        {
            "device": row.device_name or str(row.get_kind_display()),
            "kind": row.kind,
            "address": row.ip,
            "started": row.fecha_inicio.isoformat(timespec="seconds"),
            "last_seen": row.last_seen.isoformat(timespec="seconds"),
        }
        for row in mine[:SESSIONS]
    ]
    links = [{"title": "sessions", "url": reverse("my-sessions")}]
    return {"open": mine.count(), "sessions": rows, "links": links}


def usage(user: User, _arguments: Mapping[str, Any]) -> Result:
    now = timezone.now()
    found = billing.usage_of(user, month=now, at=now)
    totals: dict[str, Any] = {}
    for one in found.days:
        quantity = totals.get(one.act.name, 0) + billing.quantity_of(one)
        totals[one.act.name] = quantity
    bill = billing.current_statement(user, at=now)
    return {
        "month": found.month,
        "plan": found.plan,
        "used_this_month": {name: billing.shown_quantity(n) for name, n in totals.items()},
        "limits": [
            {
                "name": one.limit.name,
                "label": str(one.limit.label),
                "used": one.used,
                "most": one.most,
                "a_day": one.limit.act is not None,
                "bytes": one.limit.is_bytes,
            }
            for one in found.standings
        ],
        "bill_so_far": f"{bill.total} {bill.currency}",
        "links": [
            {"title": "usage", "url": reverse("usage")},
            {"title": "invoices", "url": reverse("invoice")},
        ],
    }


def _today() -> date:
    return timezone.localdate()


OWN: Final = (
    UserTool(
        "my_predictions",
        "Count the user's own readings of facial expressions: in all, by emotion, by day, and "
        "the latest; of a period, or from one day to another (UTC). No pictures are kept.",
        predictions,
        {
            **SPAN,
            "properties": {
                **SPAN["properties"],
                "emotion": {"type": "string", "enum": list(EMOTIONS)},
            },
        },
    ),
    UserTool("my_sessions", "The places where the user is signed in now.", logins),
    UserTool(
        "my_usage",
        "What the user used this month, the limits of the plan, and what it costs so far.",
        usage,
    ),
)
