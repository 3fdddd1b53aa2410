"""Who may come in."""

import unicodedata
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 150


def fold(name: str) -> str:
    """The form in which two names are the same: compatible characters and case made equal."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def validate_folded_length(name: str) -> None:
    """Some letters become several when folded, so that a name can outgrow its column."""
    if len(fold(name)) > NAME_LENGTH:
        raise ValidationError(_("This name is too long."))


# No @: what has one is an e-mail, so that no name can be mistaken for another user's address.
validate_username = RegexValidator(
    r"^[\w.+-]+\Z", _("A username has letters, digits and . + - _ only.")
)


class UserQuerySet(models.QuerySet["User"]):
    def named(self, login: str) -> Self:
        """Users whose username or e-mail is `login`, in any case; at most one of each."""
        return self.filter(Q(username_key=fold(login)) | Q(email=fold(login)))

    def administrators(self) -> Self:
        """Users who may do everything, now."""
        return self.filter(role=User.Role.ADMIN, is_active=True)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username_key=fold(username or ""))

    def create_user(
        self, username: str, *, password: str | None = None, email: str | None = None, **fields: str
    ) -> "User":
        user = self.model(username=username, email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, *, password: str | None = None, email: str | None = None, **fields: str
    ) -> "User":
        fields["role"] = User.Role.ADMIN
        return self.create_user(username, password=password, email=email, **fields)


class User(AbstractBaseUser):
    """A person with an account. An administrator may do everything, a user what is theirs."""

    class Role(models.TextChoices):
        USER = "user", _("User")
        ADMIN = "admin", _("Administrator")

    username = models.CharField(
        _("username"),
        max_length=NAME_LENGTH,
        unique=True,
        validators=[validate_username, validate_folded_length],
    )
    username_key = models.CharField(max_length=NAME_LENGTH, unique=True, editable=False)
    email = models.EmailField(_("e-mail"), max_length=190, unique=True, null=True, blank=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.USER)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "users"
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["user", "admin"]), name="role_is_user_or_admin"
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: object, **kwargs: object) -> None:
        self.username_key = fold(self.username)
        self.email = fold(self.email) if self.email else None
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password. A hash of an older kind is replaced when it is.

        A hash as passlib stored it (`$2b$...`) is one of Django's bcrypt without its prefix.
        """
        stored = self.password
        encoded = f"bcrypt${stored}" if stored.startswith("$2") else stored

        def upgrade(password: str) -> None:
            self.password = make_password(password)
            # Only over the hash that was checked: a new password set meanwhile stays.
            changed = User.objects.filter(pk=self.pk, password=stored)
            changed.update(password=self.password)

        try:
            return check_password(raw_password, encoded, upgrade)
        except ValueError:  # the stored hash is damaged
            make_password(raw_password or "")
            return False

    @property
    def is_staff(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def is_superuser(self) -> bool:
        return self.is_staff

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_staff

    def has_perms(self, perm_list: object, obj: object = None) -> bool:
        return self.is_active and self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable_at(self, at: datetime) -> Self:
        return self.filter(used_at=None, expires_at__gt=at)


class Invitation(models.Model):
    """A code, made by staff, with which one person may register. Only its hash is kept."""

    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    note = models.CharField(_("for whom"), max_length=150, blank=True)
    made_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True)
    used_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("used by")
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        db_table = "invitation"
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return self.note or f"{self.pk}"


class SetupLink(models.Model):
    """The one link with which the first administrator is made. Only its token's hash is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "setup_link"

    def __str__(self) -> str:
        return f"{self.pk}"


class Attempt(models.Model):
    """A try to get in that has not succeeded (yet), counted by `lockout.py`.

    The account is a hash: people type passwords into the field of the username.
    """

    purpose = models.CharField(max_length=20)
    account = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "attempt"
        indexes = [
            models.Index(fields=["purpose", "address", "at"], name="attempt_by_address"),
            models.Index(fields=["purpose", "account", "at"], name="attempt_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class FirebaseIdentity(models.Model):
    """A person as Firebase knows them, joined to an account here; never by e-mail."""

    project = models.CharField(max_length=100)
    subject = models.CharField(max_length=128)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="firebase_identities")
    linked_at = models.DateTimeField()

    class Meta:
        db_table = "firebase_identity"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "subject"], name="one_account_per_firebase_identity"
            )
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.subject}"


# They name `User`, so they come last.
from accounts.billing_models import ErasedUsage as ErasedUsage  # noqa: E402
from accounts.billing_models import Invoice as Invoice  # noqa: E402
from accounts.billing_models import InvoiceCounter as InvoiceCounter  # noqa: E402
from accounts.billing_models import InvoiceLine as InvoiceLine  # noqa: E402
from accounts.billing_models import Plan as Plan  # noqa: E402
from accounts.billing_models import PlanLimit as PlanLimit  # noqa: E402
from accounts.billing_models import PlanPrice as PlanPrice  # noqa: E402
from accounts.billing_models import UsageRow as UsageRow  # noqa: E402
from accounts.billing_models import UsageTally as UsageTally  # noqa: E402
from accounts.billing_models import UserLimit as UserLimit  # noqa: E402
from accounts.billing_models import UserPlan as UserPlan  # noqa: E402
