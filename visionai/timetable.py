"""What the clock starts by itself: the task, and how many seconds apart."""

from typing import Any, Final

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds}


def _often(seconds: float, task: str) -> dict[str, Any]:
    """Expires before its next turn: a worker that was away catches up with one."""
    return {**_every(seconds, task), "options": {"expires": seconds - 5}}


TIMETABLE: Final[dict[str, dict[str, Any]]] = {
    "end overdue sessions": _often(MINUTE / 2, "sessions_app.tasks.sweep_sessions"),
    "tidy up after sessions": _every(HOUR, "sessions_app.tasks.tidy_sessions"),
    "show that the clock goes": _often(MINUTE / 2, "visionai.tasks.pulse"),
    "run silent exports again": _often(MINUTE / 2, "fpga_export.tasks.send_silent_again"),
    "delete old exports": _every(HOUR, "fpga_export.tasks.clean_up"),
    "forget suspect messages": _every(DAY, "contact.tasks.prune_contact"),
    "end idle trading sessions": _often(MINUTE, "trading.tasks.end_idle"),
    "run silent backtests and trainings again": _often(
        MINUTE / 2, "trading.tasks.send_silent_again"
    ),
    "clean up after trading": _every(DAY, "trading.tasks.clean_up"),
    "add up usage": _often(MINUTE, "accounts.tasks.fold_usage"),
    "issue invoices": _every(HOUR, "accounts.tasks.close_months"),
    "clean up after the assistant": _every(HOUR, "assistant.tasks.clean_up"),
    "delete old predictions": _every(HOUR, "predictions.tasks.delete_old"),
}
