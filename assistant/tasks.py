"""What the workers do for this app."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from assistant import attachments, cleaning


@shared_task  # type: ignore[untyped-decorator]
def clean_up() -> None:
    """Once an hour: what visitors and lost uploads left, and conversations past their age."""
    at = timezone.now()
    cleaning.forget_visitors(at=at)
    attachments.forget_unsent(at=at)
    if days := settings.ENV.conversation_retention_days:
        cleaning.forget_old(days=days, at=at)
