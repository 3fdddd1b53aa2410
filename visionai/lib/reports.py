"""What developers see of a fault while DEBUG is on: where it happened, and no value of anything.

Django's own report shows the variables of every frame, the form, the cookies and the settings.
"""

from typing import Any

from django.views.debug import ExceptionReporter

from visionai.lib.logs import redact


class BareReporter(ExceptionReporter):
    """The traceback with its lines of code."""

    def get_traceback_data(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().get_traceback_data()
        for frame in facts.get("frames", ()):
            frame["vars"] = []
        for name in ("request", "settings", "user_str", "unicode_hint", "exception_notes"):
            facts[name] = None
        for name in facts:
            if name.startswith(("request_", "filtered_")):
                facts[name] = None
        if "exception_value" in facts:
            facts["exception_value"] = redact(str(facts["exception_value"]))
        return facts
