"""When someone was here: one row a login, from its start to its end."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sessions_app.devices import device_name

AnyUser = AbstractBaseUser | AnonymousUser


class SesionQuerySet(models.QuerySet["Sesion"]):
    def owned_by(self, user: AnyUser) -> Self:
        """The user's own sessions; none for an anonymous user."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def open_at(self, at: datetime) -> Self:
        """Sessions that have not ended and are within both limits."""
        return self.filter(fecha_fin=None, idle_at__gt=at, absolute_at__gt=at)

    def overdue_at(self, at: datetime) -> Self:
        """Sessions past a limit whose end is not written yet."""
        return self.filter(Q(idle_at__lte=at) | Q(absolute_at__lte=at), fecha_fin=None)

    def of_disabled_users(self) -> Self:
        """Open sessions of accounts that were switched off."""
        return self.filter(fecha_fin=None, user__is_active=False)


class Sesion(models.Model):
    """One login. `fecha_fin` is written once, by whoever ends it first."""

    class Kind(models.TextChoices):
        BROWSER = "browser", _("Browser")
        API = "api", _("Program")
        FIREBASE = "firebase", _("Firebase")

    class EndReason(models.TextChoices):
        LOGOUT = "logout", _("Signed out")
        IDLE = "idle", _("Idle too long")
        ABSOLUTE = "absolute", _("Longest duration reached")
        REVOKED_BY_USER = "revoked_by_user", _("Ended by the user")
        REVOKED_BY_STAFF = "revoked_by_staff", _("Ended by an administrator")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        TOKEN_REUSE = "token_reuse", _("A spent token was used again")
        ERASED = "erased", _("Account erased")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="sesiones"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    fecha_inicio = models.DateTimeField(_("started"))
    fecha_fin = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(
        _("how it ended"), max_length=20, choices=EndReason.choices, blank=True
    )
    ip = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("device"), max_length=300, blank=True)
    last_seen = models.DateTimeField(_("last seen"))
    idle_at = models.DateTimeField()
    absolute_at = models.DateTimeField()

    objects = SesionQuerySet.as_manager()

    class Meta:
        db_table = "sesion"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [
            models.Index(fields=["user", "fecha_fin"], name="sesion_user_open"),
            models.Index(fields=["fecha_fin", "idle_at"], name="sesion_overdue"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(fecha_fin=None, end_reason="")
                | (Q(fecha_fin__isnull=False) & ~Q(end_reason="")),
                name="an_end_has_its_reason",
            ),
            models.CheckConstraint(
                condition=Q(fecha_fin=None) | Q(fecha_fin__gte=F("fecha_inicio")),
                name="a_session_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def device_name(self) -> str:
        return device_name(self.user_agent)

    def is_overdue(self, at: datetime) -> bool:
        return self.fecha_fin is None and min(self.idle_at, self.absolute_at) <= at


class Change(models.Model):
    """Something that other processes must hear of within a second; pruned after an hour."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=100)
    at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "change"

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class OpenSocket(models.Model):
    """A live connection of some process, as that process last wrote it."""

    process = models.CharField(_("process"), max_length=100)
    connection = models.CharField(_("connection"), max_length=32, unique=True)
    # Written in batches after the fact, so what they point at may be gone by then.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    sesion = models.ForeignKey(
        Sesion,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
        verbose_name=_("session"),
    )
    path = models.CharField(_("path"), max_length=200)
    ip = models.GenericIPAddressField(_("address"), null=True)
    opened = models.DateTimeField(_("opened"))
    last_seen = models.DateTimeField(_("process last heard of"), db_index=True)

    class Meta:
        db_table = "open_socket"
        verbose_name = _("open socket")
        verbose_name_plural = _("open sockets")

    def __str__(self) -> str:
        return self.connection


class RefreshUse(models.Model):
    """The first time that a refresh token was presented; what decides when it is again."""

    sesion = models.ForeignKey(Sesion, on_delete=models.CASCADE, related_name="+")
    generation = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "refresh_use"
        constraints = [
            models.UniqueConstraint(
                fields=["sesion", "generation"], name="a_refresh_token_is_spent_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.sesion_id}/{self.generation}"


class FirebaseLogin(models.Model):
    """One sign-in at Firebase, whichever of its ID tokens is shown, is one `Sesion`."""

    # A hash of project and subject: an erased account must not come back with an old token.
    person = models.CharField(max_length=64)
    auth_time = models.DateTimeField()
    sesion = models.OneToOneField(Sesion, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "firebase_login"
        constraints = [
            models.UniqueConstraint(
                fields=["person", "auth_time"], name="one_session_per_firebase_login"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person[:8]} {self.auth_time.isoformat()}"
