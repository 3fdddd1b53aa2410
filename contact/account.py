"""What an account's owner may ask of this app."""

from collections.abc import Iterator, Mapping

from accounts.models import User
from contact.models import ContactMessage


def export_messages(user: User) -> tuple[str, Iterator[Mapping[str, object]]]:
    rows = ContactMessage.objects.filter(user=user)
    columns = ("name", "email", "subject", "text", "created_at")
    return "contact_messages", rows.values(*columns).iterator()


def erase_messages(user: User) -> None:
    ContactMessage.objects.filter(user=user).delete()
