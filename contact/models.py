"""Messages to the people who run the place."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

NAME_LENGTH, EMAIL_LENGTH, SUBJECT_LENGTH, TEXT_LENGTH = 150, 190, 200, 5000
KEEP_SUSPECTS = timedelta(days=30)


class ContactMessageQuerySet(models.QuerySet["ContactMessage"]):
    def welcome(self) -> Self:
        """All but those that a program seems to have written."""
        return self.filter(is_suspect=False)

    def unread(self) -> Self:
        return self.filter(is_read=False)

    def old_suspects(self, *, at: datetime) -> Self:
        """What programs wrote, a month later."""
        return self.filter(is_suspect=True, created_at__lt=at - KEEP_SUSPECTS)


class ContactMessage(models.Model):
    """What somebody wrote, as typed; `email` is what they say of themselves, and not proven."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    sesion_id = models.BigIntegerField(null=True, blank=True, editable=False)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    email = models.EmailField(_("e-mail"), max_length=EMAIL_LENGTH)
    subject = models.CharField(_("subject"), max_length=SUBJECT_LENGTH, blank=True)
    text = models.TextField(_("message"), max_length=TEXT_LENGTH)
    is_read = models.BooleanField(_("read"), default=False)
    is_suspect = models.BooleanField(_("suspect"), default=False)
    created_at = models.DateTimeField(_("received"))

    objects = ContactMessageQuerySet.as_manager()

    class Meta:
        db_table = "contact_messages"
        verbose_name = _("contact message")
        verbose_name_plural = _("contact messages")
        indexes = [
            models.Index(fields=["is_suspect", "is_read", "-id"], name="contact_by_state"),
            models.Index(fields=["email"], name="contact_by_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.subject or self.text[:40]}"
