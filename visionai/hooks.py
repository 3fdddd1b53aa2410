"""What a lower app must reach in a higher one, filled here, by name."""

from accounts import hooks
from sessions_app import account


def connect() -> None:
    """Once a process, when all apps are loaded."""
    hooks.export_all = [account.export_sessions]
    hooks.erase = [account.erase_sessions]
    hooks.disabled = [account.end_disabled]
