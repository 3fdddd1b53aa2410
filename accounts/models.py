"""Who may come in."""

import unicodedata
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def fold(name: str) -> str:
    """The form in which two names are the same: compatible characters and case made equal."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


class UserQuerySet(models.QuerySet["User"]):
    def named(self, login: str) -> Self:
        """Users whose username or e-mail is `login`, in any case; at most one of each."""
        return self.filter(Q(username_key=fold(login)) | Q(email=fold(login)))


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
        _("username"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()]
    )
    username_key = models.CharField(max_length=150, unique=True, editable=False)
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
