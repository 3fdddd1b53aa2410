"""What the workers do for trading; the web process ends idle sessions too."""

from celery import shared_task
from django.utils import timezone

from trading import cleaning


@shared_task  # type: ignore[untyped-decorator]
def end_idle() -> None:
    cleaning.end_idle(at=timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def clean_up() -> None:
    cleaning.clean_up(at=timezone.now())
