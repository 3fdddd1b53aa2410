"""What staff ask of the messages."""

from typing import Any, cast

from django.db.models import Count, Q, QuerySet

from contact.models import ContactMessage, ContactMessageQuerySet


def listed(
    *, is_read: bool | None = None, email: str = "", suspects: bool = False
) -> ContactMessageQuerySet:
    """The newest first."""
    rows = ContactMessage.objects.filter(is_suspect=suspects).order_by("-id")
    if is_read is not None:
        rows = rows.filter(is_read=is_read)
    return rows.filter(email__iexact=email) if email else rows


def senders() -> QuerySet[ContactMessage, dict[str, Any]]:
    """`{email, messages, unread}` of each sender; who waits for an answer first."""
    rows = ContactMessage.objects.welcome().values("email")
    counted = rows.annotate(messages=Count("id"), unread=Count("id", filter=Q(is_read=False)))
    return cast("QuerySet[ContactMessage, dict[str, Any]]", counted.order_by("-unread", "email"))
