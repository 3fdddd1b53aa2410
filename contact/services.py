"""A message comes in, is read, and goes."""

import re
import unicodedata
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import lockout
from accounts.models import User
from contact.models import ContactMessage
from contact.tasks import mail_notice
from visionai.lib.errors import DomainError

# Control characters, what turns the writing direction, halves of pairs.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class TooManyMessages(DomainError):
    status, code, title = 429, "too_many_messages", _("Too many messages")
    detail = _("You have written often in this hour; write again in {wait}.")


def send_message(
    *,
    name: str,
    email: str,
    subject: str = "",
    text: str,
    trap: str = "",
    user: User | None = None,
    sesion_id: int | None = None,
    ip: str | None,
    at: datetime,
) -> ContactMessage:
    """Keep a message and tell staff by mail where the operator named addresses.

    `trap` is a field that people do not see: what fills it is a program, or a browser that fills
    everything. Such a message is kept apart, unannounced. Raises `TooManyMessages`.
    """
    try:
        lockout.begin_attempt(lockout.CONTACT, account="", ip=ip, at=at)
    except lockout.TooManyAttempts as error:
        raise TooManyMessages(retry_after=error.retry_after, wait=error.facts["wait"]) from error
    with transaction.atomic():
        message = ContactMessage.objects.create(
            user=user,
            sesion_id=sesion_id,
            name=one_line(name),
            email=one_line(email),
            subject=one_line(subject),
            text=clean(text),
            is_suspect=bool(trap),
            created_at=at,
        )
        if not message.is_suspect:
            send = partial(mail_notice.delay, message.pk, get_language())
            transaction.on_commit(send, robust=True)
    return message


def mark_read(message: ContactMessage, *, is_read: bool = True) -> None:
    message.is_read = is_read
    message.save(update_fields=["is_read"])


def clean(text: str) -> str:
    """The text without characters that nobody types; line ends as one kind."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return UNSEEN.sub("", lines).strip()


def one_line(text: str) -> str:
    """The text as a line of its own, so that it cannot begin another one in a mail's head."""
    return re.sub(r"\s+", " ", clean(text))
