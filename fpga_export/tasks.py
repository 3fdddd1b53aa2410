"""What the workers do for this app."""

from celery import shared_task
from django.utils import timezone

from fpga_export import guests, leftovers, services


# Acknowledged late, or a busy worker would hold the next run back from an idle one.
@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def run_export(pk: int) -> None:
    """One run; the row says whether it is still to be done."""
    services.run(pk)


@shared_task  # type: ignore[untyped-decorator]
def send_silent_again() -> None:
    """Twice a minute: what a dead worker left."""
    services.send_silent_again(at=timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def clean_up() -> None:
    """Once an hour: exports past their age, guests who left, files that belong to nothing."""
    at = timezone.now()
    services.clean_up(at=at)
    guests.forget_guests(age=services.AGE, at=at)
    leftovers.sweep_leftovers(at=at)
