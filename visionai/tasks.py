"""What the workers do for the whole product."""

from celery import shared_task

from visionai import pulses


@shared_task  # type: ignore[untyped-decorator]
def pulse() -> None:
    """Twice a minute: the clock sends, and a worker takes."""
    pulses.give(pulses.CLOCK)
