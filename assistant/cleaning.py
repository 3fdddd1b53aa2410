"""Removes conversations that nobody comes back to."""

from datetime import datetime, timedelta
from typing import Final

from assistant.models import Conversation
from assistant.services import remove
from visionai.lib.turns import writing

VISITOR_KEPT: Final = timedelta(hours=1)
AT_ONCE: Final = 1000


@writing()
def forget_visitor(visitor: str) -> None:
    """Remove what a visitor's connection left."""
    for talk in Conversation.objects.of_visitor(visitor):
        remove(talk)


def forget_visitors(*, at: datetime) -> None:
    """Those of visitors who are long silent, be it that their process died."""
    old = Conversation.objects.filter(user=None, updated_at__lt=at - VISITOR_KEPT)
    for talk in old[:AT_ONCE]:
        _remove_alone(talk)


def forget_old(*, days: int, at: datetime) -> None:
    """Retention: those that their owner did not use for so long."""
    before = at - timedelta(days=days)
    for talk in Conversation.objects.filter(visitor="", updated_at__lt=before)[:AT_ONCE]:
        _remove_alone(talk)


@writing()
def _remove_alone(talk: Conversation) -> None:
    remove(talk)
