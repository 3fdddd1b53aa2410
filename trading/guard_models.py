"""What holds orders back: limits, kill switches, and the right to trade real money."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class LimitSet(models.Model):
    """What may be risked: in one session, or by a user in all sessions of one account type.

    `scope` is `session:<uuid>` or `user:<id>:<account type>`. The gate locks these rows, so that
    orders of one user pass one after another.
    """

    scope = models.CharField(max_length=60, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="limit_sets"
    )
    session = models.OneToOneField(
        "TradingSession", on_delete=models.CASCADE, null=True, related_name="limits"
    )
    stake = models.DecimalField(max_digits=18, decimal_places=2, verbose_name=_("largest stake"))
    daily_loss = models.DecimalField(
        max_digits=18, decimal_places=2, verbose_name=_("largest loss a day")
    )
    drawdown = models.DecimalField(
        max_digits=18, decimal_places=2, verbose_name=_("largest fall from the best")
    )
    consecutive_losses = models.PositiveIntegerField(_("losses in a row"))
    trades_per_hour = models.PositiveIntegerField(_("trades an hour"))
    open_positions = models.PositiveIntegerField(_("open positions"))
    run_minutes = models.PositiveIntegerField(_("minutes that a bot runs"))
    # Orders by hand that the gate refused, and since when they are counted.
    refused = models.PositiveIntegerField(default=0, editable=False)
    refused_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("limits")
        verbose_name_plural = _("limits")

    def __str__(self) -> str:
        return self.scope


class LimitChange(models.Model):
    """A limit that was raised and holds from `effective_at` on."""

    limit_set = models.ForeignKey(LimitSet, on_delete=models.CASCADE, related_name="changes")
    field = models.CharField(max_length=30)
    value = models.DecimalField(max_digits=18, decimal_places=2)
    asked_at = models.DateTimeField()
    effective_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["limit_set", "field"], name="one_raise_a_limit")
        ]

    def __str__(self) -> str:
        return f"{self.field} {self.value}"


class KillSwitch(models.Model):
    """While it is on, no order passes. `scope` is everything, broker:x, user:x or session:x."""

    scope = models.CharField(_("scope"), max_length=60, unique=True)
    is_on = models.BooleanField(_("on"), default=False)
    reason = models.CharField(_("why"), max_length=200, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("kill switch")
        verbose_name_plural = _("kill switches")

    def __str__(self) -> str:
        return self.scope


class RealGrant(models.Model):
    """A user who may trade real money: staff allowed it, and the user confirmed it in words."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="real_grant"
    )
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    granted_at = models.DateTimeField(_("granted"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    first_confirmed_at = models.DateTimeField(null=True)  # kept for good

    class Meta:
        verbose_name = _("right to trade real money")
        verbose_name_plural = _("rights to trade real money")

    def __str__(self) -> str:
        return f"{self.user_id}"
