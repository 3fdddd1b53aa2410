"""Views that wait for a broker's answer without holding a thread."""

from collections.abc import Callable, Mapping

from rest_framework.response import Response

from trading import commands
from trading.models import Command
from visionai.lib.waiting import Pending, View, waiting

__all__ = ["Pending", "View", "after", "waiting"]


def after(command: Command, finish: Callable[[Mapping[str, object]], Response]) -> Pending:
    """What `finish` makes of the command's result, or the command's refusal."""
    return Pending(lambda: commands.answer(command), finish)
