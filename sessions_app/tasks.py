"""What the worker repeats; the web process does the same, so that nothing hangs on the worker."""

from celery import shared_task

from sessions_app import duties, mail


@shared_task  # type: ignore[untyped-decorator]
def sweep_sessions() -> None:
    duties.sweep_now()


@shared_task  # type: ignore[untyped-decorator]
def tidy_sessions() -> None:
    duties.tidy()


@shared_task(  # type: ignore[untyped-decorator]
    autoretry_for=(OSError,), retry_backoff=5, max_retries=6
)
def mail_reset_link(email: str, site: str, language: str) -> None:
    mail.mail_reset_link(email, site=site, language=language)
