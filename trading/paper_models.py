"""What the embedded broker remembers of its accounts; balances are worked out of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PaperAccount(models.Model):
    """Play money. `key` is the trading session that it belongs to."""

    key = models.CharField(max_length=64, unique=True)
    refilled = models.DecimalField(max_digits=18, decimal_places=2, default=0)

    class Meta:
        verbose_name = _("paper account")
        verbose_name_plural = _("paper accounts")

    def __str__(self) -> str:
        return self.key


class PaperTrade(models.Model):
    """An order that was taken; written once. Its end follows from the prices and is in it."""

    account = models.ForeignKey(PaperAccount, on_delete=models.CASCADE, related_name="trades")
    reference = models.CharField(max_length=64)
    asset = models.CharField(max_length=40)
    direction = models.CharField(max_length=4)
    stake = models.DecimalField(max_digits=18, decimal_places=2)
    payout = models.DecimalField(max_digits=6, decimal_places=4)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    open_price = models.FloatField()
    close_price = models.FloatField()
    profit = models.DecimalField(max_digits=18, decimal_places=2)  # holds from `expires_at` on

    class Meta:
        verbose_name = _("paper trade")
        verbose_name_plural = _("paper trades")
        indexes = [models.Index(fields=["account", "expires_at"], name="paper_trades_by_end")]
        constraints = [
            models.UniqueConstraint(fields=["account", "reference"], name="one_trade_a_reference"),
            models.CheckConstraint(condition=Q(stake__gt=0), name="paper_stake_is_money"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}:{self.reference}"
