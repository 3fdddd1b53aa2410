"""Uploaded networks, and the sessions in which something was made of one."""

from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from sessions_app.models import Sesion
from visionai.lib.jobs import Job

M = TypeVar("M", bound=models.Model)
AnyUser = AbstractBaseUser | AnonymousUser
# A login that ran out or was left lets its runs finish; one that was taken back does not.
TAKEN_BACK = (
    Sesion.EndReason.REVOKED_BY_USER,
    Sesion.EndReason.REVOKED_BY_STAFF,
    Sesion.EndReason.PASSWORD_CHANGED,
    Sesion.EndReason.TOKEN_REUSE,
    Sesion.EndReason.ERASED,
)


class Guest(models.Model):
    """A client without an account, where the operator lets such clients export.

    Known by a key that we gave it, of which only a hash is kept.
    """

    key_hash = models.CharField(max_length=64, unique=True)
    address = models.CharField(max_length=45, blank=True, db_index=True)
    last_seen = models.DateTimeField()

    is_authenticated = False  # what REST framework asks of `request.user`
    is_staff = False

    class Meta:
        verbose_name = _("client without an account")
        verbose_name_plural = _("clients without an account")

    def __str__(self) -> str:
        return f"anonymous {self.pk}"


class OwnedQuerySet(models.QuerySet[M]):
    def owned_by(self, owner: "AnyUser | Guest") -> Self:
        """The owner's own; none for an anonymous user, or a guest who has nothing yet."""
        if isinstance(owner, Guest):
            return self.filter(guest_id=owner.pk) if owner.pk else self.none()
        return self.filter(owner_id=owner.pk) if owner.is_authenticated else self.none()


class Owned(models.Model):
    """What belongs to a user or to a guest."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    guest = models.ForeignKey(Guest, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def whose(self) -> "Owner":
        """The one or the other."""
        found = self.guest or self.owner
        assert found is not None  # a constraint says so
        return found


Owner = User | Guest


def belonging(owner: Owner) -> dict[str, Owner]:
    """The field that says whose a new row is."""
    return {"guest" if isinstance(owner, Guest) else "owner": owner}


def of_one_owner(name: str) -> models.CheckConstraint:
    """Either a user's or a guest's."""
    users = Q(owner__isnull=False, guest__isnull=True)
    return models.CheckConstraint(
        condition=users | Q(owner__isnull=True, guest__isnull=False), name=name
    )


class NetworkQuerySet(OwnedQuerySet["UploadedNetwork"]):
    """Uploaded networks."""


class UploadedNetwork(Owned):
    """A Keras file that was looked at and found to be a network; never changed, only deleted."""

    filename = models.CharField(_("file"), max_length=120)
    stored = models.CharField(max_length=64, unique=True)  # its name on the disk
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField(max_length=64)
    parameters = models.PositiveBigIntegerField(_("parameters"))
    layers = models.JSONField(_("layers"))
    created_at = models.DateTimeField(_("uploaded"))

    objects = NetworkQuerySet.as_manager()

    class Meta:
        verbose_name = _("uploaded network")
        verbose_name_plural = _("uploaded networks")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "filename"], name="one_network_of_a_name"),
            models.UniqueConstraint(fields=["guest", "filename"], name="one_guest_s_of_a_name"),
            of_one_owner("network_of_one_owner"),
        ]

    def __str__(self) -> str:
        return self.filename


class ExportQuerySet(OwnedQuerySet["ExportSession"]):
    def to_be_stopped(self) -> Self:
        """Those that somebody cancelled, or whose login was taken back."""
        return self.filter(Q(wants_cancel=True) | Q(sesion__end_reason__in=TAKEN_BACK))

    def older_than(self, age: timedelta, at: datetime) -> Self:
        """Made before that long ago."""
        return self.filter(created_at__lt=at - age)


class ExportSession(Job, Owned):
    """One run: what was asked, how far it is, and a folder of what it made."""

    class Kind(models.TextChoices):
        INFERENCE = "inference", _("Layer by layer")
        IMAGE = "image", _("Picture to VHDL")
        WEIGHTS = "weights", _("Weights to VHDL")
        DESIGN = "design", _("Whole network")
        NETLIST = "netlist", _("Design past synthesis")
        FAULTS = "faults", _("Layer by layer with faults")
        CAMPAIGN = "campaign", _("Fault campaign")

    session_id = models.CharField(_("session"), max_length=100, unique=True)
    sesion = models.ForeignKey(
        Sesion, on_delete=models.SET_NULL, null=True, related_name="export_sessions"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    network = models.CharField(_("network"), max_length=120, blank=True)
    asked = models.JSONField(_("asked"), default=dict)
    result = models.JSONField(_("result"), default=dict, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-created_at", "-pk"]
        constraints = [of_one_owner("export_of_one_owner")]
        indexes = [
            models.Index(fields=["owner", "created_at"], name="exports_of_owner"),
            models.Index(fields=["state", "heartbeat_at"], name="exports_silent"),
        ]

    def __str__(self) -> str:
        return self.session_id


class FaultDefault(models.Model):
    """The faults that a user's inferences get where the request names none."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="fault_default"
    )
    guest = models.OneToOneField(
        Guest, on_delete=models.CASCADE, null=True, related_name="fault_default"
    )
    config = models.JSONField(_("configuration"))
    saved_at = models.DateTimeField(_("saved"))

    class Meta:
        verbose_name = _("fault configuration")
        verbose_name_plural = _("fault configurations")
        constraints = [of_one_owner("faults_of_one_owner")]

    def __str__(self) -> str:
        return str(self.owner or self.guest)


class Artifact(models.Model):
    """One file that a run made; its path is below the session's folder."""

    export = models.ForeignKey(ExportSession, on_delete=models.CASCADE, related_name="artifacts")
    folder = models.CharField(_("folder"), max_length=30)
    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["folder", "name"]
        constraints = [
            models.UniqueConstraint(fields=["export", "folder", "name"], name="one_file_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name
