"""What people choose on the history page."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from predictions.core.labels import EMOTIONS
from predictions.models import PredictionLogQuerySet
from predictions.words import EMOTION_WORDS


def _date_field(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget)


class FilterForm(forms.Form):
    """The names of the API's filter: `emotion`, `from`, `to` (days in UTC, both included)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [("", _("All")), *((name, EMOTION_WORDS[name]) for name in EMOTIONS)]
        self.fields["emotion"] = forms.ChoiceField(
            label=_("Emotion"), required=False, choices=names
        )
        self.fields["from"] = _date_field(_("From"))
        self.fields["to"] = _date_field(_("To"))

    def query(self) -> str:
        """The filter as `&emotion=…`, for links; empty where it lets everything through."""
        if not self.is_valid():
            return ""
        chosen = {name: str(value) for name, value in self.cleaned_data.items() if value}
        return f"&{urlencode(chosen)}" if chosen else ""

    def export_query(self) -> str:
        """The same for the API, whose `from` and `to` are moments, `to` the first one after."""
        if not self.is_valid():
            return ""
        first, after = self._moments()
        moments = {"from": first, "to": after}
        chosen = {name: at.isoformat() for name, at in moments.items() if at}
        if emotion := self.cleaned_data["emotion"]:
            chosen["emotion"] = emotion
        return f"&{urlencode(chosen)}" if chosen else ""

    def applied_to(self, rows: PredictionLogQuerySet) -> PredictionLogQuerySet:
        """The rows that fit; none where the filter makes no sense."""
        if not self.is_valid():
            return rows.none()
        chosen = self.cleaned_data
        rows = rows.of_emotion(chosen["emotion"]) if chosen["emotion"] else rows
        return rows.between(*self._moments())

    def _moments(self) -> tuple[datetime | None, datetime | None]:
        last: date | None = self.cleaned_data["to"]
        after = last + timedelta(days=1) if last else None
        return _midnight(self.cleaned_data["from"]), _midnight(after)


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None
