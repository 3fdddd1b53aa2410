"""What a lower app must reach in a higher one, filled here, by name."""

from accounts import hooks
from predictions import account as seen
from sessions_app import account


def connect() -> None:
    """Once a process, when all apps are loaded."""
    hooks.export_all = [account.export_sessions, seen.export_predictions, seen.export_consents]
    hooks.erase = [account.erase_sessions, seen.erase_predictions]
    hooks.disabled = [account.end_disabled]
