"""Looks at data of apps that this one does not know; `visionai/hooks.py` fills the list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from accounts.models import User

Result: TypeAlias = Mapping[str, Any]


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
    parameters: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {}, "additionalProperties": False}
    )


user_tools: list[UserTool] = []
