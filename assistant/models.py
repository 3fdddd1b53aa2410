"""What was asked and answered: conversations, whose messages form a tree, and their files.

A question that was edited and an answer that was tried again are brothers: they share a parent. A
message is removed only with its whole conversation.
"""

import uuid
from datetime import datetime
from typing import Self, TypeAlias

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

AnyUser: TypeAlias = AbstractBaseUser | AnonymousUser
TITLE_LENGTH = 200


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def owned_by(self, user: AnyUser) -> Self:
        """The user's own; none for an anonymous one."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def of_visitor(self, visitor: str) -> Self:
        """What a client without an account talks about on one connection."""
        return self.filter(visitor=visitor, user=None) if visitor else self.none()


class Conversation(models.Model):
    """Messages about one matter, of a user or of one connection of a visitor."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    visitor = models.CharField(max_length=32, blank=True, db_index=True)
    sesion_number = models.PositiveBigIntegerField(_("session"), null=True)
    label = models.CharField(max_length=64, null=True)  # what an original client calls it
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    folded_title = models.CharField(max_length=3 * TITLE_LENGTH)
    last_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("begun"))
    updated_at = models.DateTimeField(_("last used"))

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["user", "-updated_at"], name="conversation_of_user")]
        constraints = [
            models.UniqueConstraint(fields=["user", "label"], name="one_conversation_of_a_label"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, visitor="")
                | (Q(user__isnull=True) & ~Q(visitor="")),
                name="a_conversation_is_somebody_s",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class MessageQuerySet(models.QuerySet["Message"]):
    def owned_by(self, user: AnyUser) -> Self:
        return self.filter(conversation__in=Conversation.objects.owned_by(user))

    def generating(self) -> Self:
        return self.filter(state=Message.State.GENERATING)

    def left_at(self, at: datetime) -> Self:
        """Answers that nobody works on, or whose worker has been silent for too long."""
        free = Q(owner="") | Q(lease_until__lt=at)
        return self.generating().filter(free)


class Message(models.Model):
    """A question, or an answer and who gave it. `text` of an answer grows until its end."""

    class Role(models.TextChoices):
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")

    class State(models.TextChoices):
        GENERATING = "generating", _("Being answered")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")
        FILTERED = "filtered", _("Held back")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    # A chain of thousands of rows: the database would follow it row by row at each deletion.
    parent = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="children",
    )
    number = models.PositiveIntegerField()  # within the conversation, from 1
    role = models.CharField(_("role"), max_length=9, choices=Role.choices)
    sesion_number = models.PositiveBigIntegerField(_("session"), null=True)
    text = models.TextField(_("text"), blank=True)
    folded = models.TextField(blank=True)  # for the search; an answer's is written at its end
    language = models.CharField(max_length=2)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    error = models.CharField(_("error"), max_length=40, blank=True)
    engine = models.CharField(_("engine"), max_length=40, blank=True)
    model = models.CharField(_("model"), max_length=200, blank=True)
    degraded = models.BooleanField(_("stand-in"), default=False)
    sources = models.JSONField(default=list, blank=True)  # of {title, url}
    ref = models.CharField(
        max_length=64, null=True, unique=True
    )  # what its client calls it, hashed
    created_at = models.DateTimeField(_("created"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    # Who writes the answer: one process, under a lease, with a number that grows at each change.
    owner = models.CharField(max_length=100, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    wants_stop = models.BooleanField(default=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["number"]
        indexes = [models.Index(fields=["state", "lease_until"], name="message_unfinished")]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "number"], name="one_message_of_a_number"
            ),
            models.UniqueConstraint(fields=["ref"], name="one_answer_of_a_ref"),
            models.CheckConstraint(
                condition=Q(role="user") | Q(parent__isnull=False),
                name="an_answer_has_its_question",
            ),
            models.CheckConstraint(
                condition=(Q(state="generating", role="assistant", ended_at__isnull=True))
                | (~Q(state="generating") & Q(ended_at__isnull=False)),
                name="only_an_answer_has_no_end_yet",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def has_ended(self) -> bool:
        return self.state != self.State.GENERATING


class AttachedQuerySet(models.QuerySet["Attached"]):
    def owned_by(self, user: AnyUser) -> Self:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def unsent_before(self, at: datetime) -> Self:
        """Uploads that no message took."""
        return self.filter(message=None, created_at__lt=at)


class Attached(models.Model):
    """A file that a user put beside a message. An edited question shares the stored bytes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, related_name="attached"
    )
    name = models.CharField(_("file"), max_length=120)
    media_type = models.CharField(_("kind"), max_length=60)
    size = models.PositiveBigIntegerField(_("bytes"))
    stored = models.CharField(max_length=64, db_index=True)  # its name on the disk
    created_at = models.DateTimeField(_("uploaded"))

    objects = AttachedQuerySet.as_manager()

    class Meta:
        verbose_name = _("attached file")
        verbose_name_plural = _("attached files")
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="an_attached_file_is_not_empty")
        ]

    def __str__(self) -> str:
        return self.name
