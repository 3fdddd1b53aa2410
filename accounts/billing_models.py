"""What was used, what may be used, and what was charged for it."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.acts import act_choices, limit_choices


class InvoiceClosed(Exception):
    """An invoice stays as it was issued."""


class Plan(models.Model):
    """What an account may use, and at which prices."""

    name = models.SlugField(_("name"), max_length=40, unique=True)
    place = models.PositiveSmallIntegerField(_("place in the list"), default=0)
    monthly_price = models.DecimalField(
        max_digits=12, decimal_places=2, verbose_name=_("price a month"), default=Decimal(0)
    )

    class Meta:
        db_table = "plan"
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["place", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(monthly_price__gte=0), name="plan_price_is_not_owed")
        ]

    def __str__(self) -> str:
        return self.name


class PlanLimit(models.Model):
    """The most of one thing; without a row there is no limit."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="limits")
    name = models.CharField(_("limit"), max_length=40, choices=limit_choices)
    most = models.PositiveBigIntegerField(_("at most"))

    class Meta:
        db_table = "plan_limit"
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.UniqueConstraint(fields=["plan", "name"], name="one_limit_of_a_name_a_plan")
        ]

    def __str__(self) -> str:
        return f"{self.name} ≤ {self.most}"


class PlanPrice(models.Model):
    """What one unit of an act costs; without a row, nothing."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="prices")
    act = models.CharField(_("act"), max_length=20, choices=act_choices)
    unit_price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=6)

    class Meta:
        db_table = "plan_price"
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.UniqueConstraint(fields=["plan", "act"], name="one_price_of_an_act_a_plan"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="price_is_not_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.act}: {self.unit_price}"


class UserPlan(models.Model):
    """The plan of an account that is not on the first one."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="user_plan"
    )
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="members", verbose_name=_("plan")
    )

    class Meta:
        db_table = "user_plan"
        verbose_name = _("plan of the account")
        verbose_name_plural = _("plan of the account")

    def __str__(self) -> str:
        return f"{self.pk}"


class UserLimit(models.Model):
    """An account's own limit, instead of its plan's; empty is no limit."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_limits"
    )
    name = models.CharField(_("limit"), max_length=40, choices=limit_choices)
    most = models.PositiveBigIntegerField(_("at most"), null=True, blank=True)

    class Meta:
        db_table = "user_limit"
        verbose_name = _("own limit")
        verbose_name_plural = _("own limits")
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_limit_of_a_name_a_user")
        ]

    def __str__(self) -> str:
        return f"{self.name} ≤ {self.most}"


class UsageRowQuerySet(models.QuerySet["UsageRow"]):
    def owned_by(self, user: Any) -> Self:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def between(self, start: datetime, end: datetime) -> Self:
        return self.filter(at__gte=start, at__lt=end)

    def open(self) -> Self:
        """Not on an invoice yet."""
        return self.filter(invoice=None)


class UsageRow(models.Model):
    """One billable act, once. The session is a number or a text, whichever kind it was."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    act = models.CharField(_("act"), max_length=20, choices=act_choices)
    key = models.CharField(_("key"), max_length=120)
    amount = models.PositiveBigIntegerField(_("amount"), default=1)
    at = models.DateTimeField(_("at"))
    session = models.CharField(_("session"), max_length=64, blank=True)
    invoice = models.ForeignKey(
        "Invoice",
        on_delete=models.PROTECT,
        null=True,
        related_name="rows",
        verbose_name=_("invoice"),
    )

    objects = UsageRowQuerySet.as_manager()

    class Meta:
        db_table = "usage_row"
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        indexes = [
            models.Index(fields=["user", "act", "at"], name="usage_by_user"),
            models.Index(fields=["invoice", "at"], name="usage_to_bill"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["act", "key"], name="one_usage_an_act_and_key")
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.key}"


class UsageTally(models.Model):
    """Readings that one flush of a live camera wrote, still to be added up by `usage.fold`."""

    at = models.DateTimeField(db_index=True)
    counts = models.JSONField()  # [[user id, session id, readings], ...]

    class Meta:
        db_table = "usage_tally"

    def __str__(self) -> str:
        return f"{self.pk}"


class ErasedUsage(models.Model):
    """What erased accounts had used and no invoice held: one sum a month and act, of nobody."""

    month = models.DateField(_("month"))  # its first day
    act = models.CharField(_("act"), max_length=20, choices=act_choices)
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.PositiveBigIntegerField(_("amount"), default=0)
    # At the prices of the moments at which the accounts were erased, without tax.
    net = models.DecimalField(_("net"), max_digits=14, decimal_places=2, default=Decimal(0))

    class Meta:
        db_table = "erased_usage"
        verbose_name = _("usage of erased accounts")
        verbose_name_plural = _("usage of erased accounts")
        ordering = ["-month", "act"]
        constraints = [
            models.UniqueConstraint(
                fields=["month", "act", "currency"], name="one_sum_a_month_and_act"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.act}"


class ClosedQuerySet(models.QuerySet["Any"]):
    """Rows that are added and read, and stay as they are."""

    def update(self, **kwargs: Any) -> int:
        raise InvoiceClosed

    def delete(self) -> Any:
        raise InvoiceClosed

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise InvoiceClosed

    def owned_by(self, user: Any) -> Self:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class Closed(models.Model):
    """A row that cannot be saved a second time nor deleted."""

    objects = ClosedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise InvoiceClosed
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise InvoiceClosed


class Invoice(Closed):
    """A month of an account, charged once. Its owner may be erased; the number stays."""

    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    recipient = models.CharField(_("recipient"), max_length=400, blank=True)
    issuer = models.CharField(_("issuer"), max_length=400, blank=True)
    month = models.DateField(_("month"))  # its first day
    plan = models.CharField(_("plan"), max_length=40)
    issued_at = models.DateTimeField(_("issued"))
    currency = models.CharField(_("currency"), max_length=3)
    tax_rate = models.DecimalField(_("tax rate, %"), max_digits=5, decimal_places=2)
    net = models.DecimalField(_("net"), max_digits=14, decimal_places=2)
    tax = models.DecimalField(_("tax"), max_digits=14, decimal_places=2)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2)

    class Meta:
        db_table = "invoice"
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.UniqueConstraint(fields=["year", "sequence"], name="one_invoice_a_number"),
            models.UniqueConstraint(fields=["user", "month"], name="one_invoice_a_user_and_month"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"{self.year}-{self.sequence:05d}"


class InvoiceLine(Closed):
    """So much of an act, or the month of a plan (`act` is empty then)."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    act = models.CharField(_("act"), max_length=20, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=4)
    unit_price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=6)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2)

    class Meta:
        db_table = "invoice_line"
        constraints = [
            models.UniqueConstraint(fields=["invoice", "act"], name="one_line_an_invoice_and_act")
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.total}"


class InvoiceCounter(models.Model):
    """The last number given in a year; locked while one is given, so that none is left out."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "invoice_counter"

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
