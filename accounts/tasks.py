"""What the worker repeats: usage added up, months closed, what was charged long ago deleted."""

from celery import shared_task
from django.utils import timezone

from accounts import invoices, usage


@shared_task  # type: ignore[untyped-decorator]
def fold_usage() -> None:
    usage.fold()


@shared_task  # type: ignore[untyped-decorator]
def close_months() -> None:
    at = timezone.now()
    invoices.close_months(at=at)
    usage.tidy(at=at)
