"""What the worker repeats; the web process does the same, so that nothing hangs on the worker."""

from celery import shared_task

from sessions_app import duties


@shared_task  # type: ignore[untyped-decorator]
def sweep_sessions() -> None:
    duties.sweep_now()


@shared_task  # type: ignore[untyped-decorator]
def tidy_sessions() -> None:
    duties.tidy()
