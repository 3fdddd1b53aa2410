"""How much an event matters to whoever reads the log."""

from collections.abc import Mapping
from typing import Final

INFO, WARNING, ERROR = "info", "warning", "error"
LEVELS: Final = (INFO, WARNING, ERROR)
_STATES: Final = {"failed": ERROR, "reconnecting": WARNING, "verifying": WARNING}
_ORDERS: Final = {"rejected": WARNING, "not_placed": WARNING, "unknown": WARNING}
_CODES: Final = {"blocked": ERROR, "bot_held_back": WARNING}
WISHED: Final = ("", "user", "staff")  # a bot that stopped because somebody said so


def level_of(kind: str, data: Mapping[str, object]) -> str:
    """Of an event, by what it tells; most tell of what goes as it should."""
    if kind == "state":
        return ERROR if data.get("blocked") else _STATES.get(str(data.get("state")), INFO)
    if kind == "order":
        return _ORDERS.get(str(data.get("state")), INFO)
    if kind == "bot":
        return INFO if str(data.get("reason", "")) in WISHED else WARNING
    if kind == "log":
        return _CODES.get(str(data.get("code")), INFO)
    return WARNING if kind == "halt" and data.get("on") else INFO
