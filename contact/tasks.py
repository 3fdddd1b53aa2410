from celery import shared_task
from django.utils import timezone

from contact import mail
from contact.models import ContactMessage


@shared_task(  # type: ignore[untyped-decorator]
    autoretry_for=(OSError,), retry_backoff=5, max_retries=6
)
def mail_notice(message_id: int, language: str) -> None:
    mail.mail_notice(message_id, language=language)


@shared_task  # type: ignore[untyped-decorator]
def prune_contact() -> None:
    ContactMessage.objects.old_suspects(at=timezone.now()).delete()
