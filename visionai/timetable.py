"""What the clock starts by itself: the task, and how many seconds apart.

What comes often expires before its next turn: a worker that was away catches up with one.
"""

from typing import Any, Final

TIMETABLE: Final[dict[str, dict[str, Any]]] = {
    "end overdue sessions": {
        "task": "sessions_app.tasks.sweep_sessions",
        "schedule": 30.0,
        "options": {"expires": 25.0},
    },
    "tidy up after sessions": {"task": "sessions_app.tasks.tidy_sessions", "schedule": 3600.0},
    "show that the clock goes": {
        "task": "visionai.tasks.pulse",
        "schedule": 30.0,
        "options": {"expires": 25.0},
    },
    "run silent exports again": {
        "task": "fpga_export.tasks.send_silent_again",
        "schedule": 30.0,
        "options": {"expires": 25.0},
    },
    "delete old exports": {"task": "fpga_export.tasks.clean_up", "schedule": 3600.0},
    "forget suspect messages": {"task": "contact.tasks.prune_contact", "schedule": 86400.0},
    "end idle trading sessions": {
        "task": "trading.tasks.end_idle",
        "schedule": 60.0,
        "options": {"expires": 50.0},
    },
    "run silent backtests and trainings again": {
        "task": "trading.tasks.send_silent_again",
        "schedule": 30.0,
        "options": {"expires": 25.0},
    },
    "clean up after trading": {"task": "trading.tasks.clean_up", "schedule": 86400.0},
    "add up usage": {
        "task": "accounts.tasks.fold_usage",
        "schedule": 60.0,
        "options": {"expires": 55.0},
    },
    "issue invoices": {"task": "accounts.tasks.close_months", "schedule": 3600.0},
    "clean up after the assistant": {
        "task": "assistant.tasks.clean_up",
        "schedule": 3600.0,
    },
    "delete old predictions": {"task": "predictions.tasks.delete_old", "schedule": 3600.0},
}
