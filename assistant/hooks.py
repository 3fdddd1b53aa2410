"""Looks at data of apps that this one does not know; `visionai/hooks.py` fills the list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from accounts.models import User

Result: TypeAlias = Mapping[str, Any]

PERIODS: Final = ("today", "yesterday", "this_week", "last_week", "this_month", "last_month")
DAY: Final = {"type": "string", "description": "A day in UTC, such as 2026-11-20."}
NOTHING: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}
# A tool with these among its parameters is given `first`, `last`, `start` and `end` in their place.
SPAN: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "period": {"type": "string", "enum": list(PERIODS)},
        "from_day": DAY,
        "to_day": DAY,
    },
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class UserTool:
    """A read-only look at what one user may see.

    `look` answers plain JSON values, few of them, and under `links` the pages that show the same:
    `[{"title", "url"}]`, the title a name of `tellings.TITLES`. It raises `ValueError` for
    arguments that `parameters` does not allow.
    """

    name: str
    description: str
    look: Callable[[User, Mapping[str, Any]], Result]
    parameters: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


user_tools: list[UserTool] = []
