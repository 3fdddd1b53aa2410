"""What the worker does for this app."""

from celery import shared_task
from django.utils import timezone

from predictions.services import delete_old_predictions


@shared_task  # type: ignore[untyped-decorator]
def delete_old() -> None:
    """Retention, once an hour; safe to run twice."""
    delete_old_predictions(at=timezone.now())
