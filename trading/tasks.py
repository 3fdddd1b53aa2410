"""What the workers do for trading; the web process ends idle sessions too."""

from celery import shared_task
from django.utils import timezone

from trading import cleaning, lab_jobs, replays


@shared_task  # type: ignore[untyped-decorator]
def end_idle() -> None:
    cleaning.end_idle(at=timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def clean_up() -> None:
    cleaning.clean_up(at=timezone.now())


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def run_lab_job(kind: str, uid: str) -> None:
    """One backtest or training; the row says whether it is still to be done."""
    lab_jobs.run(kind, uid)


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def run_replay(uid: str) -> None:
    """A past run of a bot, gone through again."""
    replays.run(uid)


@shared_task  # type: ignore[untyped-decorator]
def send_silent_again() -> None:
    """Twice a minute: what a dead worker left."""
    lab_jobs.send_silent_again(at=timezone.now())
    replays.send_silent_again(at=timezone.now())
