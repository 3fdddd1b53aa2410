"""What staff are mailed."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import override

from contact.models import ContactMessage


def mail_notice(message_id: int, *, language: str) -> None:
    """Tell the addresses in `CONTACT_NOTIFY`; answering the mail answers the sender."""
    message = ContactMessage.objects.filter(pk=message_id).first()
    if message is None or not settings.CONTACT_NOTIFY:
        return
    with override(language):
        subject = message.subject or _("A message from {name}").format(name=message.name)
        body = _("{name} <{email}> wrote:").format(name=message.name, email=message.email)
        EmailMessage(
            subject=f"[VisionAI] {subject}",
            body=f"{body}\n\n{message.text}\n",
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=settings.CONTACT_NOTIFY,
            reply_to=[message.email],
        ).send()
